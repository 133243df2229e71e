/** The next hops of a route as the SMTP client is told of them. The keys name hops and settings, never a password. */
import type { LmtpTarget, SmtpTarget } from '#gateway/config';
import type { Balance, ConnectOptions, Hop } from '#smtp/client';

/** A route that hands mail to next hops. */
export type HopRoute = SmtpTarget | LmtpTarget;

/** Where, and how to speak there. */
export interface NextHops extends Pick<ConnectOptions, 'tls' | 'ca' | 'protocol' | 'auth' | 'source'> {
  readonly hops: readonly Hop[];
  readonly balance: Balance;
}

/** Of a route. */
export function nextHopsOf(route: HopRoute): NextHops {
  const { via, to, tls, tlsCa, balance, source } = route;
  return {
    hops: to.map(({ host, port, path }) => ({ name: host, port, path })),
    balance,
    tls,
    ca: tlsCa || undefined,
    protocol: via,
    auth: (via === 'smtp' && route.auth) || undefined,
    source: source || undefined,
  };
}

/** What concurrency, rate and log call the destination: the same hops are the same destination, whatever route leads there. */
export function destinationOf({ hops, protocol = 'smtp' }: Pick<NextHops, 'hops' | 'protocol'>): string {
  return `${protocol}:${hops.map((h) => (h.path === '' ? `${h.name}:${h.port}` : `unix:${h.path}`)).join()}`;
}
