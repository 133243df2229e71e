/**
 * The queue of a running gateway, over its API: by the control socket, or by a URL with a token.
 *
 * Answers are read as a stream where they may be long. Redirects are not followed: the token goes to nobody else. Everything
 * rejects with EndError.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { ActResult, Shape, Stats, SuspensionLine } from '#gateway';
import type { QueueLine } from '#spool';
import { EndError, type QueueEnd } from './end.ts';

/** Where the API is. */
export type Place = { readonly socket: string } | { readonly url: URL; readonly token: string };

/** Largest answer that is read as a whole, in bytes, and longest line of a stream. */
const MAX_ANSWER = 64 * 1024 * 1024;
const MAX_LINE = 1024 * 1024;
/** Milliseconds without a byte from the other side. */
const SILENCE = 120_000;
/** Entries in a page. */
const PAGE = 500;

/** `who`: the name that orders are given under. */
export function remoteEnd(place: Place, who: string): QueueEnd {
  const ask = (method: string, path: string, body?: unknown): Promise<IncomingMessage> =>
    answered(place, who, method, path, body);
  const get = async <T>(path: string): Promise<T> => parsed<T>(await good(await ask('GET', path)));
  const conditions = (where: readonly string[], more: Record<string, string> = {}): string => {
    const query = new URLSearchParams(more);
    for (const condition of where) query.append('where', condition);
    return query.size > 0 ? `?${query.toString()}` : '';
  };
  const entry = (id: string): string => `/api/v1/queue/${encodeURIComponent(id)}`;
  return {
    async *list(where) {
      let after: string | null = null;
      do {
        const more: Record<string, string> = { limit: String(PAGE), ...(after !== null && { after }) };
        const page: { entries: QueueLine[]; next: string | null } = await get(
          `/api/v1/queue${conditions(where, more)}`,
        );
        if (page.entries.length > 0) yield page.entries;
        after = page.next;
      } while (after !== null);
    },
    async show(id) {
      const answer = await ask('GET', entry(id));
      return isMissing(answer) ? drop(answer) : parsed<QueueLine>(await good(answer));
    },
    async bytes(id, part) {
      const answer = await ask('GET', `${entry(id)}/${part}`);
      return isMissing(answer) ? drop(answer) : good(answer);
    },
    stats: (where) => get<Stats>(`/api/v1/queue-stats${conditions(where)}`),
    shape: (where, by) => get<Shape>(`/api/v1/queue-shape${conditions(where, { by })}`),
    async *orders({ verb, ids, where = [], order, dryRun }) {
      const which = ids ? { ids } : where.length > 0 ? { where } : { all: true };
      const body = { verb, ...which, ...order, ...(dryRun && { dryRun }) };
      const answer = await good(await ask('POST', '/api/v1/queue-orders', body));
      for await (const line of linesOf(answer)) yield JSON.parse(line) as ActResult;
    },
    suspensions: () => get<SuspensionLine[]>('/api/v1/suspensions'),
    suspend: async (what) => parsed(await good(await ask('POST', '/api/v1/suspensions', what))),
    async resume({ kind, name }) {
      const query = new URLSearchParams({ kind, name });
      const answer = await ask('DELETE', `/api/v1/suspensions?${query.toString()}`);
      const missing = isMissing(answer);
      drop(missing ? answer : await good(answer));
      return !missing;
    },
    close: () => Promise.resolve(),
  };
}

/** The head of the answer. */
export function answered(
  place: Place,
  who: string,
  method: string,
  path: string,
  body: unknown,
): Promise<IncomingMessage> {
  const text = body === undefined ? '' : JSON.stringify(body);
  const headers: Record<string, string | number> = { 'x-operator': encodeURIComponent(who) };
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

/** There is nothing of the kind. */
export const isMissing = (answer: IncomingMessage): boolean => answer.statusCode === 404;

function drop(answer: IncomingMessage): null {
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

/** The answer as a whole. */
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

async function* linesOf(answer: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  answer.setEncoding('utf8');
  for await (const chunk of broken(answer)) {
    const lines = (rest + String(chunk)).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE)
      throw new EndError('request_failed', 'the answer is not what a gateway answers');
    yield* lines;
  }
  if (rest !== '') throw new EndError('request_failed', 'the gateway broke off; not everything was done');
}

/** The body; a connection that breaks is an EndError. */
async function* broken(answer: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    for await (const chunk of answer) yield chunk as Buffer;
  } catch (error) {
    throw new EndError('request_failed', 'the gateway broke off; not everything was done', { cause: error });
  }
}
