/**
 * Talking to the API of a running gateway: by the control socket, or by a URL with a token.
 *
 * Answers are read as a stream where they may be long. Redirects are not followed: the token goes to nobody else. Everything
 * rejects with EndError.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { EndError } from './end.ts';

/** Where the API is. */
export type Place = { readonly socket: string } | { readonly url: URL; readonly token: string };

/** Largest answer that is read as a whole, in bytes, and longest line of a stream. */
const MAX_ANSWER = 64 * 1024 * 1024;
const MAX_LINE = 1024 * 1024;
/** Milliseconds without a byte from the other side. */
const SILENCE = 120_000;

/** The API, asked under a name. */
export interface Api {
  /** The head of an answer, whatever its status. `headers`: more of them. */
  readonly ask: (
    method: string,
    path: string,
    body?: unknown,
    headers?: Readonly<Record<string, string>>,
  ) => Promise<IncomingMessage>;
  /** What a GET answers. */
  readonly get: <T>(path: string) => Promise<T>;
  /** The same; null when there is none. */
  readonly find: <T>(path: string) => Promise<T | null>;
  /** What an order answers, null where it answers nothing. */
  readonly send: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** What a POST answers; null when that which it is about is not there. */
  readonly post: <T>(path: string, body?: unknown) => Promise<T | null>;
  /** Server-sent events, until the other side ends or the caller leaves. */
  readonly events: (path: string, last: string | null) => AsyncGenerator<ServerEvent>;
}

/** One server-sent event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: unknown;
  readonly id: string | null;
}

/** `who`: the name that orders are given under. */
export function apiAt(place: Place, who: string): Api {
  const ask: Api['ask'] = (method, path, body, headers) =>
    answered(place, who, { method, path, body, headers });
  return {
    ask,
    get: async <T>(path: string) => parsed<T>(await good(await ask('GET', path))),
    async find<T>(path: string) {
      const answer = await ask('GET', path);
      return isMissing(answer) ? drop(answer) : parsed<T>(await good(answer));
    },
    async post<T>(path: string, body: unknown = {}) {
      const answer = await ask('POST', path, body);
      return isMissing(answer) ? drop(answer) : parsed<T>(await good(answer));
    },
    async send<T>(method: string, path: string, body?: unknown) {
      const answer = await good(await ask(method, path, body));
      return answer.statusCode === 204 ? (drop(answer) as T) : parsed<T>(answer);
    },
    async *events(path, last) {
      const headers = { accept: 'text/event-stream', ...(last !== null && { 'last-event-id': last }) };
      const answer = await good(await ask('GET', path, undefined, headers));
      try {
        yield* eventsOf(linesOf(answer, false));
      } finally {
        answer.destroy();
      }
    },
  };
}

async function* eventsOf(lines: AsyncIterable<string>): AsyncGenerator<ServerEvent> {
  let fields = new Map<string, string>();
  for await (const line of lines) {
    const [, name = '', value = ''] = /^(event|data|id): (.*)$/.exec(line) ?? [];
    if (name !== '') fields.set(name, value);
    if (line !== '' || !fields.has('data')) continue;
    const data: unknown = JSON.parse(fields.get('data')!);
    yield { event: fields.get('event') ?? 'message', data, id: fields.get('id') ?? null };
    fields = new Map();
  }
}

/** The head of the answer. */
function answered(
  place: Place,
  who: string,
  asked: {
    readonly method: string;
    readonly path: string;
    readonly body: unknown;
    readonly headers: Readonly<Record<string, string>> | undefined;
  },
): Promise<IncomingMessage> {
  const { method, path, body } = asked;
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers: Record<string, string | number> = {
    ...asked.headers,
    'x-operator': encodeURIComponent(who),
  };
  if (body !== undefined) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = Buffer.byteLength(text);
  }
  if ('token' in place) headers['authorization'] = `Bearer ${place.token}`;
  return new Promise((resolve, reject) => {
    const common = { method, headers, timeout: SILENCE, agent: false };
    const made =
      'socket' in place
        ? httpRequest({ ...common, socketPath: place.socket, path })
        : (place.url.protocol === 'https:' ? httpsRequest : httpRequest)(new URL(path, place.url), common);
    made.once('response', resolve);
    made.once('timeout', () => made.destroy(new Error('no answer in time')));
    made.once('error', (error) => {
      const where = 'socket' in place ? place.socket : place.url.origin;
      reject(new EndError('unreachable', `${where}: ${error.message}`, { cause: error }));
    });
    made.end(text);
  });
}

/** Whether there is nothing there. */
export const isMissing = (answer: IncomingMessage): boolean => answer.statusCode === 404;

/** Leaves an answer unread. */
export function drop(answer: IncomingMessage): null {
  answer.resume();
  return null;
}

/** The answer, unless it tells of trouble. */
export async function good(answer: IncomingMessage): Promise<IncomingMessage> {
  const { statusCode = 0 } = answer;
  if (statusCode >= 200 && statusCode < 300) return answer;
  const said: { detail?: unknown } = await parsed<{ detail?: unknown }>(answer).catch(() => ({}));
  const detail = typeof said.detail === 'string' ? said.detail : `the answer was ${statusCode}`;
  if (statusCode === 401 || statusCode === 403) throw new EndError('token_refused', detail);
  if (statusCode >= 400 && statusCode < 500) throw new EndError('request_refused', detail);
  throw new EndError('request_failed', detail);
}

/** The answer as JSON. */
export async function parsed<T>(answer: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of broken(answer)) {
    size += chunk.length;
    if (size > MAX_ANSWER) throw new EndError('request_failed', 'the answer is too long');
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString()) as T;
  } catch (error) {
    throw new EndError('request_failed', 'the answer is not what a gateway answers', { cause: error });
  }
}

/** The lines of an answer. `whole`: an end within a line is an end too soon. */
export async function* linesOf(answer: IncomingMessage, whole = true): AsyncGenerator<string> {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const chunk of broken(answer)) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE)
      throw new EndError('request_failed', 'the answer is not what a gateway answers');
    yield* lines;
  }
  if (rest !== '' && whole)
    throw new EndError('request_failed', 'the gateway broke off; not everything was done');
}

/** The body; a connection that breaks is an EndError. */
async function* broken(answer: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    throw new EndError('request_failed', 'the gateway broke off; not everything was done', { cause: error });
  }
}
