/**
 * The gateway under test, started only as a user starts it: its command and a configuration file.
 *
 * The built program is used; when `dist` is older than the sources it is built first, once per process. With the variable
 * MILLRACE_TEST_FROM=source the sources run directly. A gateway is ready when its first port greets; it ends with the test.
 * It may be killed and started again on the same configuration and state.
 */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { pagesAreFresh } from './built-pages.ts';
import { ROOT, type Cleanup } from './folders.ts';
import { launch, run, type Running } from './processes.ts';
import { greets, until } from './wait.ts';

/** What to run. */
export interface GatewaySetup {
  /** Folder for the configuration file and the log; the configuration says where the state goes. */
  readonly folder: string;
  /** The configuration, as text; JSON is YAML too. */
  readonly configuration: string;
  /** Ports that must greet before the gateway counts as ready. */
  readonly ports: readonly number[];
  /** Wraps the command, for example to put it into a cgroup. */
  readonly wrap?: (command: readonly string[]) => readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

/** One line of `queue list --json`, as far as tests read it. */
export interface QueueLine {
  readonly id: string;
  readonly state: string;
  readonly nextAttempt: string | null;
  readonly sender: string;
  readonly recipients: readonly { readonly address: string; readonly state: string }[];
}

/** One line of the gateway's log. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Most log lines kept; older ones are forgotten. */
const KEEP_LINES = 20_000;

export class Gateway {
  readonly configFile: string;
  readonly #setup: GatewaySetup;
  readonly #log: LogLine[] = [];
  /** Lines of stdout that are not JSON objects; there should be none. */
  readonly strayLines: string[] = [];
  #running: Running | undefined;

  private constructor(setup: GatewaySetup) {
    this.#setup = setup;
    this.configFile = join(setup.folder, 'millrace.yaml');
  }

  /** Writes the configuration, starts, waits until it is ready. */
  static async start(cleanup: Cleanup, setup: GatewaySetup): Promise<Gateway> {
    const gateway = new Gateway(setup);
    await writeFile(gateway.configFile, setup.configuration);
    await ensureProgram();
    cleanup.after(() => gateway.#running?.end(10_000));
    await gateway.start();
    return gateway;
  }

  /** Starts the process (again) and waits until every port greets; milliseconds from start to the last greeting. */
  async start(limitMs = 20_000): Promise<number> {
    const command = [...gatewayCommand(), 'serve', '-c', this.configFile];
    const [program = '', ...args] = this.#setup.wrap ? this.#setup.wrap(command) : command;
    const began = performance.now();
    const running = launch('millrace', program, args, {
      cwd: this.#setup.folder,
      onLine: (line) => this.#hear(line),
      ...(this.#setup.env ? { env: this.#setup.env } : {}),
    });
    this.#running = running;
    for (const port of this.#setup.ports) {
      await until(`the gateway to greet on ${port}`, limitMs, () => {
        if (running.ended) throw new Error(`the gateway ended at its start:\n${running.output}`);
        return greets(port);
      });
    }
    return performance.now() - began;
  }

  /** The process as it is now. */
  get process(): Running {
    if (!this.#running) throw new Error('the gateway was never started');
    return this.#running;
  }

  /** Log lines heard so far, over all starts. */
  get log(): readonly LogLine[] {
    return this.#log;
  }

  /** SIGKILL to the process group; resolves when it is gone. */
  kill(): Promise<void> {
    return this.process.kill();
  }

  /** SIGTERM; resolves with the exit code. */
  stop(graceMs = 15_000): Promise<number | null> {
    return this.process.end(graceMs);
  }

  /** What the queue holds according to `millrace queue list --json`; works whether the gateway runs or not. */
  async queue(): Promise<QueueLine[]> {
    const [program = '', ...before] = gatewayCommand();
    const args = [...before, 'queue', 'list', '--json', '-c', this.configFile];
    const lines: string[] = [];
    const onLine = (line: string): void => void lines.push(line);
    const listing = await run('millrace queue list', program, args, { cwd: this.#setup.folder, onLine });
    if (listing.code !== 0) throw new Error(`queue list ended with ${listing.code}: ${listing.output}`);
    return lines.filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as QueueLine);
  }

  #hear(line: string): void {
    if (line === '') return;
    try {
      this.#log.push(JSON.parse(line) as LogLine);
      if (this.#log.length > KEEP_LINES) this.#log.splice(0, KEEP_LINES / 2);
    } catch {
      this.strayLines.push(line);
    }
  }
}

/** The command of the gateway's program, without arguments. */
export function gatewayCommand(): string[] {
  if (process.env['MILLRACE_TEST_FROM'] !== 'source')
    return [process.execPath, join(ROOT, 'bin', 'millrace')];
  const tsx = import.meta.resolve('tsx');
  return [
    process.execPath,
    '--conditions=source',
    '--import',
    tsx,
    join(ROOT, 'test', 'support', 'from-source.ts'),
  ];
}

let built: Promise<void> | undefined;

/** Builds the program when it is absent or older than the sources; once per process. */
export function ensureProgram(): Promise<void> {
  if (process.env['MILLRACE_TEST_FROM'] === 'source') return Promise.resolve();
  built ??= fresh() ? Promise.resolve() : build();
  return built;
}

async function build(): Promise<void> {
  const made = await run('build', process.execPath, [join(ROOT, 'scripts', 'build.mjs')], {
    limitMs: 180_000,
  });
  if (made.code !== 0) throw new Error(`the build failed:\n${made.output}`);
}

function fresh(): boolean {
  const entry = join(ROOT, 'dist', 'cli', 'index.js');
  if (!existsSync(entry)) return false;
  // The compiler writes a folder's files in no fixed order, so the oldest of what it wrote decides.
  return pagesAreFresh() && pickTime('src', '.ts', Math.max) < pickTime('dist', '.js', Math.min);
}

function pickTime(folder: string, ending: string, pick: (...times: number[]) => number): number {
  const times = readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
    .filter((e) => e.isFile() && e.name.endsWith(ending) && !/\.(test|cases)\.ts$/.test(e.name))
    .map((e) => join(e.parentPath ?? e.path, e.name))
    .filter((file) => !file.startsWith(join(ROOT, folder, 'ui')))
    .map((file) => statSync(file).mtimeMs);
  return pick(...times);
}
