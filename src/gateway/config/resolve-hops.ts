/**
 * Routes to next hops: where they listen, how they are spoken to, and which keys have a meaning with which `via`. See resolve.ts
 * for the promises.
 */
import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { isIP } from 'node:net';
import { resolve as absolute } from 'node:path';
import { parseHostPort } from './address.ts';
import type { HopConfig, LmtpTarget, MxTarget, SmtpTarget } from './config.ts';
import { BOUNDS, DEFAULTS } from './defaults.ts';
import { invalid, Problem, type DocPath } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import type { RouteSettings } from './schema-delivery.ts';
import type { Seen } from './seen.ts';

const D = DEFAULTS.delivery;

type Via = RouteSettings['via'];

/** Keys of a route that only some kinds of it have. */
const MEANING: Readonly<Partial<Record<keyof RouteSettings, readonly Via[]>>> = {
  to: ['smtp', 'lmtp', 'maildir'],
  tls: ['smtp', 'lmtp', 'mx'],
  tlsCa: ['smtp', 'lmtp', 'mx'],
  balance: ['smtp', 'lmtp'],
  auth: ['smtp'],
  source: ['smtp', 'lmtp', 'mx'],
  concurrency: ['smtp', 'lmtp', 'mx', 'maildir'],
  rate: ['smtp', 'lmtp', 'mx', 'maildir'],
  allowLoopback: ['mx'],
};

/** Says which keys of a route have no meaning with its `via`. */
export function refuseForeignKeys(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): void {
  const { via } = route;
  if (via === undefined) return;
  for (const [key, vias] of Object.entries(MEANING))
    if (route[key as keyof RouteSettings] !== undefined && !vias.includes(via))
      cx.say({ ...invalid([...path, key], `has no meaning with via: ${via}`, 'remove it'), at: 'key' });
}

/** A route `via: smtp`. */
export function smtpTarget(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): SmtpTarget {
  const to = hopsOf(route, path, D.smtpPort, cx);
  const { user, password } = route.auth ?? {};
  const auth = user === undefined || password === undefined ? null : { user, password };
  const tls = route.tls ?? (route.auth ? 'require' : 'opportunistic');
  if (route.auth && tls === 'opportunistic')
    cx.say(invalid([...path, 'tls'], 'is too little for auth', 'write require, or remove tls'));
  if (route.auth && tls === 'off' && !to.every(({ host }) => isLoopback(host)))
    cx.say(
      invalid([...path, 'tls'], 'would show the password to the network', 'write require, or remove tls'),
    );
  return {
    via: 'smtp',
    to,
    tls,
    tlsCa: authoritiesOf(route, tls, path, cx),
    balance: route.balance ?? D.balance,
    auth,
    source: sourceOf(route, to, path, cx),
  };
}

/** A route `via: lmtp`. */
export function lmtpTarget(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): LmtpTarget {
  const to = hopsOf(route, path, D.lmtpPort, cx);
  const tls = route.tls ?? 'opportunistic';
  if (tls === 'require' && to.some((hop) => hop.path !== ''))
    cx.say(invalid([...path, 'tls'], 'a unix socket has no TLS', 'remove tls, or name hosts only'));
  return {
    via: 'lmtp',
    to,
    tls,
    tlsCa: authoritiesOf(route, tls, path, cx),
    balance: route.balance ?? D.balance,
    source: sourceOf(route, to, path, cx),
  };
}

/** A route `via: mx`. */
export function mxTarget(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): MxTarget {
  const { tls = 'opportunistic', source, allowLoopback } = route;
  return {
    via: 'mx',
    tls,
    tlsCa: authoritiesOf(route, tls, path, cx),
    source: source ?? '',
    allowLoopback: allowLoopback ?? D.allowLoopback,
  };
}

/** The certificates in the file of `tlsCa`, as it is now; only where certificates are checked. */
function authoritiesOf(
  { tlsCa }: Seen<RouteSettings>,
  tls: MxTarget['tls'],
  path: DocPath,
  cx: Resolving,
): string {
  if (tlsCa === undefined) return '';
  const at: DocPath = [...path, 'tlsCa'];
  if (tls !== 'require' && !cx.refused([...path, 'tls']))
    cx.say({
      ...invalid(at, `has no meaning with tls: ${tls}`, 'write tls: require, or remove it'),
      at: 'key',
    });
  const file = absolute(cx.base, tlsCa);
  const pem = certificatesIn(file);
  if (!(pem instanceof Problem)) return pem;
  cx.say(invalid(at, pem.message, pem.remedy));
  return '';
}

function certificatesIn(file: string): string | Problem {
  const remedy = `name a file of certificates in PEM form, up to ${BOUNDS.authorities} bytes`;
  let pem: string;
  try {
    const facts = statSync(file);
    if (!facts.isFile()) return new Problem(`${file} is not a plain file`, remedy);
    if (facts.size > BOUNDS.authorities) return new Problem(`${file} is too large`, remedy);
    pem = readFileSync(file, 'utf8');
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    return new Problem(`${file} cannot be read (${why})`, 'create it, or correct the path');
  }
  try {
    void new X509Certificate(pem);
    return pem;
  } catch {
    return new Problem(`${file} holds no certificate`, remedy);
  }
}

function sourceOf(
  { source = '' }: Seen<RouteSettings>,
  to: readonly HopConfig[],
  path: DocPath,
  cx: Resolving,
): string {
  for (const { host, path: socket } of to)
    if (source !== '' && socket === '' && isIP(host) !== 0 && isIP(host) !== isIP(source))
      cx.say(
        invalid(
          [...path, 'source'],
          `is of another kind than ${host}`,
          'write an address of the same kind, IPv4 or IPv6',
        ),
      );
  return source;
}

function hopsOf(
  route: Seen<RouteSettings>,
  path: DocPath,
  port: number,
  cx: Resolving,
): readonly HopConfig[] {
  if (!route.to && !cx.refused([...path, 'to']))
    cx.say({
      ...invalid(path, 'has no to', 'add to with one or several next hops, such as 10.0.0.5:25'),
      code: 'missing',
    });
  return (route.to ?? []).flatMap((text, i) => {
    if (text === undefined) return [];
    const hop = route.via === 'lmtp' && text.startsWith('unix:') ? socketOf(text, cx) : hostOf(text, port);
    if (!(hop instanceof Problem)) return [hop];
    cx.say(invalid([...path, 'to', i], hop.message, hop.remedy));
    return [];
  });
}

function hostOf(text: string, port: number): HopConfig | Problem {
  const hop = parseHostPort(text, port);
  return hop instanceof Problem ? hop : { ...hop, path: '' };
}

function socketOf(text: string, { base }: Resolving): HopConfig | Problem {
  const path = absolute(base, text.slice(5));
  if (text.length > 5 && !text.includes('\0') && Buffer.byteLength(path) <= BOUNDS.socketPath)
    return { host: 'localhost', port: 0, path };
  return new Problem(
    `${JSON.stringify(text)} is no unix socket`,
    `write unix: and a path of up to ${BOUNDS.socketPath} bytes`,
  );
}

function isLoopback(host: string): boolean {
  return host === '::1' || (isIP(host) === 4 && host.startsWith('127.'));
}
