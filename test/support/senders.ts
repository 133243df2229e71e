/**
 * Senders: sessions that send messages one after another and write down in the ledger what they were told. When a
 * connection is lost they open another, as long as they are wanted; what was under way stays `unknown`.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { hashOf, type Ledger, type Verdict } from './ledger.ts';
import type { Random } from './random.ts';
import { SmtpSession, type Reply } from './smtp-session.ts';
import { pause } from './wait.ts';

/** What to send and how. */
export interface SendersSetup {
  readonly port: number;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly sessions: number;
  /** Bytes of a message, smallest and largest. */
  readonly size: readonly [number, number];
  /** Recipients of a message, fewest and most. */
  readonly recipients: readonly [number, number];
  /** Domain of recipients. */
  readonly domain: string;
}

/** Runs sessions until `stop`. Replies that no rule foresees are collected in `surprises`. */
export class Senders {
  readonly surprises: string[] = [];
  readonly #setup: SendersSetup;
  readonly #tasks: Promise<void>[];
  #wanted = true;
  #number = 0;

  constructor(setup: SendersSetup) {
    this.#setup = setup;
    this.#tasks = Array.from({ length: setup.sessions }, () => this.#session());
  }

  /** Lets every session finish the message it is at, then ends them. */
  async stop(): Promise<void> {
    this.#wanted = false;
    await Promise.all(this.#tasks);
  }

  async #session(): Promise<void> {
    while (this.#wanted) {
      let session: SmtpSession | undefined;
      try {
        session = await SmtpSession.greeted(this.#setup.port);
        while (this.#wanted) await this.#message(session);
        await session.quit();
      } catch {
        // Killed, or not up again yet: what the sender knows is in the ledger. Try again shortly.
        session?.drop();
        await pause(20);
      }
      await nextTurn();
    }
  }

  async #message(session: SmtpSession): Promise<void> {
    const { ledger, random, domain } = this.#setup;
    this.#number += 1;
    const id = `m${this.#number}x${random.whole(0, 0xffffff).toString(16)}`;
    const count = random.whole(...this.#setup.recipients);
    const recipients = Array.from({ length: count }, (_, i) => `r${i}.${id}@${domain}`);
    const content = compose(id, recipients, random.whole(...this.#setup.size));
    await ledger.sending(id, hashOf(content), recipients);
    const tell = async (whom: readonly string[], reply: Reply): Promise<void> => {
      const verdict: Verdict = reply.code < 400 ? 'acked' : 'refused';
      if (verdict === 'refused' && reply.code !== 421) this.surprises.push(reply.lines.join(' / '));
      await ledger.told(id, whom, verdict, reply.code);
      if (reply.code === 421) throw new Error('the server ends this session');
    };
    const mail = await session.command(`MAIL FROM:<${id}@load.test>`);
    if (mail.code !== 250) return tell(recipients, mail);
    const accepted: string[] = [];
    for (const recipient of recipients) {
      const rcpt = await session.command(`RCPT TO:<${recipient}>`);
      if (rcpt.code === 250) accepted.push(recipient);
      else if (rcpt.code === 421) await tell(recipients, rcpt);
      else await tell([recipient], rcpt);
    }
    const { at, reply } = await finish(session, content);
    await tell(accepted, reply);
    if (at === 'data') await session.command('RSET');
  }
}

async function finish(
  session: SmtpSession,
  content: string,
): Promise<{ readonly at: 'data' | 'end'; readonly reply: Reply }> {
  const data = await session.command('DATA');
  if (data.code !== 354) return { at: 'data', reply: data };
  // The text has no line that begins with a dot, so there is nothing to stuff.
  session.write(content + '.\r\n');
  return { at: 'end', reply: await session.reply() };
}

/** A message of about `size` bytes that carries its id in a field and in its body. */
function compose(id: string, recipients: readonly string[], size: number): string {
  const header =
    `From: <${id}@load.test>\r\nTo: ${recipients.map((r) => `<${r}>`).join(',\r\n ')}\r\nSubject: message ${id}\r\n` +
    `Date: Mon, 06 Jan 2025 10:00:00 +0000\r\nMessage-ID: <${id}@load.test>\r\nX-Test-Id: ${id}\r\n\r\n`;
  const line = `${id} the quick brown fox jumps over the lazy dog and runs on to the mill\r\n`;
  return header + line.repeat(Math.max(1, Math.ceil((size - header.length) / line.length)));
}
