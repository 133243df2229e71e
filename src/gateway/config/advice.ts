/** What is allowed and seldom meant: warnings about filters that do not keep a configuration from being used. Pure. */
import { canonicalAddress } from './address.ts';
import type { MilterConfig } from './config.ts';
import { invalid, type DocPath, type Issue } from './diagnostics.ts';
import { isLoopback } from './schema-admin.ts';

/** Milliseconds in which a scanner may well not be done with a message. */
const SHORT_TIME = 10_000;

/** Warnings about one filter at its place. */
export function adviceFor(m: MilterConfig, path: DocPath): readonly Issue[] {
  const found: Issue[] = [];
  const warn = (key: string, message: string, remedy: string): void =>
    void found.push({ ...invalid([...path, key], message, remedy), severity: 'warning' });
  if (m.endpoint.kind === 'tcp' && m.endpoint.host !== '' && !m.tls && !isHere(m.endpoint.host))
    warn(
      'hostname',
      'mail goes over the network to this filter unencrypted',
      'add useTls: true, or make sure that nobody else is on this network',
    );
  if (m.tls?.allowInvalidCerts)
    warn(
      'allowInvalidCerts',
      'anybody on the way can pretend to be this filter',
      'name its authority with tlsCa in place of it',
    );
  if (m.stages.has('data') && m.timeoutData < SHORT_TIME)
    warn(
      'timeoutData',
      'is short for a filter that looks into messages',
      `write at least ${SHORT_TIME / 1000}s, or make sure that it is always that quick`,
    );
  return found;
}

function isHere(host: string): boolean {
  return host === 'localhost' || isLoopback(canonicalAddress(host) ?? host);
}
