/** Delivery as the configuration wants it: routes with their agents, schedule, limits. */
import {
  makeDiscardAgent,
  makeMaildirAgent,
  makeMxAgent,
  makeSmtpAgent,
  mxDestination,
  type Agent,
  type DeliverySettings,
  type Route,
  type RouteFacts,
} from '#delivery';
import type { Clock } from '#clock';
import type { Environment, Value } from '#expressions';
import type { Config, RouteConfig } from '#gateway/config';
import { domainOf, priorityOf, utf8Of } from '#message';
import type { NoticeSink } from '#notices';
import { environmentFor } from './environment.ts';
import type { Metrics } from './metrics/index.ts';
import { resolveBy, resolverFor } from './name-servers.ts';
import { destinationOf, nextHopsOf } from './next-hops.ts';
import { ourselvesOf } from './ourselves.ts';

/** What agents are handed. */
interface AgentSurroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  readonly metrics?: Metrics;
}

/** Settings for delivery; agents are made anew, and delivery closes those no route has any more. */
export function deliverySettings(config: Config, around: AgentSurroundings): DeliverySettings {
  const { hostname, delivery } = config;
  const environment = environmentFor(hostname, () => 0);
  const routes = delivery.routes.map((route): Route => {
    const { agent, key } = agentOf(route, config, around);
    const holds = (facts: RouteFacts): boolean | Promise<boolean> => routeHolds(route, facts, environment);
    const counting = route.match.constant === null ? around.metrics : undefined;
    return {
      agent,
      via: route.via,
      destinationKey: key,
      limits: { concurrency: route.concurrency ?? undefined, rate: route.rate ?? undefined },
      match: (facts) => (counting ? counting.route.evaluated(() => holds(facts)) : holds(facts)),
    };
  });
  const { retry, expire, concurrency, notifyDelay, dsn } = delivery;
  const returned = { full: dsn.return === 'full', maxSize: dsn.maxSize };
  return { routes, retry, expire, notifyDelay, returned, concurrency, hostname };
}

/** Whether a route is for a recipient. Throws or rejects when that cannot be said. */
export function routeHolds(
  route: RouteConfig,
  facts: RouteFacts,
  environment: (variable: (name: string) => Value) => Environment,
): boolean | Promise<boolean> {
  return route.match.constant ?? route.match.holds(environment((name) => variableOf(facts, name)));
}

function agentOf(
  route: RouteConfig,
  config: Config,
  { clock, notices, metrics }: AgentSurroundings,
): { readonly agent: Agent; readonly key: Route['destinationKey'] } {
  const { hostname, delivery, dns } = config;
  const around = { clock, notices };
  const meter = metrics?.delivery.hop(route.via) ?? null;
  switch (route.via) {
    case 'discard':
      return { agent: makeDiscardAgent(), key: 'discard' };
    case 'maildir':
      return {
        agent: makeMaildirAgent({ to: route.path, hostname, ...around }),
        key: `maildir:${route.path}`,
      };
    case 'smtp':
    case 'lmtp': {
      const hops = nextHopsOf(route);
      const maxConnections = route.concurrency ?? delivery.concurrency.perDestination;
      const agent = makeSmtpAgent({
        ...hops,
        hostname,
        maxConnections,
        timeouts: delivery.timeouts,
        resolve: resolveBy(dns),
        meter,
        ...around,
      });
      return { agent, key: destinationOf(hops) };
    }
    case 'mx': {
      const { tls, tlsCa, source, allowLoopback } = route;
      const agent = makeMxAgent({
        resolver: resolverFor(dns),
        ourselves: ourselvesOf(config),
        allowLoopback,
        tls,
        ca: tlsCa || undefined,
        source: source || undefined,
        hostname,
        maxConnections: route.concurrency ?? delivery.concurrency.perDestination,
        timeouts: delivery.timeouts,
        meter,
        ...around,
      });
      return { agent, key: mxDestination };
    }
  }
}

/** The value of a route variable (expressions reference 3.3). */
function variableOf({ entry, recipient }: RouteFacts, name: string): Value {
  switch (name) {
    case 'rcpt':
      return shown(recipient.address);
    case 'rcpt_domain':
      return domainOf(shown(recipient.address));
    case 'recipients':
      return entry.recipients.map((r) => shown(r.address));
    case 'sender':
      return shown(entry.sender);
    case 'sender_domain':
      return domainOf(shown(entry.sender));
    case 'retry_num':
      return recipient.attempts;
    case 'queue_age':
      return Math.max(0, Math.floor((entry.due - entry.receivedAt) / 1000));
    case 'received_from_ip':
      return entry.origin.clientAddress;
    case 'received_via_port':
      return entry.origin.localPort;
    case 'source':
      return entry.origin.source === 'dsn' ? 'dsn' : entry.origin.user ? 'authenticated' : 'unauthenticated';
    case 'size':
      return entry.size;
    case 'priority':
      return priorityOf(entry.senderParams);
    default:
      return '';
  }
}

const shown = (address: string): string => utf8Of(address).toLowerCase();
