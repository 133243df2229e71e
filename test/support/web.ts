/**
 * A client of the HTTP API as raw as a test wants it: exactly the method, path and headers it is told, or plain bytes on a socket.
 *
 * Paths are not made proper, so `//` and `/./` go out as they are. Rejects when nothing comes in time.
 */
import { request, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { Gateway } from './gateway.ts';
import { freePorts } from './ports.ts';
import { accepts, until, within } from './wait.ts';

/** An answer as it came. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The text as JSON; throws when it is none. */
  json(): unknown;
}

export type Headers = Readonly<Record<string, string>>;

/** Longest wait for an answer unless told otherwise, in milliseconds. */
const LIMIT = 20_000;

/** One request on a connection of its own. An object as body goes out as JSON. */
export function ask(
  port: number | string,
  method: string,
  path: string,
  {
    headers = {},
    body,
    limitMs = LIMIT,
  }: { readonly headers?: Headers; readonly body?: unknown; readonly limitMs?: number } = {},
): Promise<Answer> {
  const text = body === undefined || typeof body === 'string' ? (body ?? '') : JSON.stringify(body);
  const at = typeof port === 'string' ? { socketPath: port } : { host: '127.0.0.1', port };
  const type =
    body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
  const answered = new Promise<Answer>((resolve, reject) => {
    const made = request(
      { ...at, method, path, headers: { ...type, ...headers }, agent: false },
      (answer) => {
        let said = '';
        answer.setEncoding('utf8');
        answer.on('data', (more: string) => (said += more));
        answer.once('error', reject);
        answer.once('end', () => {
          const { statusCode: status = 0, headers: heads } = answer;
          resolve({ status, headers: heads, text: said, json: () => JSON.parse(said) as unknown });
        });
      },
    );
    made.once('error', reject);
    made.end(text);
  });
  return within(`${method} ${path}`, limitMs, answered);
}

/** Sends bytes; everything that comes back until the other end closes, or until `quietMs` without a byte. */
export function raw(port: number, bytes: string, quietMs = 3000): Promise<string> {
  return new Promise((resolve) => {
    let said = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    socket.setEncoding('latin1');
    socket.setTimeout(quietMs, () => socket.destroy());
    socket.on('data', (more: string) => (said += more));
    socket.on('error', () => undefined);
    socket.once('close', () => resolve(said));
  });
}

export const TOKEN = 'the-admin-token-of-this-test';
export const ADMIN: Headers = { authorization: `Bearer ${TOKEN}` };

/** A gateway with its admin interface open. `more`: further settings. */
export async function administered(
  cleanup: Cleanup,
  more: object = {},
  env: Readonly<Record<string, string>> = {},
) {
  const folder = await tempFolder(cleanup);
  const [smtp = 0, admin = 0, spare = 0] = await freePorts(3);
  const configuration = JSON.stringify(
    {
      hostname: 'mx.test',
      stateDir: './state',
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${smtp}`, relay: { networks: ['127.0.0.0/8'] } }],
      delivery: { routes: [{ match: 'true', via: 'maildir', to: './mail' }] },
      admin: { bind: `127.0.0.1:${admin}`, token: TOKEN },
      ...more,
    },
    null,
    2,
  );
  const gateway = await Gateway.start(cleanup, { folder, configuration, ports: [smtp], env });
  const control = join(folder, 'state', 'control.sock');
  const closed = 'admin' in more && more.admin === undefined;
  const opened = (): Promise<unknown> =>
    until(
      'the doors for operators',
      10_000,
      async () => existsSync(control) && (closed || (await accepts(admin))),
    );
  await opened();
  return { gateway, folder, smtp, admin, spare, control, opened };
}

/** A token of a scope, made as an operator makes it. */
export async function tokenOf(admin: number, name: string, scope: string): Promise<string> {
  const made = await ask(admin, 'POST', '/api/v1/tokens', { headers: ADMIN, body: { name, scope } });
  if (made.status !== 201) throw new Error(`no token: ${made.text}`);
  return (made.json() as { token: string }).token;
}

/** A session: the headers of a page that has logged in. */
export async function sessionOf(admin: number, token: string) {
  const begun = await ask(admin, 'POST', '/api/v1/session', { body: { token } });
  if (begun.status !== 200) throw new Error(`no session: ${begun.text}`);
  const cookie = String(begun.headers['set-cookie']?.[0]).split(';')[0]!;
  const { csrf } = begun.json() as { csrf: string };
  return { cookie: { cookie } as Headers, full: { cookie, 'x-csrf-token': csrf } as Headers, begun };
}

/** Every way in that the interface describes, with something in place of its parameters. */
export async function waysIn(
  admin: number,
): Promise<readonly { readonly method: string; readonly path: string }[]> {
  const described = await ask(admin, 'GET', '/api/openapi.json', { headers: ADMIN });
  const { paths } = described.json() as { paths: Record<string, Record<string, unknown>> };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => ({
      method: method.toUpperCase(),
      path: path.replaceAll('{verb}', 'retry').replace(/\{\w+\}/g, 'x1'),
    })),
  );
}
