/**
 * Asks a next hop whether it would take a recipient: MAIL from nobody, RCPT, and no content.
 *
 * One question over a connection that has no transaction open; afterwards it is good for QUIT only. The answer is the hop's reply to RCPT; what it says before that
 * concerns the host or the null sender and proves nothing about the recipient, and neither does trouble with the connection.
 * Never throws for anything the peer does.
 */
import { bodyOf, status } from '#message';
import type { Status } from '#message';
import { planTransaction } from './commands.ts';
import type { OutgoingMessage } from './commands.ts';
import type { Extensions } from './extensions.ts';
import type { Timeouts } from './options.ts';
import { statusOfFault } from './trouble.ts';
import type { Wire } from './wire.ts';

/** `answer`: the reply to RCPT. `trouble`: why there is none. */
export type Inquiry =
  | { readonly kind: 'answer'; readonly reply: Status }
  | { readonly kind: 'trouble'; readonly trouble: Status };

/** Asks about one address (byte string, without brackets). One that cannot be sent in a command is answered here. */
export async function inquire(
  wire: Wire,
  ext: Extensions,
  address: string,
  timeouts: Timeouts,
): Promise<Inquiry> {
  const { mail, rcpts, refused } = planTransaction(
    emptyMessageTo(address),
    { ...ext, size: false, maxSize: 0, dsn: false },
    wire.by,
  );
  if (refused[0]) return { kind: 'answer', reply: refused[0] };
  try {
    wire.command(mail, 1);
    const sender = await wire.reply(timeouts.mail);
    if (sender.code >= 300) return trouble(sender);
    wire.command(rcpts[0]!, 1);
    const reply = await wire.reply(timeouts.rcpt);
    if (reply.code === 421 || (reply.code >= 300 && reply.code < 400)) return trouble(reply);
    return { kind: 'answer', reply };
  } catch (cause) {
    wire.destroy();
    return { kind: 'trouble', trouble: statusOfFault(cause, wire.by) };
  }
}

function trouble({ code, text, by }: Status): Inquiry {
  return { kind: 'trouble', trouble: status(451, '4.4.0', `${code} ${text}`, by) };
}

const emptyMessageTo = (address: string): OutgoingMessage => ({
  sender: '',
  senderParams: [],
  recipients: [{ address, params: [] }],
  header: new Uint8Array(),
  body: bodyOf([]),
  size: 0,
});
