/** Requests to the API: JSON in and out, the session's cookie, its CSRF word on everything that changes something. */

/** What went wrong, as the API tells it (RFC 9457) or as the network does. */
export class Failure extends Error {
  readonly status: number;
  /** Where in the request, for errors of settings. */
  readonly path: string;
  /** The whole answer, for those who know more of it. */
  readonly body: unknown;

  constructor(status: number, detail: string, path = '', body: unknown = null) {
    super(detail);
    this.status = status;
    this.path = path;
    this.body = body;
  }
}

type Listener = () => void;
let csrf = '';
let offline = false;
const listeners = new Set<Listener>();
let signedOut: Listener = () => undefined;

/** Remembers the word that changing requests need. */
export function rememberCsrf(word: string): void {
  csrf = word;
}

/** Who is told when a request shows that the session is over. */
export function onSignedOut(listener: Listener): void {
  signedOut = listener;
}

/** Whether the gateway can be reached, as a store for React. */
export const connection = {
  subscribe: (listener: Listener): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  },
  isOffline: (): boolean => offline,
  report(now: boolean): void {
    if (now === offline) return;
    offline = now;
    for (const listener of listeners) listener();
  },
};

/** What a request may say besides its path. */
export interface Sending {
  readonly method?: string;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** The answer's JSON; throws a Failure. */
export async function ask<T>(path: string, sending: Sending = {}): Promise<T> {
  const response = await request(path, sending);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** The answer's bytes. */
export async function askBytes(path: string, signal?: AbortSignal): Promise<Uint8Array> {
  const response = await request(path, { signal });
  return new Uint8Array(await response.arrayBuffer());
}

async function request(path: string, { method = 'GET', json, headers, signal }: Sending): Promise<Response> {
  const all: Record<string, string> = { accept: 'application/json', ...headers };
  if (json !== undefined) all['content-type'] = 'application/json';
  if (method !== 'GET' && csrf !== '') all['x-csrf-token'] = csrf;
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers: all,
      credentials: 'same-origin',
      ...(json !== undefined && { body: JSON.stringify(json) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    connection.report(true);
    throw new Failure(0, 'The gateway cannot be reached.');
  }
  connection.report(false);
  if (response.ok) return response;
  throw await failureOf(path, response);
}

async function failureOf(path: string, response: Response): Promise<Failure> {
  const body: unknown = await response.json().catch(() => null);
  const { detail, path: at } = (body ?? {}) as { detail?: unknown; path?: unknown };
  if (response.status === 401 && path !== '/api/v1/session') signedOut();
  const said =
    typeof detail === 'string' && detail !== '' ? detail : `The gateway answered ${response.status}.`;
  return new Failure(response.status, said, typeof at === 'string' ? at : '', body);
}

/** A path with the parameters that have a value. */
export function withQuery(
  path: string,
  parameters: Readonly<Record<string, string | number | boolean | undefined | null>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters))
    if (value !== undefined && value !== null && value !== '') query.set(name, String(value));
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}
