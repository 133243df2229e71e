/** Errors as RFC 9457 has them. What they say is for operators; causes stay in the log. */
import type { Context } from 'hono';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { Problem } from './contract.ts';

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Not authorised',
  403: 'Forbidden',
  404: 'Not found',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Too large',
  415: 'Unsupported media type',
  422: 'Not valid',
  428: 'Precondition required',
  429: 'Too many requests',
  500: 'Internal error',
  503: 'Not available',
};

/** What a problem may say besides. */
export type ProblemMore = Partial<Omit<Problem, 'title' | 'status' | 'detail'>>;

/** The answer to a request that failed. */
export function problem<S extends ContentfulStatusCode>(
  c: Context,
  status: S,
  detail: string,
  more: ProblemMore = {},
) {
  const title: string = TITLES[status] ?? 'Error';
  const body: Problem = { title, status, detail, ...more };
  return c.json(body, status, { 'content-type': 'application/problem+json' });
}
