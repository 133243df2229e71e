/** Delivers to an SMTP next hop through a pool of connections. What the hop said about each recipient is the outcome. */
import { SmtpPool } from '#smtp/client';
import type { PoolOptions } from '#smtp/client';
import type { Agent } from '../agent.ts';

/** One pool, one agent; give the same agent to every route with the same next hops. */
export function makeSmtpAgent(options: PoolOptions): Agent {
  const pool = new SmtpPool(options);
  return {
    async deliver(attempt) {
      const { entry, recipients, signal } = attempt;
      const { header, body } = await attempt.content();
      const { sender, senderParams, size } = entry;
      const statuses = await pool.send({ sender, senderParams, recipients, header, body, size }, signal);
      return recipients.map(({ address }, i) => ({ address, status: statuses[i]! }));
    },
    close: () => pool.close(),
  };
}
