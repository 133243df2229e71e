/** Delivery as the configuration wants it: routes with their agents, schedule, limits. */
import {
  makeDiscardAgent,
  makeMaildirAgent,
  makeSmtpAgent,
  type Agent,
  type DeliverySettings,
  type Route,
  type RouteFacts,
} from '#delivery';
import type { Clock } from '#clock';
import type { Value } from '#expressions';
import type { Config, RouteConfig } from '#gateway/config';
import { domainOf, utf8Of } from '#message';
import type { NoticeSink } from '#notices';
import { environmentFor } from './environment.ts';

/** What agents are handed. */
interface AgentSurroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Settings for delivery; agents are made anew, and delivery closes those no route has any more. */
export function deliverySettings(config: Config, around: AgentSurroundings): DeliverySettings {
  const { hostname, delivery } = config;
  const environment = environmentFor(hostname, () => 0);
  const routes = delivery.routes.map((route): Route => {
    const { agent, key } = agentOf(route, config, around);
    const { constant } = route.match;
    return {
      agent,
      destinationKey: key,
      match: (facts) => constant ?? route.match.holds(environment((name) => variableOf(facts, name))),
    };
  });
  const { retry, expire, concurrency } = delivery;
  return { routes, retry, expire, concurrency, hostname };
}

function agentOf(
  route: RouteConfig,
  { hostname, delivery }: Config,
  around: AgentSurroundings,
): { readonly agent: Agent; readonly key: Route['destinationKey'] } {
  switch (route.via) {
    case 'discard':
      return { agent: makeDiscardAgent(), key: 'discard' };
    case 'maildir':
      return {
        agent: makeMaildirAgent({ to: route.path, hostname, ...around }),
        key: `maildir:${route.path}`,
      };
    case 'smtp': {
      const { tls } = route;
      const hops = route.to.map(({ host, port }) => ({ name: host, port, path: '' }));
      const agent = makeSmtpAgent({
        hops,
        tls,
        hostname,
        maxConnections: delivery.concurrency.perDestination,
        ...around,
      });
      return { agent, key: `smtp:${hops.map((h) => `${h.name}:${h.port}`).join()}` };
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
      return 0;
    default:
      return '';
  }
}

const shown = (address: string): string => utf8Of(address).toLowerCase();
