/** What came of one message: decision, edits, and the message as it would be delivered. Values, computed when asked for. */
import { latin1, utf8Of, type HeaderField } from '#message';
import { parseReplyCode, type Edit, type EventName, type Verdict } from '#milter/protocol';
import type { Decision } from '#milter/filter';
import { applyTo, rawMessage, type Delivered } from './apply.ts';
import { diffLines } from './diff.ts';
import type { Mail } from './source.ts';

/** One frame of the conversation. `code` is its letter. */
export interface Packet {
  readonly from: 'mta' | 'filter';
  readonly code: string;
  readonly bytes: Uint8Array;
}

/** The resulting header; values are readable text, unfolded. */
export interface ResultHeaders extends Iterable<readonly [name: string, value: string]> {
  get(name: string): string | undefined;
  all(name: string): readonly string[];
}

/** See the head of the file. */
export interface Result {
  /** What happens to the message. When no recipient is left: the refusal of the last one. */
  readonly decision: Decision;
  /** The event at which it was decided; `end` when the message was taken. */
  readonly stage: EventName;
  readonly recipients: readonly { readonly address: string; readonly decision: Decision }[];
  /** As the filter sent them. */
  readonly edits: readonly Edit[];
  readonly headers: ResultHeaders;
  /** The whole message with all edits applied, without the MTA's own trace field. */
  readonly bytes: Uint8Array;
  readonly body: Uint8Array;
  /** The envelope with all edits applied, addresses without brackets. */
  readonly envelope: { readonly sender: string; readonly recipients: readonly string[] };
  /** The whole conversation so far. */
  readonly packets: readonly Packet[];
  /** Lines of the message before and after, marked; '' when nothing changed. */
  diff(): string;
}

/** Everything a Result is made of. */
export interface Ingredients {
  readonly decision: Decision;
  readonly stage: EventName;
  readonly recipients: Result['recipients'];
  readonly edits: readonly Edit[];
  readonly mail: Mail;
  readonly sender: string;
  readonly leadingSpace: boolean;
  readonly packets: readonly Packet[];
}

/** Makes a Result. */
export function resultOf(made: Ingredients): Result {
  const kept = made.recipients.filter((r) => r.decision.kind !== 'reject' && r.decision.kind !== 'tempfail');
  const envelope = { sender: made.sender, recipients: kept.map((r) => r.address) };
  let delivered: Delivered | null = null;
  const after = (): Delivered => (delivered ??= applyTo(made.mail, envelope, made.edits, made.leadingSpace));
  return {
    decision: made.decision,
    stage: made.stage,
    recipients: made.recipients,
    edits: made.edits,
    packets: made.packets,
    get headers() {
      return headersOf(after());
    },
    get bytes() {
      return rawMessage(after());
    },
    get body() {
      return after().body;
    },
    get envelope() {
      return { sender: after().sender, recipients: after().recipients };
    },
    diff: () =>
      diffLines(
        linesOf(rawMessage({ fields: plain(made.mail.fields), body: made.mail.body })),
        linesOf(rawMessage(after())),
      ),
  };
}

/** The decision a verdict (and a quarantine beside it) stands for. */
export function decisionOf(verdict: Verdict, edits: readonly Edit[] = []): Decision {
  switch (verdict.kind) {
    case 'accept':
    case 'continue':
    case 'skip': {
      const held = edits.find((e) => e.kind === 'quarantine');
      if (held) return { kind: 'quarantine', reason: utf8Of(held.reason) };
      return { kind: verdict.kind === 'accept' ? 'accept' : 'continue' };
    }
    case 'discard':
    case 'reject':
    case 'tempfail':
      return { kind: verdict.kind };
    case 'shutdown':
    case 'connfail':
      return { kind: 'tempfail' };
    case 'replycode': {
      const reply = parseReplyCode(verdict.text);
      if (reply === null) return { kind: 'tempfail' };
      const { code, enhanced, lines } = reply;
      return {
        kind: code >= 500 ? 'reject' : 'tempfail',
        reply: { code, enhanced, text: utf8Of(lines.join('\n')) },
      };
    }
  }
}

function headersOf({ fields }: Delivered): ResultHeaders {
  const pairs = fields.map((f) => [f.name, utf8Of(f.rest.replace(/\r\n(?=[ \t])/g, '').trim())] as const);
  const all = (name: string): string[] =>
    pairs.filter(([n]) => n.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  return { get: (name) => all(name)[0], all, [Symbol.iterator]: () => pairs[Symbol.iterator]() };
}

const plain = (fields: readonly HeaderField[]) =>
  fields.map((f) => ({ name: f.name, rest: latin1(f.value) }));

const linesOf = (raw: Uint8Array): string[] => utf8Of(latin1(raw)).split(/\r?\n/);
