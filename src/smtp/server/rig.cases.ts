/**
 * What the server's tests share: a handler that writes down what it is asked, a server on a free port, and a raw client.
 *
 * The client knows bytes and reply lines, nothing of the code under test.
 */
import { once } from 'node:events';
import { connect as connectTo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import type { Clock } from '#clock';
import { latin1, status, type Origin, type Status } from '#message';
import {
  createSmtpServer,
  type Awaitable,
  type ContentFault,
  type SmtpHandler,
  type SmtpServer,
  type SmtpServerOptions,
} from '#smtp/server';

/** The machine's time. */
export const realClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, fn) {
    const timer = setTimeout(fn, Math.min(ms, 2 ** 31 - 1));
    return () => clearTimeout(timer);
  },
};

const OK = status(250, '2.1.0', 'OK');

/** A handler that takes everything and writes down each call; tests replace single methods. */
export class Recorder implements SmtpHandler {
  readonly calls: string[] = [];
  readonly contents: string[] = [];
  origin: Origin | null = null;
  fault: ContentFault | null = null;

  connect(origin: Origin): Awaitable<Status | null> {
    this.origin = origin;
    this.calls.push('connect');
    return null;
  }
  helo(origin: Origin): Awaitable<Status | null> {
    this.origin = origin;
    this.calls.push(`${origin.heloVerb} ${origin.helo}`);
    return null;
  }
  auth(): Awaitable<Status | null> {
    this.calls.push('auth');
    return null;
  }
  mail(sender: { raw: string }, params: readonly string[]): Awaitable<Status> {
    this.calls.push(['mail', sender.raw, ...params].join(' '));
    return OK;
  }
  rcpt(recipient: { raw: string }, params: readonly string[]): Awaitable<Status> {
    this.calls.push(['rcpt', recipient.raw, ...params].join(' '));
    return recipient.raw.includes('ext.test') ? status(550, '5.7.1', 'No relay') : OK;
  }
  data(): ReturnType<SmtpHandler['data']> {
    this.calls.push('data');
    let text = '';
    return {
      write: (chunk) => {
        text += latin1(chunk);
      },
      end: (fault) => {
        this.fault = fault;
        this.calls.push(fault ? `end ${fault.kind}` : 'end');
        if (!fault) this.contents.push(text);
        return fault?.status ?? status(250, '2.0.0', 'Queued');
      },
    };
  }
  unknown(line: string): Awaitable<Status | null> {
    this.calls.push(`unknown ${line}`);
    return null;
  }
  reset(reason: string): Awaitable<void> {
    this.calls.push(`reset ${reason}`);
  }
  close(): void {
    this.calls.push('close');
    this.closed();
  }
  closed: () => void = () => {};
}

/** The same handler, each answer by promise and a turn of the event loop later. */
export function slowly(handler: Recorder): SmtpHandler {
  const turn = <T>(answer: Awaitable<T>): Promise<T> =>
    new Promise((resolve, reject) => {
      setImmediate(() => void Promise.resolve(answer).then(resolve, reject));
    });
  return {
    connect: (origin) => turn(handler.connect(origin)),
    helo: (origin) => turn(handler.helo(origin)),
    auth: () => turn(handler.auth()),
    mail: (path, params) => turn(handler.mail(path, params)),
    rcpt: (path, params) => turn(handler.rcpt(path, params)),
    data: () =>
      turn(handler.data()).then((sink) =>
        'code' in sink
          ? sink
          : { write: (chunk) => turn(sink.write(chunk)), end: (fault) => turn(sink.end(fault)) },
      ),
    unknown: (line) => turn(handler.unknown(line)),
    reset: (reason) => turn(handler.reset(reason)),
    close: () => handler.close(),
  };
}

/** A server on a free port with its handlers and notices. */
export interface Rig {
  readonly server: SmtpServer;
  readonly port: number;
  /** One per connection, in order. */
  readonly handlers: Recorder[];
  readonly notices: string[];
  client(): Promise<Client>;
  /** Resolves when the `n`-th connection's handler was closed. */
  closed(n?: number): Promise<void>;
  stop(): Promise<void>;
}

/** Starts a server; `make` prepares each connection's handler. */
export async function rig(
  options: Partial<SmtpServerOptions> = {},
  make: (handler: Recorder) => SmtpHandler = (handler) => handler,
): Promise<Rig> {
  const handlers: Recorder[] = [];
  const notices: string[] = [];
  const closings: PromiseWithResolvers[] = [];
  const closing = (n: number): PromiseWithResolvers => (closings[n] ??= withResolvers());
  const server = createSmtpServer({
    hostname: 'mx.test',
    listener: 'test',
    clock: realClock,
    notices: (name, fields) => notices.push(`${name} ${JSON.stringify(fields)}`),
    makeHandler: () => {
      const handler = new Recorder();
      const n = handlers.push(handler) - 1;
      handler.closed = () => closing(n).resolve();
      return make(handler);
    },
    ...options,
  });
  const [address] = await server.listen('127.0.0.1:0');
  const port = Number(address!.split(':')[1]);
  const clients: Client[] = [];
  return {
    server,
    port,
    handlers,
    notices,
    client: async () => {
      const socket = connectTo({ port, host: '127.0.0.1', noDelay: true });
      await once(socket, 'connect');
      const client = new Client(socket);
      clients.push(client);
      return client;
    },
    closed: (n = 0) => closing(n).promise,
    stop: async () => {
      for (const client of clients) client.socket.destroy();
      await server.close(0);
    },
  };
}

interface PromiseWithResolvers {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
}

function withResolvers(): PromiseWithResolvers {
  let resolve = (): void => {};
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** A client of bytes and reply lines. */
export class Client {
  socket: Socket;
  /** Everything received. */
  received = '';
  ended = false;
  #unread = '';
  #wake: () => void = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    this.listen(socket);
  }

  /** Reads from `socket` from now on (after STARTTLS). */
  listen(socket: Socket): void {
    this.socket = socket;
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1');
      this.received += text;
      this.#unread += text;
      this.#wake();
    });
    const over = (): void => {
      this.ended = true;
      this.#wake();
    };
    socket.on('end', over);
    socket.on('close', over);
    socket.on('error', over);
  }

  send(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** The next whole reply, lines joined by `|`; '' when the connection ended first. */
  async reply(): Promise<string> {
    for (;;) {
      const m = /^(?:\d{3}-[^\r\n]*\r\n)*\d{3} [^\r\n]*\r\n/.exec(this.#unread);
      if (m) {
        this.#unread = this.#unread.slice(m[0].length);
        return m[0].trimEnd().replaceAll('\r\n', '|');
      }
      if (this.ended) return '';
      await this.#news();
    }
  }

  /** Sends a line (or several) and reads one reply. */
  async ask(line: string): Promise<string> {
    this.send(line + '\r\n');
    return this.reply();
  }

  /** Code and enhanced code of the next `count` replies. */
  async codes(count: number): Promise<string[]> {
    const codes: string[] = [];
    for (let i = 0; i < count; i++) codes.push(codeOf(await this.reply()));
    return codes;
  }

  /** The greeting and EHLO. */
  async hello(): Promise<this> {
    await this.reply();
    await this.ask('EHLO client.test');
    return this;
  }

  /** What is left unread when the server has hung up. */
  async rest(): Promise<string> {
    while (!this.ended) await this.#news();
    return this.#unread;
  }

  #news(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }
}

/** `550 5.7.1` of `550 5.7.1 text`, `354` of `354 text`. */
export function codeOf(reply: string): string {
  return /^\d{3}(?:[ -]\d\.\d+\.\d+)?/.exec(reply)?.[0].replace('-', ' ') ?? reply;
}
