/** The conditions of `millrace trace` as the API takes them. */
import type { Options } from '../queue/commands.ts';

/** By option. */
const WORDS = { milter: 'milter', ip: 'client', rcpt: 'rcpt', from: 'from', slow: 'slower' } as const;

/** The query. */
export function traceQuery(options: Options, more: Readonly<Record<string, string>> = {}): string {
  const query = new URLSearchParams(more);
  for (const [option, word] of Object.entries(WORDS)) {
    const value = options[option];
    if (typeof value === 'string') query.set(word, value);
  }
  if (options['errors'] === true) query.set('errors', 'true');
  return query.toString();
}

/** A way below /api/v1/conversations. */
export const conversation = (session: string, more = ''): string =>
  `/api/v1/conversations/${encodeURIComponent(session)}${more}`;
