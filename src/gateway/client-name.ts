/**
 * The name of an SMTP client: PTR, confirmed by looking the name up again (as Sendmail and Postfix verify it).
 *
 * Through c-ares, never the thread pool's getaddrinfo. Loopback is `localhost` without asking anybody. Names are kept for some
 * minutes. No answer in time, and every failure, is no name; the SMTP server bounds the time.
 */
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { canonicalIp } from '#smtp/protocol';
import type { ClientName } from '#smtp/server';

/** Names remembered, and for how many milliseconds: what DNS said, and that it did not answer. */
const MAX_KNOWN = 10_000;
const KEEP = 300_000;
const KEEP_UNSURE = 15_000;
/** Milliseconds for one question, and how often it is asked. */
const QUESTION = { timeout: 1500, tries: 2 };
/** PTR names of one address that are looked at. */
const MAX_NAMES = 5;

const NOBODY: ClientName = Object.freeze({ name: '', ptr: '' });
const LOCALHOST: ClientName = Object.freeze({ name: 'localhost', ptr: 'localhost' });

/** What this needs of a resolver. */
export type NameResolver = Pick<Resolver, 'reverse' | 'resolve4' | 'resolve6'>;

/** A function that finds names, with a memory. Clients of one address that come together wait for one look-up. Never rejects. */
export function clientNames(
  resolver: NameResolver = new Resolver(QUESTION),
  now: () => number = Date.now,
): (address: string) => Promise<ClientName> {
  const known = new Map<string, { readonly name: ClientName; readonly until: number }>();
  const asked = new Map<string, Promise<ClientName>>();
  const find = async (address: string): Promise<ClientName> => {
    const { name, sure } = await lookUp(resolver, address);
    asked.delete(address);
    if (known.size >= MAX_KNOWN) known.clear();
    known.set(address, { name, until: now() + (sure ? KEEP : KEEP_UNSURE) });
    return name;
  };
  return (address) => {
    if (isIP(address) === 0) return Promise.resolve(NOBODY);
    if (address === '::1' || address.startsWith('127.')) return Promise.resolve(LOCALHOST);
    const before = known.get(address);
    if (before && before.until > now()) return Promise.resolve(before.name);
    const waiting = asked.get(address);
    if (waiting) return waiting;
    const found = find(address);
    asked.set(address, found);
    return found;
  };
}

/** What DNS says; `sure`: it did answer, and would say the same again. */
async function lookUp(resolver: NameResolver, address: string): Promise<{ name: ClientName; sure: boolean }> {
  let names: string[];
  try {
    names = await resolver.reverse(address);
  } catch (error) {
    return { name: NOBODY, sure: saysNo(error) };
  }
  const v6 = isIP(address) === 6;
  let sure = true;
  for (const name of names.slice(0, MAX_NAMES).map((n) => n.replace(/\.$/, ''))) {
    if (!isHostName(name)) continue;
    try {
      const back = v6 ? await resolver.resolve6(name) : await resolver.resolve4(name);
      if (back.some((b) => sameAddress(b, address))) return { name: { name, ptr: name }, sure: true };
    } catch (error) {
      // This name does not lead back; another may.
      sure &&= saysNo(error);
    }
  }
  const first = names[0]?.replace(/\.$/, '') ?? '';
  return { name: { name: '', ptr: isHostName(first) ? first : '' }, sure };
}

/** True when the name servers answered, and the answer was that there is nothing. */
function saysNo(error: unknown): boolean {
  const code = (error as { code?: unknown }).code;
  return code === 'ENOTFOUND' || code === 'ENODATA';
}

const isHostName = (name: string): boolean => /^[A-Za-z0-9._-]{1,253}$/.test(name) && isIP(name) === 0;

/** The resolver may write an IPv6 address in another form than the socket does. */
function sameAddress(a: string, b: string): boolean {
  return a === b || (canonicalIp(a) ?? a) === (canonicalIp(b) ?? b);
}
