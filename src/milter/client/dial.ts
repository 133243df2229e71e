/**
 * Opens the stream to a filter: address look-up, TCP or unix socket, TLS. `dial` does all of it; the steps can be taken one by one.
 *
 * Addresses of a name are tried in turn, each with its share of the time. Rejects with MilterError `connect`,
 * `connect_timeout` or `tls`, the message saying what to look at; leaves no socket behind then.
 */
import { Resolver } from 'node:dns/promises';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { inlet } from '#message';
import { MilterError } from './errors.ts';
import type { MilterClientOptions } from './options.ts';

/** Endpoint as people write it, for messages. */
export function endpointText(endpoint: MilterClientOptions['endpoint']): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  return endpoint.host.includes(':')
    ? `[${endpoint.host}]:${endpoint.port}`
    : `${endpoint.host}:${endpoint.port}`;
}

/** A connected stream, secured when asked, within `timeoutConnect` counted from now. */
export async function dial(options: MilterClientOptions): Promise<Socket> {
  const { endpoint, clock, timeoutConnect } = options;
  const end = clock.elapsed() + timeoutConnect;
  if (endpoint.kind === 'unix') return connectTo(options, { path: endpoint.path }, timeoutConnect);
  const addresses = await addressesOf(options, endpoint.host);
  let told: unknown;
  for (const [i, host] of addresses.entries()) {
    const left = end - clock.elapsed();
    if (left <= 0) break;
    const share = left / (addresses.length - i);
    const turn = clock.elapsed() + share;
    try {
      const socket = await connectTo(options, { host, port: endpoint.port }, share);
      if (options.tls === null) return socket;
      return await secureOver(options, socket, endpoint.host, Math.max(1, turn - clock.elapsed()));
    } catch (error) {
      // The first reason is told, unless a later address got further than that.
      if (told === undefined || (isRefusal(told) && !isRefusal(error))) told = error;
    }
  }
  throw told ?? timedOut(options, 'no address was reached');
}

const isRefusal = (error: unknown): boolean => error instanceof MilterError && error.code === 'connect';

/** Literal addresses are used as they are; `localhost` needs no name server; other names are asked for at each connect. */
export async function addressesOf(options: MilterClientOptions, host: string): Promise<readonly string[]> {
  if (isIP(host) !== 0) return [host];
  if (host.toLowerCase() === 'localhost') return ['127.0.0.1', '::1'];
  if (options.resolve) return resolvedBy(options, options.resolve, host);
  const resolver = new Resolver();
  const cancel = options.clock.after(options.timeoutConnect, () => resolver.cancel());
  try {
    const [four, six] = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    const found = [
      ...(four.status === 'fulfilled' ? four.value : []),
      ...(six.status === 'fulfilled' ? six.value : []),
    ];
    if (found.length > 0) return found;
    const cause = four.status === 'rejected' ? (four.reason as unknown) : undefined;
    throw new MilterError('connect', `the host name ${host} of the filter has no address`, { cause });
  } finally {
    cancel();
  }
}

/** What the caller's `resolve` finds, within timeoutConnect; what it says later nobody hears. */
function resolvedBy(
  options: MilterClientOptions,
  resolve: (host: string) => Promise<readonly string[]>,
  host: string,
): Promise<readonly string[]> {
  return new Promise((found, reject) => {
    const cancel = options.clock.after(options.timeoutConnect, () =>
      reject(timedOut(options, `nobody answers what the address of ${host} is`)),
    );
    Promise.resolve()
      .then(() => resolve(host))
      .then(found, (cause: unknown) =>
        reject(new MilterError('connect', `the host name ${host} of the filter has no address`, { cause })),
      )
      .finally(cancel);
  });
}

/** One place to connect to. */
export type Where = { readonly path: string } | { readonly host: string; readonly port: number };

/**
 * Connects within `ms`; the socket has Nagle's algorithm off. Answers are a few bytes each: without TLS they skip the queue of a
 * stream, and a buffer of 64 KiB is not made for each of them. `data` is emitted as ever, but cannot be paused, and what comes before
 * somebody listens is lost: listen at once.
 */
export function connectTo(options: MilterClientOptions, where: Where, ms: number): Promise<Socket> {
  const at = 'path' in where ? { path: where.path } : { ...where, noDelay: true };
  // Copied, since frames are views of what came.
  const onread = inlet((bytes) => socket.emit('data', Buffer.from(bytes)));
  const socket = connect(options.tls === null ? { ...at, onread } : at);
  return within(options, socket, 'connect', ms, (cause) => refused(options, where, cause));
}

/** TLS over a connected socket, from its first byte; `options.tls` says how. `name`: what is asked for when that names nothing. */
export function secureOver(
  options: MilterClientOptions,
  socket: Socket,
  name: string,
  ms: number,
): Promise<TLSSocket> {
  const { allowInvalidCerts, ca, certificate, key, serverName = name } = options.tls!;
  const secure = connectTls({
    socket,
    host: serverName,
    ...(isIP(serverName) === 0 ? { servername: serverName } : {}),
    ...(ca && { ca }),
    ...(certificate && key && { cert: certificate, key }),
    rejectUnauthorized: !allowInvalidCerts,
  });
  return within(
    options,
    secure,
    'secureConnect',
    ms,
    (cause) =>
      new MilterError(
        'tls',
        `no TLS with the filter at ${endpointText(options.endpoint)}: ${tlsHint(cause)}`,
        {
          cause,
        },
      ),
  );
}

/** Resolves with the socket on `event`; on error, close or after `ms` destroys it and rejects. */
function within<S extends Socket>(
  options: MilterClientOptions,
  socket: S,
  event: 'connect' | 'secureConnect',
  ms: number,
  explain: (cause?: NodeJS.ErrnoException) => MilterError,
): Promise<S> {
  return new Promise((resolve, reject) => {
    const done = (error: MilterError | null): void => {
      cancel();
      socket.off(event, succeeded).off('error', failed).off('close', closed);
      if (error === null) return resolve(socket);
      socket.on('error', () => undefined); // a late one has nobody to hear it
      socket.destroy();
      reject(error);
    };
    const succeeded = (): void => done(null);
    const failed = (cause: NodeJS.ErrnoException): void => done(explain(cause));
    const closed = (): void => done(explain());
    const cancel = options.clock.after(ms, () =>
      done(timedOut(options, event === 'connect' ? 'nobody answers the connection' : 'no TLS handshake')),
    );
    socket.once(event, succeeded).once('error', failed).once('close', closed);
  });
}

/** The error for a connection that was not made in time. */
export function timedOut(options: MilterClientOptions, why: string): MilterError {
  const where = endpointText(options.endpoint);
  return new MilterError(
    'connect_timeout',
    `the filter at ${where} was not ready within ${options.timeoutConnect} ms: ${why}`,
  );
}

function refused(options: MilterClientOptions, where: Where, cause?: NodeJS.ErrnoException): MilterError {
  const code = cause?.code ?? 'closed';
  const text = endpointText(options.endpoint);
  return new MilterError('connect', `cannot connect to the filter at ${text}: ${hint(code, where)}`, {
    cause,
  });
}

function hint(code: string, where: Where): string {
  const unix = 'path' in where;
  switch (code) {
    case 'ENOENT':
      return 'there is no such socket; the filter is not started or its path is another one';
    case 'EACCES':
    case 'EPERM':
      return 'no permission for the socket; look at its owner, group and mode and at those of its folders';
    case 'ENOTSOCK':
      return 'the path is no socket';
    case 'ECONNREFUSED':
      return unix
        ? 'nobody listens on the socket (or the path is a plain file); the filter is not started'
        : 'connection refused; the filter is not started or listens on another port or address family';
    default:
      return code;
  }
}

function tlsHint(cause?: NodeJS.ErrnoException): string {
  if (cause?.code === 'EPROTO' || cause?.code === 'ERR_SSL_WRONG_VERSION_NUMBER')
    return 'the other side does not speak TLS; switch useTls off';
  if (cause === undefined) return 'the connection was closed during the handshake';
  return `${cause.message}; for a certificate of your own name its authority in tlsCa`;
}
