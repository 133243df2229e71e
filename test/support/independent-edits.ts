/**
 * Random messages and, for each of a few filters, random edits that mean the same whether the filter saw the message as it came
 * or as the filters before it left it. Such filters are independent; for others the order of asking is part of what they ask for.
 *
 * What makes an edit depend on another filter, and how the generator keeps it from happening:
 * - "the n-th Subject": no two filters count the same name, and nobody adds a name that another one counts. A name that nobody
 *   counts may be added by all.
 * - "insert at n": only up to the first place that a filter before has shifted, or far behind the end. Shifted is what stands
 *   behind a field that was inserted or deleted; changing a field in its place and adding at the end shift nothing.
 * - the body: one filter at most replaces it.
 * Envelope and quarantine are orders that look at nothing, so every filter may give any.
 *
 * Bytes are written here by hand, so that the encoder of the gateway has no part in it.
 */
import fc from 'fast-check';
import { frame } from './house.ts';

/** One filter's part. */
export interface Part {
  /** Its answer to the option offer: the rights it needs, and no more; HDR_LEADSPC or not. */
  readonly offer: string;
  /** Its edits and its verdict, as they go over the wire. */
  readonly answer: string;
  /** Fields that only this filter adds, by their name, and how many of them. */
  readonly mark: string;
  readonly marks: number;
  /** For whoever reads a counterexample. */
  readonly edits: readonly string[];
}

/** A message and what the filters make of it. */
export interface Case {
  readonly content: string;
  readonly recipients: readonly string[];
  readonly parts: readonly Part[];
  /** The places of the filters in the order in which they answer, when they are asked at the same time. */
  readonly order: readonly number[];
}

const RIGHT = {
  addHeader: 0x01,
  body: 0x02,
  addRecipient: 0x04,
  deleteRecipient: 0x08,
  changeHeader: 0x10,
  quarantine: 0x20,
  sender: 0x40,
  addRecipientWith: 0x80,
};
const HDR_LEADSPC = 0x10_0000;

/** Names that messages have, some of them several times. Each belongs to one filter, which alone counts it. */
const NAMES = ['Subject', 'Received', 'X-Same', 'To', 'X-Other', 'Comments'];
const ADDRESSES = ['b@in.test', 'c@in.test', 'd@in.test', 'E@in.test', 'e@IN.test'];
/** Far behind the end of every message here. */
const FAR = [1000, 0x7fff_ffff];
/** Most filters. */
export const FILTERS = 4;

/** What a filter would like to do; the places and names are settled when it is known what the others do. */
type Wish =
  | { readonly kind: 'change'; readonly name: number; readonly index: number; readonly value: string }
  | { readonly kind: 'add'; readonly name: number; readonly value: string }
  | { readonly kind: 'insert'; readonly name: number; readonly index: number; readonly value: string }
  | {
      readonly kind: 'other';
      readonly right: keyof typeof RIGHT;
      readonly bytes: string;
      readonly says: string;
    };

const value = fc
  .array(fc.constantFrom('one', 'two', '\tthree', '\n four', '  five', '\xe9', 'a: b', 'x'.repeat(90)), {
    minLength: 1,
    maxLength: 4,
  })
  .map((words) => words.join(' ').trim() || 'empty');
const other = (right: keyof typeof RIGHT, code: string, ...texts: readonly string[]): Wish => ({
  kind: 'other',
  right,
  bytes: frame(code, texts.map((text) => `${text}\0`).join('')),
  says: `${right} ${texts.join(' ')}`,
});
const address = fc.constantFrom(...ADDRESSES);
const wish: fc.Arbitrary<Wish> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('change' as const), name: fc.nat(9), index: fc.nat(4), value }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      name: fc.nat(9),
      index: fc.nat(3),
      value: fc.constant(''),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('add' as const), name: fc.nat(9), value }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('insert' as const),
      name: fc.nat(9),
      index: fc.oneof(fc.nat(9), fc.constantFrom(...FAR)),
      value,
    }),
  },
  { weight: 1, arbitrary: address.map((a) => other('addRecipient', '+', a)) },
  { weight: 1, arbitrary: address.map((a) => other('addRecipientWith', '2', `<${a}>`, 'NOTIFY=NEVER')) },
  { weight: 1, arbitrary: address.map((a) => other('deleteRecipient', '-', `<${a}>`)) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(
        ['s1@out.test'],
        ['<>'],
        ['<s2@out.test>', 'RET=HDRS ENVID=e1'],
        ['s3@out.test', 'ENVID=e2'],
      )
      .map((texts) => other('sender', 'e', ...texts)),
  },
);

const field = fc
  .record({ name: fc.constantFrom(...NAMES, 'subject', 'x-same', 'X-Nobody'), value })
  .map(({ name, value: text }) => `${name}: ${text.replaceAll('\n', '\r\n')}\r\n`);
const line = fc.constantFrom('text', '', '.', '..two', 'caf\xe9', 'y'.repeat(200));
const body = fc.array(line, { maxLength: 6 }).map((lines) => lines.map((text) => `${text}\r\n`).join(''));

/** See the head of the file. */
export const cases: fc.Arbitrary<Case> = fc
  .record({
    fields: fc.array(field, { maxLength: 9 }),
    body,
    recipients: fc.constantFrom(['b@in.test'], ['b@in.test', 'c@in.test']),
    owners: fc.array(fc.nat(FILTERS - 1), { minLength: NAMES.length, maxLength: NAMES.length }),
    wishes: fc.array(fc.array(wish, { maxLength: 7 }), { minLength: 2, maxLength: FILTERS }),
    more: fc.array(fc.record({ leadingSpace: fc.boolean(), accepts: fc.boolean(), quarantines: fc.nat(7) }), {
      minLength: FILTERS,
      maxLength: FILTERS,
    }),
    newBody: fc.record({ by: fc.nat(2 * FILTERS), body }),
    order: fc.shuffledSubarray([0, 1, 2, 3], { minLength: FILTERS }),
  })
  .map(({ fields, body: text, recipients, owners, wishes, more, newBody, order }) => {
    const parts: Part[] = [];
    let ceiling = fields.length;
    for (let place = 0; place < FILTERS; place++) {
      const owned = NAMES.filter((_, i) => owners[i]! % wishes.length === place);
      const { leadingSpace, accepts, quarantines } = more[place]!;
      const wanted = [...(wishes[place] ?? [])];
      if (place < wishes.length && quarantines === 0) wanted.push(other('quarantine', 'q', `by ${place}`));
      if (place < wishes.length && newBody.by === place)
        wanted.push({ kind: 'other', right: 'body', bytes: frame('b', newBody.body), says: 'body' });
      const made = settled(wanted, place, owned, ceiling);
      ({ ceiling } = made);
      parts.push({
        offer: frame('O', uint32(6) + uint32(made.rights) + uint32(leadingSpace ? HDR_LEADSPC : 0)),
        answer: made.bytes + frame(accepts ? 'a' : 'c'),
        mark: markOf(place),
        marks: made.marks,
        edits: made.edits,
      });
    }
    return { content: `${fields.join('')}\r\n${text}`, recipients, parts, order };
  });

/** The edits of one filter. `ceiling`: the first place that a filter before has shifted; goes on to the next filter. */
function settled(wishes: readonly Wish[], place: number, owned: readonly string[], ceiling: number) {
  const deletes = owned.length > 0 && wishes.some((w) => w.kind === 'change' && w.value === '');
  // The trace field at 0 is never deleted: what stands directly below it is the first that can move.
  const own = deletes ? Math.min(ceiling, 1) : ceiling;
  let next = own;
  let rights = 0;
  let bytes = '';
  let marks = 0;
  const edits: string[] = [];
  const make = (right: keyof typeof RIGHT, wire: string, says: string): void => {
    rights |= RIGHT[right];
    bytes += wire;
    edits.push(says);
  };
  const addable = [markOf(place), 'X-Shared', ...owned];
  for (const w of wishes)
    switch (w.kind) {
      case 'change': {
        const name = owned[w.name % owned.length];
        if (name === undefined) break;
        const written = w.name > 5 ? name.toLowerCase() : name;
        const wire = frame('m', `${uint32(w.index)}${written}\0${w.value}\0`);
        make('changeHeader', wire, `change ${written} ${w.index} to ${JSON.stringify(w.value)}`);
        break;
      }
      case 'add': {
        const name = addable[w.name % addable.length]!;
        if (name === markOf(place)) marks++;
        make('addHeader', frame('h', `${name}\0${w.value}\0`), `add ${name} ${JSON.stringify(w.value)}`);
        break;
      }
      case 'insert': {
        const name = addable[w.name % addable.length]!;
        const index = FAR.includes(w.index) ? w.index : Math.min(w.index, own);
        next = Math.min(next, index);
        if (name === markOf(place)) marks++;
        const wire = frame('i', `${uint32(index)}${name}\0${w.value}\0`);
        make('addHeader', wire, `insert ${name} at ${index}: ${JSON.stringify(w.value)}`);
        break;
      }
      case 'other':
        make(w.right, w.bytes, w.says);
        break;
    }
  return { rights, bytes, edits, marks, ceiling: next };
}

const markOf = (place: number): string => `X-Filter-${place}`;

const uint32 = (n: number): string =>
  String.fromCharCode((n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
