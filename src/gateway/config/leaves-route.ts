/** Values that only routes have: rates, local addresses, what is said to a next hop that wants to know who we are. */
import { parseDuration } from '#clock';
import { byteStringOf } from '#message';
import { canonicalAddress } from './address.ts';
import { Problem, shown } from './diagnostics.ts';
import { leaf, text } from './leaves.ts';

/** Messages in a time. */
export interface RateConfig {
  readonly messages: number;
  /** Milliseconds. */
  readonly ms: number;
}

/** Bounds of a rate: messages, and the time they are counted over in milliseconds. */
const MAX_MESSAGES = 1_000_000;
const SHORTEST = 1000;
const LONGEST = 86_400_000;

/** `100/1m`. */
export const rateLeaf = text((written): RateConfig | Problem => {
  const [, count, time] = /^(\d{1,9})\s*\/\s*(\S+)$/.exec(written) ?? [];
  const messages = Number(count);
  const ms = parseDuration(time ?? '');
  if (ms !== null && messages >= 1 && messages <= MAX_MESSAGES && ms >= SHORTEST && ms <= LONGEST)
    return { messages, ms };
  return new Problem(
    `${shown(written)} is no rate`,
    `write messages and time such as 100/1m: 1 to ${MAX_MESSAGES} messages in 1s to 1d`,
  );
});

/** An IP address, canonical. */
export const addressLeaf = text((written): string | Problem => {
  const address = canonicalAddress(written);
  return address ?? new Problem(`${shown(written)} is not an IP address`, 'write an address of this machine');
});

/** Bytes of a user name or password. */
const MAX_CREDENTIAL = 1024;

/** A user name or password as a byte string; what stands there is never shown. */
export const credentialLeaf = leaf((value): string | Problem => {
  const bytes = typeof value === 'string' ? byteStringOf(value) : '';
  if (bytes !== '' && bytes.length <= MAX_CREDENTIAL && !bytes.includes('\0')) return bytes;
  return new Problem(
    'is no name or password that can be sent',
    `write a text of up to ${MAX_CREDENTIAL} bytes, in quotes if it looks like something else`,
  );
});
