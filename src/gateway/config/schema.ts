/**
 * The shape of the whole configuration, every key of the contract, in all its encodings.
 *
 * What it gives (Settings) is checked value by value but not yet as a whole: resolve.ts puts defaults that depend on others
 * in, and unsupported.ts refuses what this version cannot do yet. No key is ever ignored.
 */
import type { z } from 'zod';
import { deliverySettings, spoolSettings } from './schema-delivery.ts';
import { group, list, oneOf, text, untouched } from './leaves.ts';
import { listenerSettings } from './schema-listeners.ts';
import { milterSettings } from './schema-milters.ts';

/** `tls`: paths of PEM files. */
export const tlsSettings = group({ certificate: text(), key: text(), clientCa: text().optional() });

/** The document as a whole. */
export const settingsSchema = group({
  hostname: text().optional(),
  stateDir: text().optional(),
  listeners: list(listenerSettings, { least: 1 }).optional(),
  tls: tlsSettings.optional(),
  users: list(group({ name: text(), password: untouched })).optional(),
  milters: list(milterSettings).optional(),
  spool: spoolSettings.optional(),
  delivery: deliverySettings.optional(),
  admin: group({
    bind: list(text(), { single: true, least: 1 }).optional(),
    token: untouched.optional(),
  }).optional(),
  log: group({
    level: oneOf('debug', 'info', 'warn', 'error').optional(),
    format: oneOf('json', 'pretty').optional(),
  }).optional(),
});

/** A configuration whose every value is right by itself. */
export type Settings = z.output<typeof settingsSchema>;
