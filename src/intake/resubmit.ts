/**
 * AGAIN THROUGH THE CHAIN: a message from the spool is shown to the filters as if its client brought it once more.
 *
 * Called for held entries that an operator lets go. The filters hear what is still known of the client, the envelope, and the
 * message as it lies in the spool, our own trace field left out; there is no client to answer, so a refusal is the result.
 * Changes nothing in the spool: who called decides what becomes of the entry. Rejects when the body cannot be read.
 */
import { HeaderField, HeaderSplitter, pathOf, type Origin, type Status } from '#message';
import type { EntryContent, EntryMeta, EntryRecipient, NewEntry } from '#spool';
import { Chain, type Awaitable, type Ruling, type StageSurroundings } from '#stages';
import { newEntry } from './entry.ts';

/** What the filters said. */
export type Resubmission =
  /** The entry to be queued, their edits in it. */
  | { readonly kind: 'pass'; readonly entry: NewEntry }
  | { readonly kind: 'hold'; readonly reason: string; readonly by: string }
  | { readonly kind: 'refuse'; readonly status: Status }
  | { readonly kind: 'discard'; readonly by: string };

/** A message to be shown again. */
export interface Resubmitted {
  readonly entry: EntryMeta;
  readonly content: EntryContent;
  /** Those of its recipients that it is to go to. */
  readonly recipients: readonly EntryRecipient[];
  /** The id it is to have from now on. */
  readonly id: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** Milliseconds from now on after which it is given up. */
  readonly expire: number;
}

/** Asks the filters of `around`, all of them, from CONNECT to the end of the message. */
export async function resubmit(around: StageSurroundings, what: Resubmitted): Promise<Resubmission> {
  const origin = originOf(what.entry, what.id);
  const chain = new Chain(around, origin);
  try {
    return (
      (await envelopeRefused(chain, origin, what)) ??
      (await contentRuling(chain, origin, around.hostname, what))
    );
  } finally {
    chain.close();
  }
}

/** The envelope stages in their order; null when nobody minds. */
async function envelopeRefused(
  chain: Chain,
  origin: Origin,
  { entry, recipients, id }: Resubmitted,
): Promise<Resubmission | null> {
  const steps: readonly (() => Awaitable<Ruling>)[] = [
    () => chain.connect(),
    () => chain.helo(origin),
    ...(origin.user === '' ? [] : [() => chain.auth(origin)]),
    () => chain.mail(id, pathOf(entry.sender), entry.senderParams),
    ...recipients.map((r) => () => chain.rcpt({ path: pathOf(r.address), params: r.params })),
    () => chain.data(),
  ];
  for (const step of steps) {
    const ruling = await step();
    if (ruling.kind !== 'pass') return ruling;
  }
  return null;
}

async function contentRuling(
  chain: Chain,
  origin: Origin,
  hostname: string,
  what: Resubmitted,
): Promise<Resubmission> {
  const { entry, content, recipients, id, now, expire } = what;
  const filters = chain.content();
  const fields = fieldsOf(content.header, hostname);
  await filters.fields(fields.filter((field) => !field.own));
  const messageId = fields.find((field) => field.key === 'message-id')?.text() ?? '';
  await filters.endOfHeaders(messageId);
  for await (const chunk of content.body.read()) await filters.body(chunk);
  const envelope = {
    sender: pathOf(entry.sender),
    senderParams: entry.senderParams,
    recipients: recipients.map((r) => ({ path: pathOf(r.address), params: r.params })),
  };
  const ruling = await filters.finish({ envelope, fields, body: content.body, quarantine: null });
  if (ruling.kind !== 'pass') return ruling;
  const { quarantine } = ruling.message;
  if (quarantine) return { kind: 'hold', ...quarantine };
  const made = newEntry(ruling.message, { id, origin, now, expire, lease: null });
  // It is the message it was: where it came from and when does not change.
  const { origin: from, receivedAt, delayTold } = entry;
  const meta = { ...made.meta, origin: from, receivedAt, due: now, ...(delayTold && { delayTold }) };
  return { kind: 'pass', entry: { ...made, meta } };
}

/** The header as fields; our own trace field, the first that says so, is marked as such again. */
function fieldsOf(header: Uint8Array, hostname: string): readonly HeaderField[] {
  const fields: HeaderField[] = [];
  const splitter = new HeaderSplitter();
  splitter.push(header, fields);
  splitter.end(fields);
  const ours = ` by ${hostname} (Millrace) with `;
  const at = fields.findIndex((field) => field.key === 'received' && wordsOf(field).includes(ours));
  if (at < 0) return fields;
  const { raw, name, valueStart } = fields[at]!;
  return fields.with(at, new HeaderField(raw, name, valueStart, true));
}

const wordsOf = (field: HeaderField): string => field.text().replace(/\s+/g, ' ');

/** What is still known of the client. */
function originOf({ origin }: EntryMeta, id: string): Origin {
  const { listener, clientAddress, clientName, helo, user, localPort } = origin;
  return {
    listener,
    protocol: 'smtp',
    session: id,
    remoteAddress: clientAddress,
    remotePort: 0,
    localAddress: '',
    localPort,
    clientName,
    clientPtr: clientName,
    helo,
    heloVerb: helo === '' ? '' : 'EHLO',
    tls: null,
    user,
    authMethod: '',
    clientConnections: 1,
  };
}
