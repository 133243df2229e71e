/**
 * The shape of the whole configuration, every key of the contract, in all its encodings.
 *
 * What it gives (Settings) is checked value by value but not yet as a whole: resolve.ts puts defaults that depend on others
 * in, and unsupported.ts refuses what this version cannot do yet. No key is ever ignored.
 */
import type { z } from 'zod';
import { BOUNDS } from './defaults.ts';
import { adminSettings } from './schema-admin.ts';
import { deliverySettings, spoolSettings } from './schema-delivery.ts';
import { dnsSettings } from './schema-dns.ts';
import { journalSettings } from './schema-journal.ts';
import { duration, group, integer, list, oneOf, text } from './leaves.ts';
import { sheddingSettings } from './schema-limits.ts';
import { listenerSettings } from './schema-listeners.ts';
import { milterSettings } from './schema-milters.ts';
import { nameLeaf, passwordLeaf, senderLeaf } from './users.ts';

/** `tls`: paths of PEM files. */
export const tlsSettings = group({
  certificate: text(),
  key: text(),
  clientCa: text().optional(),
  certificates: list(group({ certificate: text(), key: text() })).optional(),
  minVersion: oneOf('TLSv1.2', 'TLSv1.3').optional(),
});

/** The document as a whole. */
export const settingsSchema = group({
  hostname: text().optional(),
  stateDir: text().optional(),
  workers: integer(1, BOUNDS.workers).optional(),
  drain: duration(0, BOUNDS.drain).optional(),
  listeners: list(listenerSettings, { least: 1 }).optional(),
  tls: tlsSettings.optional(),
  users: list(
    group({ name: nameLeaf, password: passwordLeaf, senders: list(senderLeaf, { single: true }).optional() }),
  ).optional(),
  usersFile: text().optional(),
  milters: list(milterSettings).optional(),
  spool: spoolSettings.optional(),
  delivery: deliverySettings.optional(),
  dns: dnsSettings.optional(),
  shedding: sheddingSettings.optional(),
  admin: adminSettings.optional(),
  journal: journalSettings.optional(),
  log: group({
    level: oneOf('debug', 'info', 'warn', 'error').optional(),
    format: oneOf('json', 'pretty').optional(),
  }).optional(),
});

/** A configuration whose every value is right by itself. */
export type Settings = z.output<typeof settingsSchema>;
