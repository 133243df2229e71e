/**
 * Replay: a filter hears every event in order, whenever it joins.
 *
 * Events of stages a filter is not configured for are withheld; at its next configured stage they are sent first, with their
 * macros. Sending the event of the stage that is happening and catching up on what was missed is therefore one walk: the first
 * answer that is not `continue` ends it and counts for the stage that is happening. Faults reject.
 */
import type { MilterConversation } from '#milter/client';
import type { EventName, Verdict } from '#milter/protocol';
import { isIP } from 'node:net';
import type { Origin, Recipient } from '#message';
import { clientHost, macrosOf, type MacroHost } from './macros.ts';
import type { SessionFacts } from './session.ts';
import type { StageName } from './settings.ts';

/** What a conversation has been told. */
export interface Told {
  connect: boolean;
  /** The origin whose greeting was told: a new EHLO, with new TLS or not, makes a new origin. */
  helo: Origin | null;
  /** Queue id of the message it is in. */
  mail: string | null;
  /** How many of the accepted recipients. */
  recipients: number;
  /** The recipient on offer was told. */
  candidate: boolean;
  data: boolean;
  forgetMessage(): void;
}

/** A new conversation knows nothing. */
export function nothingTold(): Told {
  return {
    connect: false,
    helo: null,
    mail: null,
    recipients: 0,
    candidate: false,
    data: false,
    forgetMessage() {
      this.mail = null;
      this.recipients = 0;
      this.candidate = false;
      this.data = false;
    },
  };
}

/** The event that was answered last, and how. */
export interface Heard {
  readonly event: EventName;
  readonly verdict: Verdict;
  /** The event was a recipient that everybody had accepted before this filter was asked. */
  readonly missed: boolean;
}

const ORDER: readonly StageName[] = ['connect', 'ehlo', 'auth', 'mail', 'rcpt', 'data'];

/** Tells everything due up to and including `stage`; ends early at the first verdict that is not `continue`. */
export async function tellUpTo(
  stage: StageName,
  conversation: MilterConversation,
  told: Told,
  facts: SessionFacts,
  host: MacroHost,
): Promise<Heard> {
  const reached = ORDER.indexOf(stage);
  let heard: Heard = { event: 'connect', verdict: { kind: 'continue' }, missed: false };
  for (;;) {
    const next = nextEvent(reached, told, facts);
    if (!next) return heard;
    const waiting = tell(next, conversation, told, facts, host);
    const verdict = waiting instanceof Promise ? await waiting : waiting;
    const missed = next.event === 'rcpt' && next.recipient !== facts.candidate;
    heard = { event: next.event, verdict, missed };
    if (heard.verdict.kind !== 'continue' && heard.verdict.kind !== 'skip') return heard;
  }
}

type Next =
  | { readonly event: 'connect' | 'helo' | 'mail' | 'data' }
  | { readonly event: 'rcpt'; readonly recipient: Recipient };

function nextEvent(
  reached: number,
  told: Told,
  { origin, transaction, candidate }: SessionFacts,
): Next | null {
  if (!told.connect) return { event: 'connect' };
  if (reached >= 1 && origin.heloVerb !== '' && !sameGreeting(told.helo, origin)) return { event: 'helo' };
  if (reached < 3 || !transaction) return null;
  if (told.mail !== transaction.id) return { event: 'mail' };
  if (reached < 4) return null;
  const missed = transaction.recipients[told.recipients];
  if (missed) return { event: 'rcpt', recipient: missed };
  if (candidate && !told.candidate) return { event: 'rcpt', recipient: candidate };
  return reached === 5 && !told.data ? { event: 'data' } : null;
}

/** AUTH makes a new origin without a new greeting: that alone is not told again. */
const sameGreeting = (told: Origin | null, now: Origin): boolean =>
  told !== null && told.helo === now.helo && told.heloVerb === now.heloVerb && told.tls === now.tls;

function tell(
  next: Next,
  conversation: MilterConversation,
  told: Told,
  facts: SessionFacts,
  host: MacroHost,
): Verdict | Promise<Verdict> {
  const { origin, transaction } = facts;
  const macros = macrosOf(facts, host, next.event === 'rcpt' ? next.recipient : null);
  switch (next.event) {
    case 'connect':
      told.connect = true;
      return conversation.connect(clientFacts(origin), macros);
    case 'helo':
      told.helo = origin;
      return conversation.helo(origin.helo, macros);
    case 'mail':
      told.forgetMessage();
      told.mail = transaction!.id;
      return conversation.mail(transaction!.sender.raw, transaction!.senderParams, macros);
    case 'rcpt':
      if (next.recipient === facts.candidate) told.candidate = true;
      else told.recipients++;
      return conversation.rcpt(next.recipient.path.raw, next.recipient.params, macros);
    case 'data':
      told.data = true;
      return conversation.data(macros);
  }
}

/** The CONNECT event's facts (milter reference 8). */
function clientFacts(origin: Origin): {
  host: string;
  family: 'U' | 'L' | '4' | '6';
  port: number;
  address: string;
} {
  const { remoteAddress: address, remotePort: port } = origin;
  const version = isIP(address);
  if (version === 0) return { host: 'localhost', family: 'L', port: 0, address };
  return { host: clientHost(origin), family: version === 4 ? '4' : '6', port, address };
}
