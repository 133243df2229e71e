/** Milter packets in words: the decoders of milter/protocol, made readable. Never throws. */
import {
  codeName,
  decodeAnswer,
  decodeEvent,
  flagNames,
  SMFIC,
  SMFIF,
  SMFIP,
  SMFIR,
  type Answer,
  type MilterEvent,
} from '#milter/protocol';
import type { Anomalies } from './anomalies.ts';
import type { PacketField } from './conversation.ts';
import { MAX_VALUE, readable } from './show.ts';
import type { TapeRecord } from './tape.ts';

/** A packet in words. */
export interface Shown {
  readonly code: string;
  readonly summary: string;
  readonly fields: readonly PacketField[];
  readonly note: string;
}

/** A packet of a milter conversation. `odd`: those before it in its lane. */
export function showMilter(record: TapeRecord, odd: Anomalies): Shown {
  const { sent, data, bytes } = record;
  const code = sent ? `SMFIC_${codeName(record.code, SMFIC)}` : `SMFIR_${codeName(record.code, SMFIR)}`;
  const hear = (event: MilterEvent | null, answer: Answer | null): string => {
    const heard = { code: record.code, bytes, event, answer };
    if (!sent) return readable(odd.received(heard));
    odd.sent(heard);
    return '';
  };
  if (data.length < bytes) return { code, summary: cutSummary(record), fields: [], note: hear(null, null) };
  let event: MilterEvent | null = null;
  let answer: Answer | null = null;
  try {
    const frame = { code: record.code, payload: data };
    if (sent) event = decodeEvent(frame);
    else answer = decodeAnswer(frame);
  } catch (error) {
    hear(null, null);
    const note = readable(error instanceof Error ? error.message : String(error));
    return { code, summary: `${bytes} bytes that cannot be read`, fields: [], note };
  }
  const [summary, fields] = event ? ofEvent(event) : ofAnswer(answer!);
  return { code, summary: readable(summary), fields, note: hear(event, answer) };
}

const cutSummary = ({ bytes, data }: TapeRecord): string => `${bytes} bytes, ${data.length} of them kept`;

type Words = readonly [summary: string, fields: readonly PacketField[]];

const field = (name: string, value: string | number): PacketField => ({
  name: readable(name),
  value: readable(String(value), MAX_VALUE),
});

function ofEvent(event: MilterEvent): Words {
  switch (event.kind) {
    case 'optneg':
      return negotiation('offers', event);
    case 'macro': {
      const names = event.pairs.map(([name]) => name).join(' ');
      return [
        `macros for ${event.event ?? 'an unknown event'}: ${names || 'none'}`,
        event.pairs.map(([n, v]) => field(n, v)),
      ];
    }
    case 'connect':
      return [
        `${event.host} ${event.address}`.trim(),
        [
          field('host', event.host),
          field('family', event.family),
          field('address', event.address),
          field('port', event.port),
        ],
      ];
    case 'helo':
      return [event.name, [field('name', event.name)]];
    case 'mail':
    case 'rcpt':
      return [
        [event.path, ...event.params].join(' '),
        [field('path', event.path), ...event.params.map((p) => field('parameter', p))],
      ];
    case 'header':
      return [`${event.name}: ${event.value}`, [field('name', event.name), field('value', event.value)]];
    case 'body':
      return [`${event.data.length} bytes of body`, []];
    case 'end':
      return [
        event.data.length > 0 ? `end of message, with ${event.data.length} bytes of body` : 'end of message',
        [],
      ];
    case 'unknown':
      return [event.line, [field('line', event.line)]];
    case 'data':
      return ['DATA', []];
    case 'eoh':
      return ['end of headers', []];
    case 'abort':
      return ['the message is over without a verdict', []];
    case 'quit':
      return ['farewell', []];
    case 'quitNc':
      return ['the next client has this connection', []];
  }
}

function ofAnswer(answer: Answer): Words {
  switch (answer.kind) {
    case 'optneg': {
      const [summary, fields] = negotiation('wants', answer);
      const lists = [...answer.macros].map(([stage, names]) => field(`macros at ${stage}`, names.join(' ')));
      return [summary, [...fields, ...lists]];
    }
    case 'progress':
      return ['still at work', []];
    case 'verdict': {
      const { verdict } = answer;
      if (verdict.kind === 'replycode') return [verdict.text, [field('reply', verdict.text)]];
      return [verdict.kind, []];
    }
    case 'edit':
      return ofEdit(answer.edit);
  }
}

function ofEdit(edit: Extract<Answer, { kind: 'edit' }>['edit']): Words {
  switch (edit.kind) {
    case 'addHeader':
      return [`adds ${edit.name}: ${edit.value}`, [field('name', edit.name), field('value', edit.value)]];
    case 'insertHeader':
    case 'changeHeader': {
      const does = edit.kind === 'insertHeader' ? 'inserts' : edit.value === '' ? 'deletes' : 'changes';
      const fields = [field('index', edit.index), field('name', edit.name), field('value', edit.value)];
      return [`${does} at ${edit.index} ${edit.name}: ${edit.value}`, fields];
    }
    case 'replaceBody': {
      const size = edit.chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      return [`${size} bytes of new body`, []];
    }
    case 'addRecipient':
    case 'deleteRecipient': {
      const does = edit.kind === 'addRecipient' ? 'adds' : 'deletes';
      return [`${does} recipient ${edit.address}`, [field('address', edit.address)]];
    }
    case 'changeSender':
      return [
        `changes the sender to ${edit.address}`,
        [field('address', edit.address), field('parameters', edit.params)],
      ];
    case 'quarantine':
      return [`quarantine: ${edit.reason}`, [field('reason', edit.reason)]];
  }
}

function negotiation(
  verb: string,
  {
    version,
    actions,
    protocol,
  }: { readonly version: number; readonly actions: number; readonly protocol: number },
): Words {
  const fields = [
    field('version', version),
    field('actions', flagNames(actions, SMFIF).join(' ')),
    field('protocol', flagNames(protocol, SMFIP).join(' ')),
  ];
  return [`${verb} version ${version}`, fields];
}
