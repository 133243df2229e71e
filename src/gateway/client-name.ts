/**
 * The name of an SMTP client: PTR, confirmed by looking the name up again (as Sendmail and Postfix verify it).
 *
 * Through c-ares, never the thread pool's getaddrinfo. Loopback is `localhost` without asking anybody. Names are kept for some
 * minutes. No answer in time, and every failure, is no name; the SMTP server bounds the time.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import type { ClientName } from '#smtp/server';

/** Names remembered, and for how many milliseconds. */
const MAX_KNOWN = 10_000;
const KEEP = 300_000;
/** Milliseconds for one question, and how often it is asked. */
const QUESTION = { timeout: 1500, tries: 2 };
/** PTR names of one address that are looked at. */
const MAX_NAMES = 5;

const NOBODY: ClientName = Object.freeze({ name: '', ptr: '' });
const LOCALHOST: ClientName = Object.freeze({ name: 'localhost', ptr: 'localhost' });

/** What this needs of a resolver. */
export type NameResolver = Pick<Resolver, 'reverse' | 'resolve4' | 'resolve6'>;

/** A function that finds names, with a memory. Never rejects. */
export function clientNames(
  resolver: NameResolver = new Resolver(QUESTION),
  now: () => number = Date.now,
): (address: string) => Promise<ClientName> {
  const known = new Map<string, { readonly name: ClientName; readonly until: number }>();
  return async (address) => {
    if (isIP(address) === 0) return NOBODY;
    if (address === '::1' || address.startsWith('127.')) return LOCALHOST;
    const before = known.get(address);
    if (before && before.until > now()) return before.name;
    const name = await lookUp(resolver, address);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(address, { name, until: now() + KEEP });
    return name;
  };
}

async function lookUp(resolver: NameResolver, address: string): Promise<ClientName> {
  let names: string[];
  try {
    names = await resolver.reverse(address);
  } catch {
    return NOBODY;
  }
  const v6 = isIP(address) === 6;
  for (const name of names.slice(0, MAX_NAMES).map((n) => n.replace(/\.$/, ''))) {
    if (!isHostName(name)) continue;
    try {
      const back = v6 ? await resolver.resolve6(name) : await resolver.resolve4(name);
      if (back.some((b) => sameAddress(b, address))) return { name, ptr: name };
    } catch {
      // This name does not lead back; another may.
    }
  }
  const first = names[0]?.replace(/\.$/, '') ?? '';
  return { name: '', ptr: isHostName(first) ? first : '' };
}

const isHostName = (name: string): boolean => /^[A-Za-z0-9._-]{1,253}$/.test(name) && isIP(name) === 0;

/** The resolver may write an IPv6 address in another form than the socket does. */
function sameAddress(a: string, b: string): boolean {
  return a === b || (isIP(a) === 6 && isIP(b) === 6 && canonical(a) === canonical(b));
}

const canonical = (v6: string): string => new URL(`http://[${v6}]/`).hostname;
