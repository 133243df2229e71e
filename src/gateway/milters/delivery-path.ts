/**
 * Which way each recipient of a message would take: route, agent, next hops. Asks the routes of the configuration in use and
 * nobody else: no name is looked up, no connection made. Never rejects.
 */
import type { Environment, Value } from '#expressions';
import type { Config, RouteConfig } from '#gateway/config';
import { domainOf, printable, utf8Of } from '#message';
import type { EntryMeta } from '#spool';
import { destinationOf, nextHopsOf } from '../next-hops.ts';
import { routeHolds } from '../routes.ts';

/** The way of one recipient. */
export interface DeliveryPath {
  readonly recipient: string;
  /** Place of the route in the configuration, from 0; -1 when none is for it. */
  readonly route: number;
  /** The routes before it, and why each is not meant. */
  readonly passedOver: readonly string[];
  /** `smtp`, `lmtp`, `mx`, `maildir`, `discard`, '' without a route. */
  readonly via: string;
  readonly hops: readonly string[];
  /** What limits and the log call it. */
  readonly destination: string;
  readonly says: string;
}

/** Of every recipient of an entry, as it would be queued now. */
export function deliveryPaths(
  { delivery }: Config,
  entry: EntryMeta,
  environment: (variable: (name: string) => Value) => Environment,
): Promise<readonly DeliveryPath[]> {
  return Promise.all(
    entry.recipients.map(async (recipient): Promise<DeliveryPath> => {
      const shown = printable(utf8Of(recipient.address), 320);
      const passedOver: string[] = [];
      for (const [i, route] of delivery.routes.entries()) {
        const name = `routes[${i}]`;
        try {
          if (await routeHolds(route, { entry, recipient }, environment)) {
            const { hops, destination, says } = wayOf(route, recipient.address);
            return {
              recipient: shown,
              route: i,
              passedOver,
              via: route.via,
              hops,
              destination,
              says: `${name}: ${says}`,
            };
          }
          passedOver.push(`${name}: its condition does not hold`);
        } catch (error) {
          const why = error instanceof Error ? error.message : String(error);
          const says = `${name}: its condition cannot be evaluated (${printable(why, 200)}); the recipient waits with 451 4.3.5`;
          return { recipient: shown, route: i, passedOver, via: '', hops: [], destination: '', says };
        }
      }
      const says = 'no route is for this recipient: it waits with 451 4.4.4 until the routes are mended';
      return { recipient: shown, route: -1, passedOver, via: '', hops: [], destination: '', says };
    }),
  );
}

function wayOf(route: RouteConfig, address: string): Pick<DeliveryPath, 'hops' | 'destination' | 'says'> {
  const domain = printable(utf8Of(domainOf(address)).toLowerCase(), 255);
  switch (route.via) {
    case 'smtp':
    case 'lmtp': {
      const hops = route.to.map(({ host, port, path }) => (path === '' ? `${host}:${port}` : `unix:${path}`));
      const order =
        hops.length > 1 ? (route.balance === 'order' ? ', the first that answers' : ', each in turn') : '';
      const says = `by ${route.via.toUpperCase()} to ${hops.join(', ')}${order}, TLS ${route.tls}`;
      return { hops, destination: destinationOf(nextHopsOf(route)), says };
    }
    case 'mx':
      return {
        hops: [],
        destination: `mx:${domain}`,
        says: `to the mail hosts that DNS names for ${domain}, TLS ${route.tls}`,
      };
    case 'maildir':
      return { hops: [], destination: `maildir:${route.path}`, says: `into the Maildir ${route.path}` };
    case 'discard':
      return { hops: [], destination: 'discard', says: 'thrown away' };
  }
}
