/**
 * A gateway inside the test's own process: real sockets, real stages, a spool in memory and a Maildir; filters written with the
 * SDK on ports of their own, or raw ones. For tests that look at many small conversations; what needs a process uses gateway.ts.
 */
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { loadConfig, type Config } from '#gateway/config';
import { Gateway, systemClock } from '#gateway';
import type { NoticeFields, NoticeName } from '#notices';
import { serve, type Filter } from '#milter/filter';
import { tempFolder, type Cleanup } from './folders.ts';
import { SmtpSession } from './smtp-session.ts';

/** A notice that was given. */
export interface Heard {
  readonly name: NoticeName;
  readonly fields: NoticeFields;
}

/** A running gateway and where to look. */
export interface House {
  readonly port: number;
  readonly mail: string;
  readonly heard: readonly Heard[];
  readonly gateway: Gateway;
  /** What it was started with. */
  readonly config: Config;
  open(): Promise<SmtpSession>;
}

/** One filter in the chain: an SDK filter or an address, and more fields of its configuration object. */
export interface Guest {
  readonly filter?: Filter;
  readonly port?: number;
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Starts a gateway with these filters; `more` is merged into the configuration. */
export async function house(
  cleanup: Cleanup,
  guests: readonly Guest[],
  more: Readonly<Record<string, unknown>> = {},
): Promise<House> {
  const folder = await tempFolder(cleanup);
  const milters: Record<string, unknown>[] = [];
  for (const { filter, port, more: fields } of guests) {
    const at = filter ? await served(cleanup, filter) : port;
    const timeouts = { timeoutConnect: '2s', timeoutCommand: '2s', timeoutData: '3s' };
    milters.push({
      name: filter?.name ?? `raw${at}`,
      hostname: '127.0.0.1',
      port: at,
      ...timeouts,
      ...fields,
    });
  }
  const configuration = {
    hostname: 'mx.test',
    stateDir: folder,
    listeners: [
      { name: 'smtp', bind: '127.0.0.1:0', relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] } },
    ],
    spool: { engine: 'memory' },
    delivery: { routes: [{ match: 'true', via: 'maildir', to: join(folder, 'mail') }] },
    milters,
    ...more,
  };
  const loaded = loadConfig({ text: JSON.stringify(configuration), name: 'test', base: folder });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.errors, null, 1));
  const heard: Heard[] = [];
  const notices = (name: NoticeName, fields: NoticeFields): void => void heard.push({ name, fields });
  const gateway = await Gateway.start(loaded.config, { clock: systemClock, notices });
  cleanup.after(() => gateway.stop(1000));
  const port = Number(gateway.addresses.get('smtp')![0]!.split(':').at(-1));
  const { config } = loaded;
  return { port, mail: join(folder, 'mail'), heard, gateway, config, open: () => SmtpSession.greeted(port) };
}

async function served(cleanup: Cleanup, filter: Filter): Promise<number> {
  const serving = await serve(filter, { listen: 'inet:0@127.0.0.1', signals: [], log: () => undefined });
  cleanup.after(() => serving.close(100));
  return Number(/^inet:(\d+)@/.exec(serving.addresses[0]!)?.[1]);
}

/** A filter played by hand: `play` gets each connection. Returns its port. */
export async function rawFilter(cleanup: Cleanup, play: (socket: Socket) => void): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => sockets.delete(socket));
    play(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}

/** Gives a raw filter's socket as whole frames: code letter and payload as a byte string. */
export function frames(socket: Socket, take: (code: string, payload: string) => void): void {
  let input = '';
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    input += text;
    while (input.length >= 5) {
      const size = Buffer.from(input.slice(0, 4), 'latin1').readUInt32BE();
      if (input.length < 4 + size) return;
      const payload = input.slice(5, 4 + size);
      const code = input[4]!;
      input = input.slice(4 + size);
      take(code, payload);
    }
  });
}

/** One frame as a byte string. */
export function frame(code: string, payload = ''): string {
  const size = payload.length + 1;
  return (
    String.fromCharCode(size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255) + code + payload
  );
}

/** OPTNEG of a filter that wants every event, answers all, and may do everything. */
export const WANTS_ALL = frame('O', '\0\0\0\x06\0\0\x01\xff\0\0\0\0');
