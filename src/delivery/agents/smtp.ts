/**
 * Delivers to an SMTP or LMTP next hop through a pool of connections. What the hop said about each recipient is the outcome.
 *
 * A hop that does not offer DSN will not tell the sender of success: the outcome says so (RFC 3461 5.2.2). What an LMTP hop
 * takes lies in a mailbox, what an SMTP hop takes was passed on.
 */
import { SmtpPool } from '#smtp/client';
import type { Answered, PoolOptions } from '#smtp/client';
import type { Agent, Attempt, Outcome, Success } from '../agent.ts';

/** One pool, one agent; give the same agent to every route with the same next hops. */
export function makeSmtpAgent(options: PoolOptions): Agent {
  const pool = new SmtpPool(options);
  const taken: Success = options.protocol === 'lmtp' ? 'delivered' : 'relayed';
  return {
    deliver: (attempt) => sendThrough(pool, attempt, taken),
    close: () => pool.close(),
  };
}

/** Hands the message to a pool for the recipients of the attempt. `taken`: what it means to a sender who asked that a hop took it. */
export async function sendThrough(
  pool: SmtpPool,
  attempt: Attempt,
  taken: Success,
): Promise<readonly Outcome[]> {
  const { entry, recipients, signal } = attempt;
  const { header, body } = await attempt.content();
  const { sender, senderParams, size } = entry;
  const message = { sender, senderParams, recipients, header, body, size };
  if (recipients.every((r) => r.params.length === 0)) {
    let there = false;
    const statuses = await pool.send(message, signal, () => (there = true));
    return recipients.map(({ address }, i) => {
      const status = statuses[i]!;
      return there ? { address, status } : { address, status, unreached: true };
    });
  }
  const success: (Success | undefined)[] = [];
  let there = false;
  const answered: Answered = (i, { dsn }) => {
    there = true;
    success[i] = dsn ? undefined : taken;
  };
  const statuses = await pool.send(message, signal, answered);
  return recipients.map(({ address }, i) => {
    const status = statuses[i]!;
    if (!there) return { address, status, unreached: true };
    return success[i] ? { address, status, success: success[i] } : { address, status };
  });
}
