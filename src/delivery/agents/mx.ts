/**
 * Delivers to the hosts that DNS names for the recipient's domain (RFC 5321 5.1). What a host said about each recipient is the
 * outcome; what DNS said about the domain is the outcome of all its recipients.
 *
 * Recipients of one domain go in one transaction. A search for hosts that is broken off makes temporary outcomes at once. Never
 * connects to ourselves, nor to loopback addresses unless that is allowed.
 */
import { isTemporary, status } from '#message';
import type { Status } from '#message';
import type { BreakOff } from '#smtp/client';
import type { Agent, Attempt, Outcome } from '../agent.ts';
import type { RouteFacts } from '../options.ts';
import { Destinations } from '../mx/destinations.ts';
import type { DestinationOptions } from '../mx/destinations.ts';
import { findHosts } from '../mx/find-hosts.ts';
import type { Found, HostSearch, TlsPolicy } from '../mx/find-hosts.ts';
import { KnownHosts } from '../mx/known-hosts.ts';
import { mailDomainOf } from '../mx/mail-domain.ts';
import type { MailDomain } from '../mx/mail-domain.ts';
import { sendThrough } from './smtp.ts';

/** How to find hosts and how to speak to them. */
export interface MxOptions
  extends
    Omit<DestinationOptions, 'port' | 'random' | 'protocol' | 'auth'>,
    Pick<HostSearch, 'resolver' | 'ourselves' | 'allowLoopback'> {
  /** Default: `tls` for every host. */
  readonly tlsPolicy?: TlsPolicy;
  /** TCP port of the hosts; default 25. */
  readonly port?: number;
  /** 0 up to 1, for the order of equal hosts; default Math.random. */
  readonly random?: () => number;
}

const SMTP_PORT = 25;

const INTERRUPTED = status(451, '4.3.2', 'the delivery was interrupted');

/** The destination of a recipient of such a route: its domain in ASCII form. */
export function mxDestination({ recipient }: RouteFacts): string {
  return `mx:${mailDomainOf(recipient.address).name}`;
}

/** An agent with connections and a memory of its own. */
export function makeMxAgent(options: MxOptions): Agent {
  const { resolver, ourselves, allowLoopback, tls, clock, notices, random = Math.random } = options;
  const { port = SMTP_PORT, tlsPolicy = () => tls } = options;
  const search: HostSearch = { resolver, ourselves, allowLoopback, tlsPolicy, random, notices };
  const known = new KnownHosts(clock);
  const destinations = new Destinations({ ...options, port, random });

  const hostsOf = (where: MailDomain): Found | Promise<Found> => {
    if (where.kind === 'nowhere') return { status: where.status, ttl: 0 };
    return known.find(where.name, () => findHosts(where, search));
  };
  const deliverTo = async (where: MailDomain, attempt: Attempt): Promise<readonly Outcome[]> => {
    const answer = hostsOf(where);
    const found = answer instanceof Promise ? await unlessAborted(answer, attempt.signal) : answer;
    if (found === null) return all(attempt, INTERRUPTED);
    // Name servers that do not answer are a destination that cannot be reached.
    if ('status' in found) return all(attempt, found.status, isTemporary(found.status));
    return destinations.use(found.hosts, (pool) => sendThrough(pool, attempt, 'relayed'));
  };
  return {
    async deliver(attempt) {
      const domains = byDomain(attempt);
      if (domains.length === 1) return deliverTo(...domains[0]!);
      return (await Promise.all(domains.map((d) => deliverTo(...d)))).flat();
    },
    async close() {
      resolver.cancel();
      await destinations.close();
    },
  };
}

/** The attempt as one attempt for each domain; one is the rule, as the destination is the domain. */
function byDomain(attempt: Attempt): readonly [MailDomain, Attempt][] {
  const groups = new Map<string, [MailDomain, Attempt['recipients'][number][]]>();
  for (const recipient of attempt.recipients) {
    const where = mailDomainOf(recipient.address);
    const key = where.kind === 'nowhere' ? `${where.status.enhanced} ${where.status.text}` : where.name;
    const group = groups.get(key);
    if (group) group[1].push(recipient);
    else groups.set(key, [where, [recipient]]);
  }
  if (groups.size === 1) return [...groups.values()].map(([where]) => [where, attempt]);
  return [...groups.values()].map(([where, recipients]) => [where, { ...attempt, recipients }]);
}

const all = ({ recipients }: Attempt, why: Status, unreached = false): readonly Outcome[] =>
  recipients.map(({ address }) =>
    unreached ? { address, status: why, unreached } : { address, status: why },
  );

/** The value, or null as soon as the signal says so. */
function unlessAborted<T>(value: Promise<T>, signal: BreakOff): Promise<T | null> {
  if (signal.aborted) return Promise.resolve(null);
  let stop = (): void => undefined;
  const aborted = new Promise<null>((resolve) => {
    stop = () => resolve(null);
    signal.addEventListener('abort', stop);
  });
  return Promise.race([value, aborted]).finally(() => signal.removeEventListener('abort', stop));
}
