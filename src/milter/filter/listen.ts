/**
 * Listen addresses in the spellings of Sendmail, Postfix and everybody else, and back again (milter reference 1).
 *
 * `inet:9900@127.0.0.1`, `inet6:9900@::1`, `inet:host:port`, `host:port`, `[::1]:9900`, `unix:/path`, `local:/path`, `/path`.
 * Without a host: 127.0.0.1. Throws FilterError `listen` for anything else.
 */
import { FilterError } from './errors.ts';

/** Where to listen. */
export type ListenAddress =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** Reads one address. Port 0 lets the system choose. */
export function parseListen(text: string): ListenAddress {
  const unix = /^(?:unix:|local:)(.+)$/.exec(text)?.[1] ?? (text.startsWith('/') ? text : undefined);
  if (unix !== undefined) return { kind: 'unix', path: unix };
  const rest = text.replace(/^inet6?:/, '');
  const sendmail = /^(\d+)(?:@(.*))?$/.exec(rest);
  if (sendmail && (rest !== text || sendmail[2] !== undefined))
    return tcp(text, sendmail[2] ?? '', sendmail[1]!);
  const other = /^(.*):(\d+)$/.exec(rest);
  if (other) return tcp(text, other[1]!, other[2]!);
  throw new FilterError(
    'listen',
    `${JSON.stringify(text)} is no address; write inet:9900@127.0.0.1 or unix:/path`,
  );
}

/** The address as an MTA's configuration takes it. */
export function formatListen(address: ListenAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `inet${address.host.includes(':') ? '6' : ''}:${address.port}@${address.host}`;
}

function tcp(text: string, host: string, digits: string): ListenAddress {
  const port = Number(digits);
  if (port > 65535) throw new FilterError('listen', `${JSON.stringify(text)} has no port from 0 to 65535`);
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  return { kind: 'tcp', host: bare === '' ? '127.0.0.1' : bare, port };
}
