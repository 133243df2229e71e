/**
 * The two ends of a command: results go to `out`, messages to `err`.
 *
 * A closed pipe (`| head`) is no error: what can no longer be written is dropped and `closed` says so. Colour is used only on a
 * terminal, never with NO_COLOR. Never throws.
 */
import type { Readable, Writable } from 'node:stream';

/** What a command may touch of the machine it runs on. */
export interface Machine {
  readonly stdout: Writable & { readonly isTTY?: boolean };
  readonly stderr: Writable & { readonly isTTY?: boolean };
  /** Default: the process's. */
  readonly stdin?: Readable & { readonly isTTY?: boolean };
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Folder the command was started in; relative paths start there. */
  readonly cwd: string;
}

/** Exit codes of every command; `milter check` has more for a filter that cannot be used (CHECK_EXIT of the gateway). */
export const EXIT = {
  ok: 0,
  failed: 1,
  usage: 2,
  configuration: 3,
  /** What was named is not there. */
  absent: 4,
  /** The gateway cannot be reached, or refused the token. */
  unreachable: 5,
  /** Some of what was asked for was not done. */
  partly: 6,
} as const;

/** Result and message writer of one command. */
export class Terminal {
  readonly machine: Machine;
  /** Whoever read the results has gone; producing more is useless. */
  closed = false;
  readonly #colour: boolean;
  /** Results may be coloured: they go to a terminal that is not told otherwise. */
  readonly colourful: boolean;
  readonly #quiet = (): void => {
    this.closed = true;
  };

  constructor(machine: Machine) {
    this.machine = machine;
    const { env, stdout, stderr } = machine;
    const may = !env['NO_COLOR'] && env['TERM'] !== 'dumb';
    this.#colour = stderr.isTTY === true && may;
    this.colourful = stdout.isTTY === true && may;
    machine.stdout.on('error', this.#quiet);
    machine.stderr.on('error', this.#quiet);
  }

  /** One line of results. A promise asks the caller to wait for a slow reader. */
  result(line: string): void | Promise<void> {
    return this.bytes(line + '\n');
  }

  /** Results as they are, to the byte. */
  bytes(bytes: string | Uint8Array): void | Promise<void> {
    const { stdout } = this.machine;
    if (this.closed || stdout.writableEnded || stdout.destroyed) return;
    if (stdout.write(bytes)) return;
    return new Promise((resolve) => {
      const go = (): void => {
        for (const event of ['drain', 'error', 'close']) stdout.off(event, go);
        resolve();
      };
      for (const event of ['drain', 'error', 'close']) stdout.on(event, go);
    });
  }

  /** One line of message. */
  say(line: string): void {
    const { stderr } = this.machine;
    if (!stderr.writableEnded && !stderr.destroyed) stderr.write(line + '\n');
  }

  /** `error: what — where — remedy`. */
  error(what: string, where: string, remedy: string): void {
    const word = this.#colour ? '\x1b[31merror:\x1b[39m' : 'error:';
    this.say(`${word} ${what} — ${where} — ${remedy}`);
  }

  /** Lets go of the streams; what was written is on its way. */
  async end(): Promise<void> {
    const { stdout, stderr } = this.machine;
    await flushed(stdout);
    await flushed(stderr);
    // A pipe that closes after this line must stay quiet too, so the process's own streams keep their listener.
    if (stdout !== process.stdout) stdout.off('error', this.#quiet);
    if (stderr !== process.stderr) stderr.off('error', this.#quiet);
  }
}

function flushed(stream: Writable): Promise<void> {
  if (stream.writableLength === 0 || stream.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const go = (): void => {
      for (const event of ['drain', 'error', 'close']) stream.off(event, go);
      resolve();
    };
    for (const event of ['error', 'close']) stream.on(event, go);
    stream.write('', go);
  });
}
