/** The shape of `dns`: which name servers are asked, and how long for. */
import type { z } from 'zod';
import { canonicalAddress } from './address.ts';
import { DEFAULTS } from './defaults.ts';
import { Problem, shown } from './diagnostics.ts';
import { duration, group, list, text } from './leaves.ts';
import type { Seen } from './seen.ts';

/** How names are looked up. */
export interface DnsConfig {
  /** `192.0.2.1:53`, `[2001:db8::1]:53`, in the order to ask; empty: those of the machine. */
  readonly servers: readonly string[];
  /** Milliseconds for the first answer to one question; it is asked twice. */
  readonly timeout: number;
}

/** Bounds of `dns.timeout` in milliseconds. */
const SHORTEST = 100;
const LONGEST = 60_000;

/** An IP address, or one in brackets or IPv4 with a port. */
const serverLeaf = text((written): string | Problem => {
  const [, bracketed, plain, port = '53'] =
    /^(?:\[([^\]]+)\]|([^\s:[\]]+))(?::(\d{1,5}))?$/.exec(written) ?? [];
  const address = canonicalAddress(bracketed ?? plain ?? written);
  const number = Number(port);
  if (address !== null && number >= 1 && number <= 65_535)
    return address.includes(':') ? `[${address}]:${number}` : `${address}:${number}`;
  return new Problem(
    `${shown(written)} is no name server`,
    'write an IP address, with a port if it is not 53: 192.0.2.1, 127.0.0.1:5353 or [::1]:5353',
  );
});

export const dnsSettings = group({
  servers: list(serverLeaf, { single: true, least: 1 }).optional(),
  timeout: duration(SHORTEST, LONGEST).optional(),
});

/** `dns` with its defaults. */
export function resolveDns(dns: Seen<z.output<typeof dnsSettings>> | undefined): DnsConfig {
  return {
    servers: dns?.servers?.filter((server) => server !== undefined) ?? [],
    timeout: dns?.timeout ?? DEFAULTS.dns.timeout,
  };
}
