/** The way of an accepted entry to a delivery that runs in this process: leased at birth, handed over in memory. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '#clock';
import type { Delivery } from '#delivery';
import type { HandOver } from '#intake';
import { LEASE_MS } from '#delivery';

/** Hands entries to `delivery`; what it has no room for is committed queued and found by its next look. */
export function handOverTo(delivery: Delivery, owner: string, clock: Clock): HandOver {
  const prefix = randomBytes(6).toString('hex');
  let count = 0;
  return {
    lease() {
      if (!delivery.hasRoom()) return null;
      return { owner, token: `${prefix}${(count++).toString(36)}`, until: clock.now() + LEASE_MS };
    },
    accepted(meta, content) {
      if (meta.lease) delivery.offer(meta, content);
      else delivery.wake();
    },
  };
}
