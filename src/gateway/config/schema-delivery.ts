/** The shape of `spool` and `delivery`: where accepted mail waits, and where it goes. */
import type { z } from 'zod';
import { BOUNDS } from './defaults.ts';
import { duration, group, integer, list, oneOf, size, text, untouched } from './leaves.ts';

const COUNT = 100_000;

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
});

export const deliverySettings = group({
  mode: oneOf('queue', 'through').optional(),
  routes: list(routeSettings, { least: 1 }).optional(),
  retry: list(duration(1, BOUNDS.duration), { single: true, least: 1 }).optional(),
  expire: duration(1, BOUNDS.duration).optional(),
  notifyDelay: duration(0, BOUNDS.duration).optional(),
  concurrency: group({
    total: integer(1, COUNT).optional(),
    perDestination: integer(1, COUNT).optional(),
  }).optional(),
});

/** `delivery` as written. */
export type DeliverySettings = z.output<typeof deliverySettings>;
/** One route as written. */
export type RouteSettings = z.output<typeof routeSettings>;
