/**
 * The shape of `milters[]`: the MtaMilter object of the specification, field for field, and the extensions of the contract.
 * Both encodings load: arrays and "30s" (0.15), keyed objects and whole milliseconds (0.16).
 */
import type { z } from 'zod';
import { canonicalAddress, isHostName } from './address.ts';
import { BOUNDS } from './defaults.ts';
import { Problem, shown } from './diagnostics.ts';
import {
  duration,
  flag,
  group,
  integer,
  integerOrUnset,
  oneOf,
  size,
  text,
  untouched,
  wordSet,
} from './leaves.ts';

/** The moments at which a filter can be asked, in their order (the specification's words). */
export const STAGES = ['connect', 'ehlo', 'auth', 'mail', 'rcpt', 'data'] as const;

const wait = duration(1, BOUNDS.duration);

/** A host name or address; IPv6 with or without brackets. */
const host = text((value) => {
  const bare = /^\[(.*:.*)\]$/.exec(value)?.[1] ?? value;
  const address = canonicalAddress(bare);
  if (address !== null) return address;
  if (isHostName(value)) return value.toLowerCase();
  return new Problem(
    `${shown(value)} is no host name or address`,
    'write one such as 127.0.0.1; the port has its own key',
  );
});

const name = text((value) =>
  value.length <= 64 && /^[^\s\p{C}]+(?: [^\s\p{C}]+)*$/u.test(value)
    ? value
    : new Problem(`${shown(value)} is not a name`, 'use up to 64 characters without line ends'),
);

/** Flags of the OPTNEG offer; null means unset, as in 0.16. */
const flags = integerOrUnset(0, 0xffff_ffff);

export const milterSettings = group({
  name: name.optional(),
  hostname: host.optional(),
  port: integer(1, 65_535).optional(),
  socket: text().optional(),
  stages: wordSet(...STAGES).optional(),
  enable: untouched.optional(),
  useTls: flag.optional(),
  tlsCa: text().optional(),
  tlsCertificate: text().optional(),
  tlsKey: text().optional(),
  tlsServerName: host.optional(),
  allowInvalidCerts: flag.optional(),
  timeoutConnect: wait.optional(),
  timeoutCommand: wait.optional(),
  timeoutData: wait.optional(),
  timeoutMessage: duration(0, BOUNDS.duration).optional(),
  tempFailOnError: flag.optional(),
  onError: oneOf('tempfail', 'reject', 'accept', 'quarantine').optional(),
  maxResponseSize: size(1, BOUNDS.size).optional(),
  protocolVersion: oneOf('v2', 'v6').optional(),
  flagsAction: flags.optional(),
  flagsProtocol: flags.optional(),
  input: oneOf('chained', 'original').optional(),
  reuse: flag.optional(),
  pipeline: flag.optional(),
  parallel: flag.optional(),
  nudge: flag.optional(),
});

/** One milter as written. */
export type MilterSettings = z.output<typeof milterSettings>;
