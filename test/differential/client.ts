/** Plays the steps of a scenario over SMTP and writes the replies down. Ends when the other end closes. */
import { SmtpSession, stuffed, type Reply } from '../support/smtp-session.ts';
import type { Replied, Step } from './scenario.ts';

/** How one session went. */
export interface Played {
  readonly replies: readonly Replied[];
  readonly clientPort: number;
}

/** Connects to a loopback port, plays, and closes. */
export async function play(port: number, steps: readonly Step[]): Promise<Played> {
  const session = SmtpSession.open(port);
  const replies: Replied[] = [];
  const hear = async (to: string): Promise<Reply | null> => {
    try {
      const reply = await session.reply();
      replies.push({ to, lines: reply.lines });
      return reply;
    } catch (error) {
      if (!(error instanceof Error) || !/closed|ECONNRESET|EPIPE/.test(error.message)) throw error;
      replies.push({ to, lines: [] });
      return null;
    }
  };
  try {
    let going = (await hear('connect')) !== null;
    for (const step of steps) {
      if (!going) break;
      going = await take(session, step, hear);
    }
    return { replies, clientPort: session.localPort };
  } finally {
    session.drop();
  }
}

type Hear = (to: string) => Promise<Reply | null>;

/** False when the connection has ended. */
async function take(session: SmtpSession, step: Step, hear: Hear): Promise<boolean> {
  if (typeof step === 'string') {
    session.write(`${step}\r\n`);
    return (await hear(step)) !== null && !/^quit$/i.test(step);
  }
  if ('together' in step) {
    session.write(step.together.map((line) => `${line}\r\n`).join(''));
    for (const line of step.together) if ((await hear(line)) === null) return false;
    return true;
  }
  if ('drop' in step) return false;
  if ('tls' in step) {
    session.write('STARTTLS\r\n');
    const reply = await hear('STARTTLS');
    if (reply?.code === 220) await session.secure();
    return reply !== null;
  }
  session.write('DATA\r\n');
  const reply = await hear('DATA');
  if (reply?.code !== 354) return reply !== null;
  session.write('raw' in step ? step.raw : `${stuffed(step.content)}.\r\n`);
  return (await hear('content')) !== null;
}
