/**
 * Child processes of tests and bench, each in a process group of its own, so that everything a child started ends with it.
 *
 * Output is kept up to a bound. Only groups started here are ever signalled. `end` asks politely, waits, then kills; it
 * resolves when the process is gone and never rejects.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pause, within } from './wait.ts';

/** Most bytes of output kept of one process; older output is forgotten. */
const KEEP_OUTPUT = 1 << 20;

/** How a process is to be started. */
export interface Launch {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Hears every complete line of stdout as it comes. */
  readonly onLine?: (line: string) => void;
}

/** A running (or ended) child and its process group. */
export class Running {
  readonly name: string;
  readonly child: ChildProcess;
  /** Resolves with the exit code (null when a signal ended it or it never ran) when the process is gone. */
  readonly gone: Promise<number | null>;
  /** Resolves when its output has been read to the end; later than `gone` when something it started holds the pipes. */
  readonly read: Promise<void>;
  #output = '';
  #ended = false;

  constructor(name: string, child: ChildProcess, onLine?: (line: string) => void) {
    this.name = name;
    this.child = child;
    let partial = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.#keep(text);
      if (!onLine) return;
      const lines = (partial + text).split('\n');
      partial = lines.pop() ?? '';
      for (const line of lines) onLine(line);
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#keep(text));
    this.read = new Promise((resolve) => {
      child.once('close', () => resolve());
    });
    this.gone = new Promise((resolve) => {
      child.once('error', (error) => {
        this.#keep(String(error));
        this.#ended = true;
        resolve(null);
      });
      child.once('exit', (code) => {
        this.#ended = true;
        resolve(code);
      });
    });
  }

  /** What it wrote to stdout and stderr, the last megabyte. */
  get output(): string {
    return this.#output;
  }

  get ended(): boolean {
    return this.#ended;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** Sends a signal to the whole group. False when the group is gone. */
  signal(signal: NodeJS.Signals): boolean {
    return signalGroup(this.pid, signal);
  }

  /** SIGTERM, then after `graceMs` SIGKILL, to the group; resolves with the exit code when the process is gone. */
  async end(graceMs = 5000): Promise<number | null> {
    if (!this.#ended) {
      this.signal('SIGTERM');
      // Not a race with a pause: its timer would keep the test's process alive for the rest of the grace.
      await within(`${this.name} to end`, graceMs, this.gone).catch(() => undefined);
    }
    // Also when the leader has gone: a child of its may have stayed behind.
    this.signal('SIGKILL');
    return this.gone;
  }

  /** SIGKILL to the group; resolves when the process is gone. */
  async kill(): Promise<void> {
    this.signal('SIGKILL');
    await within(`${this.name} to be gone after SIGKILL`, 10_000, this.gone);
  }

  #keep(text: string): void {
    this.#output = (this.#output + text).slice(-KEEP_OUTPUT);
  }
}

/** Starts a command in a process group of its own. A command that does not exist shows as `gone` with null. */
export function launch(name: string, command: string, args: readonly string[], how: Launch = {}): Running {
  const child = spawn(command, args, {
    cwd: how.cwd,
    env: { ...process.env, ...how.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  return new Running(name, child, how.onLine);
}

/** Runs a command to its end within `limitMs`; kills its group when it takes longer. */
export async function run(
  name: string,
  command: string,
  args: readonly string[],
  how: Launch & { readonly limitMs?: number } = {},
): Promise<{ readonly code: number | null; readonly output: string }> {
  const process_ = launch(name, command, args, how);
  try {
    const code = await within(`${name} to end`, how.limitMs ?? 60_000, process_.gone);
    // A daemon that it left behind may keep the pipes open for good.
    await Promise.race([process_.read, pause(1000)]);
    return { code, output: process_.output };
  } finally {
    if (!process_.ended) await process_.kill();
  }
}

/** Where a program lies: PATH, then the folders of system programs that PATH may lack. Undefined when it is nowhere. */
export function program(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

/**
 * For node:test's `skip`: false when all programs are there, else the reason in words. With CI=true it is always false, so
 * that a missing program fails the test instead of hiding it.
 */
export function skipWithout(...names: readonly string[]): string | false {
  const absent = names.filter((name) => program(name) === undefined);
  if (absent.length === 0 || process.env['CI'] === 'true') return false;
  return `not installed: ${absent.join(', ')} (scripts/debian-packages.sh as root installs them)`;
}

/** As skipWithout, for files that must be there, such as a module of an interpreter. */
export function skipWithoutFiles(...paths: readonly string[]): string | false {
  const absent = paths.filter((path) => !existsSync(path));
  if (absent.length === 0 || process.env['CI'] === 'true') return false;
  return `not installed: ${absent.join(', ')} (scripts/debian-packages.sh as root installs them)`;
}

/** As skipWithout, for what only root can do. */
export function needsRoot(what: string): string | false {
  return process.getuid?.() !== 0 && process.env['CI'] !== 'true' && `this needs root: ${what}`;
}

function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  if (pid <= 1) return false;
  try {
    process.kill(-pid, signal);
    return true;
  } catch {
    return false;
  }
}
