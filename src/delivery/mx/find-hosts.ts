/**
 * The hosts that take mail for a domain, by RFC 5321 5.1 and RFC 7505: MX records in order of preference, else the domain's own
 * addresses; each host with its addresses. Without ourselves and everybody who is not better than we are.
 *
 * What there is to say about the domain as a whole comes back as a Status: permanent when DNS said so, temporary when DNS did not
 * say. Asks about few hosts, however many records there are. Never rejects.
 */
import { status } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import type { TlsMode } from '#smtp/client';
import { isHostName } from './mail-domain.ts';
import type { MailDomain } from './mail-domain.ts';
import { inRandomOrder } from './ranks.ts';
import { askAddresses, askMx } from './questions.ts';
import type { Addresses, MailResolver } from './questions.ts';
import { unusable } from './usable.ts';

/** Hosts of one domain that are looked up and tried at most. */
export const MAX_HOSTS = 10;
/** Addresses of one domain that are tried at most. */
export const MAX_ADDRESSES = 20;

/** A host that takes mail. */
export interface MailHost {
  /** Lower case; of an address literal the address. */
  readonly name: string;
  /** Lower is better; equal ones share the load. */
  readonly preference: number;
  /** Canonical, in the order to try; at least one. */
  readonly addresses: readonly string[];
  readonly tls: TlsMode;
}

/** What is known of a domain: hosts, the best first, or why there are none; and for how long, in milliseconds. */
export type Found = ({ readonly hosts: readonly MailHost[] } | { readonly status: Status }) & {
  readonly ttl: number;
};

/** What TLS a host of a domain must be spoken to with: the place where MTA-STS (RFC 8461) and DANE (RFC 7672) belong. */
export type TlsPolicy = (domain: string, host: string) => TlsMode | Promise<TlsMode>;

/** Who we are. */
export interface Ourselves {
  /** Our name, in any case. */
  readonly hostname: string;
  /** Whether mail sent to this address (canonical) comes to us. */
  readonly isOwn: (address: string) => boolean;
}

/** What it takes to find hosts. */
export interface HostSearch {
  readonly resolver: MailResolver;
  readonly ourselves: Ourselves;
  readonly allowLoopback: boolean;
  readonly tlsPolicy: TlsPolicy;
  /** 0 up to 1. */
  readonly random: () => number;
  readonly notices: NoticeSink;
}

/** How long what DNS said is kept: MX records tell no time to live here, a refusal may be mended, a silence is over soon. Milliseconds. */
export const LONGEST_KEPT = 300_000;
const KEEP_REFUSAL = 60_000;
const KEEP_UNKNOWN = 10_000;

interface Candidate {
  readonly name: string;
  readonly preference: number;
}

type Looked = Candidate & Addresses;

/** Finds the hosts of a domain, or of an address literal. */
export async function findHosts(
  where: Exclude<MailDomain, { kind: 'nowhere' }>,
  search: HostSearch,
): Promise<Found> {
  if (where.kind === 'literal') {
    const only = {
      name: where.address,
      preference: 0,
      addresses: [where.address],
      ttl: Infinity,
      unsure: false,
    };
    return choose(where.name, [only], false, search);
  }
  const { name } = where;
  const mx = await askMx(search.resolver, name);
  switch (mx.kind) {
    case 'no-name':
      return refusal(status(550, '5.1.2', `there is no domain ${name}`));
    case 'unknown':
      return unknown(name);
    case 'nothing':
      return among(name, [{ name, preference: 0 }], search);
    case 'found': {
      const hosts = mx.records.map(({ exchange, priority }) => ({
        name: exchange.toLowerCase().replace(/\.$/, ''),
        preference: priority,
      }));
      // A null MX stands alone; beside others it is a mistake and no host.
      if (hosts.every((h) => h.name === ''))
        return refusal(status(556, '5.1.10', `${name} takes no mail (null MX)`));
      return among(
        name,
        hosts.filter((h) => isNamed(name, h, search)),
        search,
      );
    }
  }
}

/** Looks the best candidates up. */
async function among(domain: string, candidates: readonly Candidate[], search: HostSearch): Promise<Found> {
  const own = search.ourselves.hostname.toLowerCase();
  const { better, cut } = betterThan(domain, candidates, (c) => c.name === own, search);
  const tried = inRandomOrder(better, search.random).slice(0, MAX_HOSTS);
  const looked = await Promise.all(
    tried.map(async (c): Promise<Looked> => ({ ...c, ...(await askAddresses(search.resolver, c.name)) })),
  );
  return choose(domain, looked, cut, search);
}

/** Those that are left of hosts with addresses. `cut`: some were dropped because we are among the hosts. */
async function choose(
  domain: string,
  looked: readonly Looked[],
  cut: boolean,
  search: HostSearch,
): Promise<Found> {
  const usable = looked.map((h) => ({ ...h, addresses: usableOf(domain, h, search) }));
  const { isOwn } = search.ourselves;
  const left = betterThan(domain, usable, (h) => h.addresses.some(isOwn), search);
  const seen = new Set<string>();
  const hosts: MailHost[] = [];
  for (const { name, preference, addresses } of left.better) {
    const fresh = addresses.filter((a) => seen.size < MAX_ADDRESSES && !seen.has(a) && seen.add(a));
    if (fresh.length > 0)
      hosts.push({ name, preference, addresses: fresh, tls: await search.tlsPolicy(domain, name) });
  }
  if (hosts.length > 0) return { hosts, ttl: Math.min(LONGEST_KEPT, ...looked.map((h) => h.ttl)) };
  if (left.better.some((h) => h.unsure)) return unknown(domain);
  if (cut || left.cut)
    return refusal(status(554, '5.4.6', `mail for ${domain} would come back to this host`));
  return refusal(status(550, '5.4.4', `no host takes mail for ${domain}: none has an address to connect to`));
}

/** The hosts that are better than the best of ourselves; all when we are not among them. */
function betterThan<C extends Candidate>(
  domain: string,
  hosts: readonly C[],
  isOurs: (host: C) => boolean,
  { notices }: HostSearch,
): { readonly better: readonly C[]; readonly cut: boolean } {
  const ours = Math.min(Infinity, ...hosts.filter(isOurs).map((h) => h.preference));
  const better = hosts.filter((h) => h.preference < ours);
  const cut = better.length < hosts.length;
  if (cut)
    notices('delivery.mail-host-skipped', { domain, reason: 'we are among its hosts', preference: ours });
  return { better, cut };
}

function isNamed(domain: string, { name }: Candidate, { notices }: HostSearch): boolean {
  const named = isHostName(name);
  if (!named) notices('delivery.mail-host-skipped', { domain, host: name, reason: 'no host name' });
  return named;
}

function usableOf(domain: string, host: Looked, { allowLoopback, notices }: HostSearch): readonly string[] {
  if (host.addresses.length === 0)
    notices('delivery.mail-host-skipped', {
      domain,
      host: host.name,
      reason: host.unsure ? 'no answer about its address' : 'no address',
    });
  return host.addresses.filter((address) => {
    const reason = unusable(address, allowLoopback);
    if (reason !== null) notices('delivery.mail-host-skipped', { domain, host: host.name, address, reason });
    return reason === null;
  });
}

const refusal = (why: Status): Found => ({ status: why, ttl: KEEP_REFUSAL });

const unknown = (domain: string): Found => ({
  status: status(451, '4.4.3', `the name servers do not tell who takes mail for ${domain}`),
  ttl: KEEP_UNKNOWN,
});
