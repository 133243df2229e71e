/**
 * Pass-through as the gateway runs it: the routes of the configuration as lanes to next hops, and a transaction for each client's.
 *
 * A configuration taken over by a reload has lanes of its own; sessions keep those they began with. The first route whose
 * condition holds carries the recipient. Nothing is kept but connections for a moment; `close` lets go of those and breaks off
 * what still waits for a hop.
 */
import type { Clock } from '#clock';
import type { Value } from '#expressions';
import type { Config, RouteConfig } from '#gateway/config';
import type { PassedSender, PassThrough } from '#intake';
import { domainOf, parameter, priorityOf, status, utf8Of, type Recipient, type Status } from '#message';
import type { NoticeSink } from '#notices';
import type { Awaitable } from '#stages';
import { environmentFor } from './environment.ts';
import type { Metrics } from './metrics/index.ts';
import { nextHopsOf } from './next-hops.ts';
import { Lane, type Line } from './through-lane.ts';
import { ThroughTransaction, type ThroughAround } from './through-transaction.ts';

const NO_ROUTE = status(451, '4.4.4', 'No route to this recipient');
const NOT_KNOWN = status(451, '4.3.5', 'Route to this recipient cannot be determined');

interface Way {
  readonly match: RouteConfig['match'];
  readonly lane: Lane;
}

/** What it is made of. */
export interface ThroughParts {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Where figures are kept. */
  readonly metrics?: Metrics;
}

/** All of the gateway's. */
export class Through {
  readonly #around: ThroughParts;
  readonly #idle = new Set<Line>();
  readonly #underway = new Set<() => void>();
  #closed = false;

  constructor(around: ThroughParts) {
    this.#around = around;
  }

  /** What the listeners of a configuration use; null when it keeps its mail. */
  of({ delivery, hostname, workers }: Config): PassThrough | null {
    if (delivery.mode !== 'through') return null;
    const { clock, notices, metrics } = this.#around;
    const { timeouts } = delivery;
    const shared = { idle: this.#idle, clock, closed: () => this.#closed };
    const ways = delivery.routes.flatMap((route): Way[] => {
      if (route.via !== 'smtp' && route.via !== 'lmtp') return []; // the loader has refused it
      const places = Math.ceil((route.concurrency ?? delivery.concurrency.perDestination) / workers);
      const meter = metrics?.delivery.hop(route.via) ?? null;
      return [
        {
          match: route.match,
          lane: new Lane(nextHopsOf(route), { hostname, timeouts, clock, notices, meter }, places, shared),
        },
      ];
    });
    const environment = environmentFor(hostname, () => 0);
    const laneOf = (from: PassedSender, recipient: Recipient): Awaitable<Lane | Status> =>
      firstOf(
        ways,
        (way) => way.match.holds(environment((name) => variableOf(from, recipient.path.address, name))),
        (reason) => {
          const { session } = from.origin;
          notices('through.trouble', { session, recipient: recipient.path.address, reason });
        },
      );
    const only = ways[0]?.match.constant === true ? ways[0].lane : null;
    const around: ThroughAround = { laneOf, only, clock, notices, underway: this.#underway };
    return { begin: (from) => new ThroughTransaction(from, around) };
  }

  /** Keeps no connection any more, and waits for no hop. */
  close(): void {
    this.#closed = true;
    for (const stop of this.#underway) stop();
    for (const { connection } of this.#idle) void connection.quit();
    this.#idle.clear();
  }
}

async function firstOf(
  ways: readonly Way[],
  holds: (way: Way) => Awaitable<boolean>,
  say: (reason: string) => void,
): Promise<Lane | Status> {
  try {
    for (const way of ways) if (way.match.constant ?? (await holds(way))) return way.lane;
  } catch (error) {
    say(
      `the condition of a route cannot be evaluated: ${error instanceof Error ? error.message : String(error)}`,
    );
    return NOT_KNOWN;
  }
  say('no route matches');
  return NO_ROUTE;
}

/** The value of a route variable (expressions reference 3.3) while the client is still there: nothing was tried, nothing waited. */
function variableOf({ origin, sender, senderParams }: PassedSender, rcpt: string, name: string): Value {
  switch (name) {
    case 'rcpt':
      return shown(rcpt);
    case 'rcpt_domain':
      return domainOf(shown(rcpt));
    case 'recipients':
      return [shown(rcpt)];
    case 'sender':
      return shown(sender.address);
    case 'sender_domain':
      return domainOf(shown(sender.address));
    case 'retry_num':
    case 'queue_age':
      return 0;
    case 'received_from_ip':
      return origin.remoteAddress;
    case 'received_via_port':
      return origin.localPort;
    case 'source':
      return origin.user ? 'authenticated' : 'unauthenticated';
    case 'size':
      return Number(parameter(senderParams, 'SIZE') ?? 0);
    case 'priority':
      return priorityOf(senderParams);
    default:
      return '';
  }
}

const shown = (address: string): string => utf8Of(address).toLowerCase();
