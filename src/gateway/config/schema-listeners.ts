/** The shape of `listeners[]`: where mail comes in, who may relay, and the limits of one door. */
import type { z } from 'zod';
import { parseBind, parseNetwork } from './address.ts';
import { BOUNDS } from './defaults.ts';
import { Problem, shown } from './diagnostics.ts';
import { flag, group, integer, list, oneOf, size, text } from './leaves.ts';
import { limitSettings } from './schema-limits.ts';
import { recipientsSettings } from './schema-recipients.ts';

const COUNT = 1_000_000;

/** A domain that mail may be relayed to: one exact name, no wildcard. */
const domain = text((value) => {
  if (value.length <= 255 && /^(?!\.)(?:\[[0-9A-Za-z:.]+\]|[\w\u0080-\uffff.-]+)(?<!\.)$/.test(value))
    return value;
  return new Problem(`${shown(value)} is not a domain`, 'write each domain by itself, such as example.org');
});

/** The word that expressions and logs know the listener by. */
const name = text((value) =>
  /^[\w.@-]{1,64}$/.test(value)
    ? value
    : new Problem(
        `${shown(value)} is not a name`,
        'use up to 64 letters, digits, dots, hyphens and underscores',
      ),
);

export const listenerSettings = group({
  name,
  bind: list(text(parseBind), { single: true, least: 1 }),
  protocol: oneOf('smtp', 'lmtp').optional(),
  dsn: flag.optional(),
  tls: oneOf('off', 'starttls', 'require', 'implicit').optional(),
  clientCertificates: oneOf('off', 'ask', 'require').optional(),
  auth: oneOf('off', 'optional', 'required').optional(),
  insecureAuth: flag.optional(),
  relay: group({
    networks: list(text(parseNetwork), { single: true }).optional(),
    domains: list(domain, { single: true }).optional(),
    recipients: recipientsSettings.optional(),
    callAhead: flag.optional(),
  }).optional(),
  trustedProxies: list(text(parseNetwork), { single: true }).optional(),
  xclient: list(text(parseNetwork), { single: true }).optional(),
  maxMessageSize: size(1, BOUNDS.size).optional(),
  maxRecipients: integer(1, COUNT).optional(),
  maxConnections: integer(1, COUNT).optional(),
  maxConnectionsPerClient: integer(1, COUNT).optional(),
  bareLineEnds: oneOf('reject', 'normalise').optional(),
  refuseEarlyTalkers: flag.optional(),
  limits: limitSettings.optional(),
});

/** One listener as written. */
export type ListenerSettings = z.output<typeof listenerSettings>;
