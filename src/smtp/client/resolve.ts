/**
 * From a configured host name to addresses, without the resolver of the C library (which blocks a thread per question).
 *
 * Address literals as they are, then the hosts file, then DNS (A before AAAA). Answers are bounded; a host without an
 * address is a ResolveFault with `name` or `dns`, so that the caller can tell a wrong name from a sick resolver.
 */
import { Resolver } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';

/** Finds the addresses of a host, best first. Rejects with ResolveFault. */
export type Resolve = (host: string) => Promise<readonly string[]>;

/** Addresses of one host that are tried at most. */
export const MAX_ADDRESSES = 8;

/** The host has no address: `name`; or nobody could say: `dns`. */
export class ResolveFault extends Error {
  readonly code: 'name' | 'dns';

  constructor(code: 'name' | 'dns', message: string) {
    super(message);
    this.name = 'ResolveFault';
    this.code = code;
  }
}

/** Makes a Resolve. `hostsFile` is read at each question of a name; a missing one is an empty one. `dns` bounds its own time. */
export function makeResolve(
  hostsFile = '/etc/hosts',
  dns: Pick<Resolver, 'resolve4' | 'resolve6'> = new Resolver({ timeout: 5000, tries: 2 }),
): Resolve {
  return async (host) => {
    if (isIP(host) !== 0) return [host];
    const known = addressesIn(await readFile(hostsFile, 'latin1').catch(() => ''), host);
    if (known.length > 0) return known.slice(0, MAX_ADDRESSES);
    const answers = await Promise.allSettled([dns.resolve4(host), dns.resolve6(host)]);
    const found = answers.flatMap((a) => (a.status === 'fulfilled' ? a.value : []));
    if (found.length > 0) return found.slice(0, MAX_ADDRESSES);
    const sick = answers.some((a) => a.status === 'rejected' && !saysNo(a.reason));
    throw new ResolveFault(sick ? 'dns' : 'name', sick ? 'the name server does not answer' : 'no such host');
  };
}

/** Addresses that a hosts file gives a name, IPv4 first. Exported for the tests. */
export function addressesIn(hosts: string, name: string): string[] {
  const wanted = name.toLowerCase().replace(/\.$/, '');
  const found: string[] = [];
  for (const line of hosts.split('\n')) {
    const [address, ...names] = line.replace(/#.*/, '').trim().split(/\s+/);
    if (address === undefined || isIP(address) === 0) continue;
    if (names.some((n) => n.toLowerCase() === wanted) && !found.includes(address)) found.push(address);
  }
  return found.toSorted((a, b) => isIP(a) - isIP(b));
}

/** True when the resolver answered, and the answer was that there is nothing. */
function saysNo(reason: unknown): boolean {
  const code = (reason as { code?: unknown }).code;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}
