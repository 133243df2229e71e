/**
 * The log line of a message: everything an operator asks for, in one place, the same words for accepted, refused and discarded.
 *
 * One line a message, and one for each sender and each recipient refused before a filter saw it. Text is as strangers sent it: the sink
 * neutralises and cuts it. Long recipient lists are cut here. Makes no object but the line's own.
 */
import type { EditableMessage } from '#edits';
import { parameter, statusLine, type Origin, type Path, type Recipient, type Status } from '#message';
import type { NoticeFields } from '#notices';
import type { EntryMeta } from '#spool';
import type { Chain, Transaction } from '#stages';
import { forwardedFacts } from './forwarded.ts';

/** Recipients that are named in a line; `recipients` counts all. */
const MAX_NAMED = 20;

/** From whom, and to whom. */
interface Ends {
  readonly from: string | undefined;
  /** The first of them. */
  readonly to: readonly string[];
  readonly recipients: number;
}

/** What is said of a message whatever became of it. `now` as Clock.elapsed; `transaction` when it is not open any more. */
function factsOf(
  origin: Origin,
  chain: Chain,
  now: number,
  ends?: Ends,
  transaction = chain.transaction,
): NoticeFields {
  const { from, to, recipients } = ends ?? endsOf(transaction);
  const { id, began = now } = transaction ?? {};
  return {
    id,
    session: origin.session,
    from,
    to,
    recipients,
    client: origin.remoteAddress,
    name: origin.clientName || undefined,
    helo: origin.helo,
    tls: origin.tls?.version,
    user: origin.user || undefined,
    proxy: origin.proxy,
    forwarded: forwardedFacts(origin.forwarded),
    listener: origin.listener,
    filters: chain.record,
    ms: Math.round(now - began),
  };
}

/** The line of a message that is in the spool: its recipients and sender are those it was queued with. */
export function acceptedFacts(meta: EntryMeta, origin: Origin, chain: Chain, now: number): NoticeFields {
  const { sender, recipients } = meta;
  const to = few(recipients).map((r) => r.address);
  const facts = factsOf(origin, chain, now, { from: sender, to, recipients: recipients.length });
  facts['size'] = meta.size;
  facts['held'] = meta.hold?.reason;
  facts['by'] = meta.hold?.by;
  return facts;
}

/** The line of a message that a next hop took, `replies` for the client: of one that refused some recipients, too. */
export function passedFacts(
  { envelope, body }: EditableMessage,
  replies: readonly Status[],
  origin: Origin,
  chain: Chain,
  now: number,
): NoticeFields {
  const facts = factsOf(origin, chain, now, endsOf(envelope));
  facts['body'] = body.size;
  facts['replies'] = [...new Set(replies.map(statusLine))].slice(0, MAX_NAMED);
  facts['by'] = replies[0]?.by;
  return facts;
}

/** The line of a message that was refused after its content. */
export function refusedFacts(reply: Status, origin: Origin, chain: Chain, now: number): NoticeFields {
  const facts = factsOf(origin, chain, now);
  facts['code'] = reply.code;
  facts['enhanced'] = reply.enhanced;
  facts['text'] = reply.text;
  facts['by'] = reply.by;
  return facts;
}

/** The line of a message that a filter ordered thrown away. `transaction`: of one that was before its content came. */
export function discardedFacts(
  by: string,
  origin: Origin,
  chain: Chain,
  now: number,
  transaction?: Transaction,
): NoticeFields {
  const facts = factsOf(origin, chain, now, undefined, transaction);
  facts['by'] = by;
  return facts;
}

/** The line of a recipient that was refused without asking a filter. */
export function refusedRecipientFacts(to: string, reply: Status, origin: Origin, chain: Chain): NoticeFields {
  const { id, sender } = chain.transaction ?? {};
  return { id, session: origin.session, from: sender?.address, to, ...refusalOf(reply, origin) };
}

/** The line of a sender that was refused without asking a filter; there is no transaction. */
export function refusedSenderFacts(
  from: string,
  params: readonly string[],
  reply: Status,
  origin: Origin,
): NoticeFields {
  const size = parameter(params, 'SIZE');
  return { session: origin.session, from, size, ...refusalOf(reply, origin) };
}

/** Who was told what. */
function refusalOf({ code, enhanced, text }: Status, origin: Origin): NoticeFields {
  return {
    client: origin.remoteAddress,
    helo: origin.helo,
    user: origin.user || undefined,
    listener: origin.listener,
    code,
    enhanced,
    text,
  };
}

function endsOf(of: { readonly sender: Path; readonly recipients: readonly Recipient[] } | null): Ends {
  if (of === null) return { from: undefined, to: [], recipients: 0 };
  const { sender, recipients } = of;
  return {
    from: sender.address,
    to: few(recipients).map((r) => r.path.address),
    recipients: recipients.length,
  };
}

const few = <T>(recipients: readonly T[]): readonly T[] =>
  recipients.length > MAX_NAMED ? recipients.slice(0, MAX_NAMED) : recipients;
