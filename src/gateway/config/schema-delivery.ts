/** The shape of `spool` and `delivery`: where accepted mail waits, and where it goes. */
import type { z } from 'zod';
import { BOUNDS } from './defaults.ts';
import { addressLeaf, credentialLeaf, rateLeaf } from './leaves-route.ts';
import { duration, flag, group, integer, list, oneOf, size, text, untouched } from './leaves.ts';

const COUNT = 100_000;

/** Waits for next hops: 100 ms to an hour. */
const wait = duration(100, 3_600_000).optional();

export const spoolSettings = group({
  engine: oneOf('lmdb', 'memory', 'postgres').optional(),
  url: untouched.optional(),
  inlineBodyMax: size(0, BOUNDS.inlineBody).optional(),
});

export const routeSettings = group({
  match: untouched,
  via: oneOf('smtp', 'maildir', 'discard', 'lmtp', 'mx'),
  to: list(text(), { single: true, least: 1 }).optional(),
  tls: oneOf('off', 'opportunistic', 'require').optional(),
  tlsCa: text().optional(),
  balance: oneOf('order', 'round-robin').optional(),
  auth: group({ user: credentialLeaf, password: credentialLeaf }).optional(),
  source: addressLeaf.optional(),
  concurrency: integer(1, COUNT).optional(),
  rate: rateLeaf.optional(),
  allowLoopback: flag.optional(),
});

export const deliverySettings = group({
  mode: oneOf('queue', 'through').optional(),
  routes: list(routeSettings, { least: 1 }).optional(),
  retry: list(duration(1, BOUNDS.duration), { single: true, least: 1 }).optional(),
  expire: duration(1, BOUNDS.duration).optional(),
  holdExpire: duration(1, BOUNDS.duration).optional(),
  holdExpired: oneOf('notify', 'discard').optional(),
  timeouts: group({
    connect: wait,
    greeting: wait,
    command: wait,
    tls: wait,
    mail: wait,
    rcpt: wait,
    data: wait,
    block: wait,
    dot: wait,
  }).optional(),
  notifyDelay: duration(0, BOUNDS.duration).optional(),
  dsn: group({
    return: oneOf('headers', 'full').optional(),
    maxSize: size(0, BOUNDS.returned).optional(),
  }).optional(),
  concurrency: group({
    total: integer(1, COUNT).optional(),
    perDestination: integer(1, COUNT).optional(),
  }).optional(),
});

/** `delivery` as written. */
export type DeliverySettings = z.output<typeof deliverySettings>;
/** One route as written. */
export type RouteSettings = z.output<typeof routeSettings>;
