/**
 * Many raw clients at once, from any loopback address, and what the machine knows of the process they besiege.
 *
 * A client says nothing by itself. Everything ends with the test.
 */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { Cleanup } from './folders.ts';
import { within } from './wait.ts';

/** One client of a crowd. */
export class Visitor {
  readonly socket: Socket;
  /** Everything it was told, a byte string. */
  told = '';
  closed = false;
  #wake: () => void = () => undefined;

  constructor(port: number, from: string) {
    this.socket = connect({ port, host: '127.0.0.1', localAddress: from });
    this.socket.setEncoding('latin1');
    this.socket.on('data', (text: string) => {
      this.told += text;
      this.#wake();
    });
    this.socket.on('error', () => undefined);
    this.socket.on('close', () => {
      this.closed = true;
      this.#wake();
    });
  }

  /** Waits until what it was told has so many lines, or it was hung up on; the lines. */
  async lines(count: number, limitMs = 20_000): Promise<readonly string[]> {
    const there = (): string[] => this.told.split('\r\n').slice(0, -1);
    const wait = async (): Promise<void> => {
      while (there().length < count && !this.closed)
        await new Promise<void>((resolve) => (this.#wake = resolve));
    };
    await within(`${count} lines, not only\n${this.told.slice(-500)}`, limitMs, wait());
    return there();
  }

  /** Waits until it was hung up on; everything it was told. */
  async end(limitMs = 20_000): Promise<string> {
    await this.lines(Infinity, limitMs);
    return this.told;
  }

  say(text: string): void {
    if (this.socket.writable) this.socket.write(text, 'latin1');
  }
}

/** Clients that come with the test and go with it. */
export class Crowd {
  readonly #port: number;
  readonly #visitors: Visitor[] = [];

  constructor(cleanup: Cleanup, port: number) {
    this.#port = port;
    cleanup.after(() => this.leave());
  }

  /** One more client, from that loopback address. */
  visitor(from = '127.0.0.1'): Visitor {
    const visitor = new Visitor(this.#port, from);
    this.#visitors.push(visitor);
    return visitor;
  }

  /** `count` clients, a few at a time, each with the first line it was told ('' when it was hung up on). */
  async come(count: number, from: (n: number) => string): Promise<readonly (readonly [Visitor, string])[]> {
    const there: (readonly [Visitor, string])[] = [];
    while (there.length < count) {
      const next = Array.from({ length: Math.min(100, count - there.length) }, (_, i) =>
        this.visitor(from(there.length + i)),
      );
      for (const visitor of next) there.push([visitor, (await visitor.lines(1))[0] ?? '']);
    }
    return there;
  }

  /** All of them are gone. */
  leave(): void {
    for (const { socket } of this.#visitors.splice(0)) socket.destroy();
  }
}

/** Most resident memory that a process ever had, in MB; `VmRSS`: what it has now; `RssAnon`: that without mapped files. */
export async function memoryOf(pid: number, what: 'VmHWM' | 'VmRSS' | 'RssAnon' = 'VmHWM'): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'latin1');
  return Number(new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) / 1024;
}

/** Seconds of processor time that a process has used. */
export async function processorTimeOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'latin1');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
