/**
 * Which agent carries which recipient: the first route whose condition holds, recipients of one destination together.
 *
 * A recipient no route matches, or whose conditions cannot be evaluated, gets a temporary Status: an operator can still mend
 * the routes. Stays synchronous as long as the conditions do. Never throws.
 */
import { status } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryMeta } from '#spool';
import type { Agent } from './agent.ts';
import type { Route, RouteFacts, RouteLimits } from './options.ts';

/** Recipients (by index in the entry) that go to one destination. */
export interface Group {
  readonly agent: Agent;
  readonly via: string;
  readonly destination: string;
  readonly limits?: RouteLimits | undefined;
  readonly recipients: number[];
}

/** Where the pending recipients of an entry go. */
export interface Routed {
  readonly groups: readonly Group[];
  /** By recipient index: those that cannot be routed now. */
  readonly stranded: ReadonlyMap<number, Status>;
}

type Found = Route | null | Error;

/** Routes every pending recipient. */
export function routeEntry(
  entry: EntryMeta,
  routes: readonly Route[],
  notices: NoticeSink,
): Routed | Promise<Routed> {
  const pending: number[] = [];
  entry.recipients.forEach((r, i) => r.state === 'pending' && pending.push(i));
  const found = pending.map((i) => firstMatch(routes, { entry, recipient: entry.recipients[i]! }, 0));
  if (found.every((f) => !(f instanceof Promise))) return group(entry, pending, found as Found[], notices);
  return Promise.all(found.map((f) => Promise.resolve(f))).then((all) => group(entry, pending, all, notices));
}

/** The first route from `from` on that matches; an Error when a condition failed. */
function firstMatch(routes: readonly Route[], facts: RouteFacts, from: number): Found | Promise<Found> {
  for (let i = from; i < routes.length; i++) {
    const route = routes[i]!;
    let holds: boolean | Promise<boolean>;
    try {
      holds = route.match(facts);
    } catch (cause) {
      return asError(cause);
    }
    if (holds === true) return route;
    if (holds === false) continue;
    const rest = i + 1;
    return holds.then((yes) => (yes ? route : firstMatch(routes, facts, rest)), asError);
  }
  return null;
}

function group(
  entry: EntryMeta,
  pending: readonly number[],
  found: readonly Found[],
  notices: NoticeSink,
): Routed {
  const groups: Group[] = [];
  const stranded = new Map<number, Status>();
  pending.forEach((i, n) => {
    const route = found[n]!;
    const recipient = entry.recipients[i]!;
    if (route === null) {
      notices('delivery.no-route', { id: entry.id, recipient: recipient.address });
      stranded.set(i, status(451, '4.4.4', 'no route to this recipient'));
    } else if (route instanceof Error) {
      notices('delivery.route-error', { id: entry.id, recipient: recipient.address, error: route.message });
      stranded.set(i, status(451, '4.3.5', 'the route to this recipient cannot be determined'));
    } else {
      const key = route.destinationKey;
      const destination = typeof key === 'string' ? key : key({ entry, recipient });
      const same = groups.find((g) => g.destination === destination && g.agent === route.agent);
      if (same) same.recipients.push(i);
      else {
        const { agent, via = '', limits } = route;
        groups.push({ agent, via, destination, limits, recipients: [i] });
      }
    }
  });
  return { groups, stranded };
}

function asError(cause: unknown): Error {
  return cause instanceof Error ? cause : new Error(String(cause));
}
