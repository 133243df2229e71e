/**
 * Questions to DNS with three answers: there is something, there is nothing, nobody could say. Through c-ares, never the thread
 * pool's getaddrinfo. Never rejects.
 */
import type { Resolver } from 'node:dns/promises';
import { canonicalIp } from '#smtp/protocol';

/** What this needs of a resolver; it bounds the time of a question itself. */
export type MailResolver = Pick<Resolver, 'resolveMx' | 'resolve4' | 'resolve6' | 'cancel'>;

/** `no-name`: there is no such name (NXDOMAIN). `nothing`: there is, without such records. `unknown`: no word, or no good one. */
export type Answer<T> =
  { readonly kind: 'found'; readonly records: T } | { readonly kind: 'no-name' | 'nothing' | 'unknown' };

/** An MX record; '' is the root, which stands for no host. */
export interface MxRecord {
  readonly exchange: string;
  readonly priority: number;
}

/** MX records of a domain in ASCII form. */
export async function askMx(resolver: MailResolver, domain: string): Promise<Answer<readonly MxRecord[]>> {
  try {
    const records = await resolver.resolveMx(domain);
    return records.length > 0 ? { kind: 'found', records } : { kind: 'nothing' };
  } catch (error) {
    return { kind: kindOf(error) };
  }
}

/** Addresses of a host in canonical form, IPv4 first. */
export interface Addresses {
  readonly addresses: readonly string[];
  /** Milliseconds for which they hold; Infinity when there are none. */
  readonly ttl: number;
  /** One of the two questions was not answered. */
  readonly unsure: boolean;
}

/** A and AAAA of a host, asked at the same time; aliases (CNAME) are followed by the name server. */
export async function askAddresses(resolver: MailResolver, host: string): Promise<Addresses> {
  const asked = [resolver.resolve4(host, { ttl: true }), resolver.resolve6(host, { ttl: true })];
  const addresses: string[] = [];
  let ttl = Infinity;
  let unsure = false;
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === 'rejected') unsure ||= kindOf(answer.reason) === 'unknown';
    else
      for (const record of answer.value) {
        const address = canonicalIp(record.address);
        if (address !== null) addresses.push(address);
        ttl = Math.min(ttl, record.ttl * 1000);
      }
  }
  return { addresses, ttl, unsure };
}

function kindOf(error: unknown): 'no-name' | 'nothing' | 'unknown' {
  const code = (error as { code?: unknown }).code;
  return code === 'ENOTFOUND' ? 'no-name' : code === 'ENODATA' ? 'nothing' : 'unknown';
}
