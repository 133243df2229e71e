/**
 * A filter that writes down every frame an MTA sends and answers what it was told to. Its wire code is its own: bytes are taken
 * apart here, not by the code under test.
 *
 * It listens on a unix socket, for both MTAs alike. One script serves one SMTP session; `begin` sets the next one. Nothing here
 * throws at the MTA: a frame that cannot be read becomes a line that says so, which no other MTA will equal.
 */
import { chmod } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { frame, frames } from '../support/house.ts';
import type { Cleanup } from '../support/folders.ts';

/** Bits by which the answer to an event is left out, by the letter of its command. */
const NO_REPLY: Readonly<Record<string, number>> = {
  L: 0x80,
  C: 0x1000,
  H: 0x2000,
  M: 0x4000,
  R: 0x8000,
  T: 0x10000,
  U: 0x20000,
  N: 0x40000,
  B: 0x80000,
};

/** What the filter does in one SMTP session. */
export interface Script {
  readonly version?: number;
  readonly actions?: number;
  readonly protocol?: number;
  /** Macro lists by stage number, as the tail of the negotiation reply; none: the MTA's default lists. */
  readonly macros?: Readonly<Record<number, string>>;
  /** Frames to answer the nth (from 0) event with this command letter; undefined means CONTINUE. */
  readonly answer?: (command: string, nth: number, payload: string) => string | undefined;
}

/** One frame that came: the command's letter and the payload, a byte string. */
export interface HeardFrame {
  readonly command: string;
  readonly payload: string;
}

/** Every name that either MTA knows at a stage, in one list for all stages. */
export const ALL_MACROS: Readonly<Record<number, string>> = (() => {
  const connection =
    'j v _ {daemon_name} {daemon_addr} {daemon_port} {client_addr} {client_name} {client_port} {client_ptr} {client_connections}';
  const tls = '{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}';
  const mail = 'i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} {mail_mailer}';
  const rcpt = 'i {rcpt_addr} {rcpt_host} {rcpt_mailer}';
  return { 0: connection, 1: `${tls} {client_name}`, 2: `${mail} j`, 3: rcpt, 4: 'i j', 5: 'i j', 6: 'i' };
})();

/** The filter, at `path`. */
export class Recorder {
  readonly path: string;
  heard: HeardFrame[] = [];
  #server!: Server;
  #script: Script = {};
  #open = new Set<Socket>();
  #opened = 0;
  /** Events of this session so far, by letter, whatever the connection. */
  #seen = new Map<string, number>();

  private constructor(path: string) {
    this.path = path;
  }

  static async listen(cleanup: Cleanup, path: string): Promise<Recorder> {
    const recorder = new Recorder(path);
    recorder.#server = createServer((socket) => recorder.#talk(socket));
    await new Promise<void>((resolve, reject) => {
      recorder.#server.once('error', reject);
      recorder.#server.listen(path, resolve);
    });
    await chmod(path, 0o666);
    cleanup.after(() => {
      for (const socket of recorder.#open) socket.destroy();
      recorder.#server.close();
    });
    return recorder;
  }

  /** The next SMTP session is to be served by this script. */
  begin(script: Script): void {
    this.#script = script;
    this.heard = [];
    this.#opened = 0;
    this.#seen = new Map();
  }

  /** Nobody talks to it. */
  get idle(): boolean {
    return this.#open.size === 0;
  }

  /** An MTA came and went. */
  get over(): boolean {
    return this.#opened > 0 && this.#open.size === 0;
  }

  #talk(socket: Socket): void {
    const { version = 6, actions = 0x1ff, protocol = 0, macros = ALL_MACROS, answer } = this.#script;
    this.#opened++;
    this.#open.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => this.#open.delete(socket));
    frames(socket, (command, payload) => {
      this.heard.push({ command, payload });
      if (command === 'O') return void socket.write(choice(version, actions, protocol, macros), 'latin1');
      if ('DAQK'.includes(command)) return;
      const nth = this.#seen.get(command) ?? 0;
      this.#seen.set(command, nth + 1);
      if ((protocol & (NO_REPLY[command] ?? 0)) !== 0) return;
      socket.write(answer?.(command, nth, payload) ?? frame('c'), 'latin1');
    });
  }
}

/** OPTNEG as a filter answers it. */
function choice(
  version: number,
  actions: number,
  protocol: number,
  macros: Readonly<Record<number, string>>,
): string {
  const tail = Object.entries(macros).map(([stage, names]) => `${uint32(Number(stage))}${names}\0`);
  return frame('O', uint32(version) + uint32(actions) + uint32(protocol) + tail.join(''));
}

/** Four bytes, big endian. */
export function uint32(value: number): string {
  return String.fromCharCode(value >>> 24, (value >>> 16) & 255, (value >>> 8) & 255, value & 255);
}
