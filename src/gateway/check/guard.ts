/**
 * What a check must not be pointed at (A14): the gateway's own doors for operators, and link-local addresses, where machines in
 * a cloud find their secrets, unless a filter is configured there. Never throws.
 */
import { statSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { BindAddress, Config } from '#gateway/config';

/** Why a place may not be connected to, or null. `host` is an address, never a name. */
export type Guard = (
  where: { readonly host: string; readonly port: number } | { readonly path: string },
) => string | null;

/** A guard that lets everything pass: for the command line, which can reach no more than its user. */
export const NO_GUARD: Guard = () => null;

const OWN_DOOR =
  'this is the gateway’s own interface for operators, not a filter: write the address that the filter listens on';
const LINK_LOCAL =
  'a link-local address is tested only when a filter is configured there: it is where machines in a cloud keep their secrets';

/** The guard of a gateway with these doors open. */
export function guardOf(doors: () => readonly BindAddress[], milters: () => Config['milters']): Guard {
  return (where) => {
    if ('path' in where)
      return doors().some((d) => d.kind === 'unix' && sameFile(d.path, where.path)) ? OWN_DOOR : null;
    const { host, port } = where;
    if (doors().some((d) => d.kind === 'tcp' && d.port === port && leadsTo(host, d.host))) return OWN_DOOR;
    const known = milters().some(
      (m) => m.endpoint.kind === 'tcp' && m.endpoint.host === host && m.endpoint.port === port,
    );
    return isLinkLocal(host) && !known ? LINK_LOCAL : null;
  };
}

const isAny = (host: string): boolean => host === '0.0.0.0' || host === '::';
const isLoopback = (host: string): boolean => host.startsWith('127.') || host === '::1';
const bare = (host: string): string =>
  host
    .toLowerCase()
    .replace(/^::ffff:(?=[\d.]+$)/, '')
    .replace(/%.*$/, '');

/** Whether a connection to `target` arrives at a door that is bound to `bound`, ports being equal. */
function leadsTo(target: string, bound: string): boolean {
  const [to, at] = [bare(target), bare(bound)];
  if (to === at) return true;
  if (isAny(to)) return isAny(at) || isLoopback(at);
  return isAny(at) && (isLoopback(to) || ownAddresses().has(to));
}

function ownAddresses(): ReadonlySet<string> {
  return new Set(
    Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map((a) => bare(a.address))),
  );
}

function isLinkLocal(host: string): boolean {
  const address = bare(host);
  return address.startsWith('169.254.') || /^fe[89ab][0-9a-f]:/.test(address);
}

function sameFile(a: string, b: string): boolean {
  if (a === b) return true;
  try {
    const [one, other] = [statSync(a), statSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch {
    return false;
  }
}
