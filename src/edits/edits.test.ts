import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EditError, applyEdits, bindEdits, type EditableMessage } from '#edits';
import { bodyOf, bytesOf, latin1, makeField, parseField, pathOf } from '#message';
import type { Edit } from '#milter/protocol';

const own = makeField('Received', ' R', true);
const field = (text: string) => parseField(bytesOf(text + '\r\n'))!;

function message(lines = ['A: 1', 'B: 2', 'A: 3', 'C: 4']): EditableMessage {
  return {
    envelope: {
      sender: pathOf('a@b.c'),
      senderParams: ['SIZE=10', 'RET=FULL'],
      recipients: [{ path: pathOf('d@e.f'), params: [] }],
    },
    fields: [own, ...lines.map(field)],
    body: bodyOf([bytesOf('old\r\n')]),
    quarantine: null,
  };
}

const run = (m: EditableMessage, edits: Edit[], by = 'f', lead = false) =>
  applyEdits(m, [bindEdits(by, m, edits, lead)]);
const lines = (m: EditableMessage) =>
  m.fields.map((f) => (f.own ? 'R' : latin1(f.raw).trimEnd().replace(': ', ' ')));

const add = (name: string, value: string): Edit => ({ kind: 'addHeader', name, value });
const insert = (index: number, name: string, value: string): Edit => ({
  kind: 'insertHeader',
  index,
  name,
  value,
});
const change = (index: number, name: string, value: string): Edit => ({
  kind: 'changeHeader',
  index,
  name,
  value,
});

// The edit vectors of the milter reference, section 19.
const VECTORS: [Edit[], string[]][] = [
  [[add('X', 'x')], ['R', 'A 1', 'B 2', 'A 3', 'C 4', 'X x']],
  [[add('A', '9')], ['R', 'A 1', 'B 2', 'A 3', 'C 4', 'A 9']],
  [[insert(0, 'X', 'x')], ['X x', 'R', 'A 1', 'B 2', 'A 3', 'C 4']],
  [[insert(1, 'X', 'x')], ['R', 'X x', 'A 1', 'B 2', 'A 3', 'C 4']],
  [[insert(3, 'X', 'x')], ['R', 'A 1', 'B 2', 'X x', 'A 3', 'C 4']],
  [
    [insert(1, 'X', 'x'), insert(1, 'Y', 'y')],
    ['R', 'Y y', 'X x', 'A 1', 'B 2', 'A 3', 'C 4'],
  ],
  [
    [insert(1, 'X', 'x'), insert(2, 'Y', 'y')],
    ['R', 'X x', 'Y y', 'A 1', 'B 2', 'A 3', 'C 4'],
  ],
  [
    [insert(0, 'X', 'x'), insert(1, 'Y', 'y')],
    ['X x', 'Y y', 'R', 'A 1', 'B 2', 'A 3', 'C 4'],
  ],
  [[insert(2147483647, 'X', 'x')], ['R', 'A 1', 'B 2', 'A 3', 'C 4', 'X x']],
  [[change(2, 'A', 'z')], ['R', 'A 1', 'B 2', 'A z', 'C 4']],
  [[change(0, 'A', 'z')], ['R', 'A z', 'B 2', 'A 3', 'C 4']],
  [[change(3, 'A', 'z')], ['R', 'A 1', 'B 2', 'A 3', 'C 4', 'A z']],
  [[change(1, 'a', 'z')], ['R', 'a z', 'B 2', 'A 3', 'C 4']],
  [[change(1, 'A', '')], ['R', 'B 2', 'A 3', 'C 4']],
  [
    [change(2, 'A', ''), change(1, 'A', '')],
    ['R', 'B 2', 'C 4'],
  ],
  [
    [change(1, 'A', ''), change(2, 'A', 'z')],
    ['R', 'B 2', 'A 3', 'C 4', 'A z'],
  ],
  [[change(5, 'A', '')], ['R', 'A 1', 'B 2', 'A 3', 'C 4']],
  [[change(1, 'Received', 'z')], ['R', 'A 1', 'B 2', 'A 3', 'C 4', 'Received z']],
];

test('header edits give the results of the reference', () => {
  for (const [edits, expected] of VECTORS)
    assert.deepEqual(lines(run(message(), edits)), expected, JSON.stringify(edits));
});

test('untouched fields stay the same objects, byte for byte', () => {
  const m = message(['A:no space', 'B:\ttab\r\n  fold', 'C: \xe9']);
  const after = run(m, [insert(1, 'X', 'x'), change(1, 'A', '')]);
  assert.equal(after.fields[2], m.fields[2]);
  assert.equal(after.fields[3], m.fields[3]);
});

test('a value brings its own space only where HDR_LEADSPC was agreed', () => {
  const raw = (lead: boolean) => latin1(run(message([]), [add('X', 'x')], 'f', lead).fields[1]!.raw);
  assert.deepEqual([raw(false), raw(true)], ['X: x\r\n', 'X:x\r\n']);
});

test('no edit can smuggle a field, a body or a command', () => {
  for (const value of ['a\r\nBcc: v', 'a\nEvil: 1', 'a\r\n\r\nbody', 'a\rb', 'a\n \n\tb']) {
    const made = run(message([]), [add('X', value)]).fields[1]!;
    const reread = parseField(made.raw)!;
    assert.ok(!/\r\n(?![ \t]|$)|[^\r]\n|\r(?!\n)/.test(latin1(reread.raw)), JSON.stringify(value));
    assert.ok(!/\r\n[ \t]*\r\n/.test(latin1(reread.raw)), JSON.stringify(value));
  }
  for (const name of ['X\r\nBcc', 'X:', '', 'X Y', '\xe9'])
    assert.throws(() => run(message(), [add(name, 'v')]), EditError, JSON.stringify(name));
  for (const address of ['<a@in.test> \r\nRCPT TO:<v@x>', 'a\nb', 'a b@c', 'a>b@c', 'x'.repeat(2000)])
    for (const kind of ['addRecipient', 'changeSender'] as const)
      assert.throws(() => run(message(), [{ kind, address, params: '' }]), EditError, address);
  assert.throws(
    () => run(message(), [{ kind: 'addRecipient', address: 'a@b', params: 'NOTIFY=NEVER\r\nDATA' }]),
    EditError,
  );
  assert.throws(() => run(message(), [insert(0x80000000, 'X', 'x')]), EditError);
});

test('a fold in a value arrives as CRLF and its white space', () => {
  assert.equal(latin1(run(message([]), [add('X', 'a\n\tb\nc')]).fields[1]!.raw), 'X: a\r\n\tb\r\n\tc\r\n');
});

test('recipients are added once, deleted with the domain in any case, the sender changed with its own parameters', () => {
  const after = run(message(), [
    { kind: 'addRecipient', address: '<g@h.i>', params: 'NOTIFY=NEVER X=1' },
    { kind: 'addRecipient', address: 'g@H.I', params: '' },
    { kind: 'addRecipient', address: '', params: '' },
    { kind: 'deleteRecipient', address: 'd@E.F' },
    { kind: 'deleteRecipient', address: 'D@e.f' },
    { kind: 'changeSender', address: '<>', params: 'ENVID=q RET=HDRS' },
  ]).envelope;
  assert.deepEqual(after, {
    sender: { raw: '<>', address: '' },
    senderParams: ['SIZE=10', 'ENVID=q', 'RET=HDRS'],
    recipients: [{ path: { raw: '<g@h.i>', address: 'g@h.i' }, params: ['NOTIFY=NEVER'] }],
  });
});

test('the body is replaced by the chunks as they came, and the first quarantine reason stands', () => {
  const chunk = bytesOf('new\r\n');
  const m = message();
  const one = run(
    m,
    [
      { kind: 'replaceBody', chunks: [chunk] },
      { kind: 'quarantine', reason: 'virus\r\nx' },
    ],
    'av',
  );
  const two = run(one, [{ kind: 'quarantine', reason: 'other' }], 'b');
  assert.equal(one.body.chunks![0], chunk);
  assert.deepEqual(two.quarantine, { reason: 'virus??x', by: 'av' });
});

test('filters that worked side by side do not shift each other', () => {
  const m = message();
  const a = bindEdits('a', m, [change(1, 'A', ''), insert(1, 'X', 'x')], false);
  const b = bindEdits('b', m, [change(2, 'A', 'z'), insert(1, 'Y', 'y')], false);
  assert.deepEqual(lines(applyEdits(m, [a, b])), ['R', 'Y y', 'X x', 'B 2', 'A z', 'C 4']);
});

/** Edits of everything but the header. */
const OTHER: fc.Arbitrary<Edit> = fc.oneof(
  fc.uint8Array({ maxLength: 20 }).map((bytes): Edit => ({ kind: 'replaceBody', chunks: [bytes] })),
  fc
    .constantFrom('x@y.z', '', 'a@b.c')
    .map((address): Edit => ({ kind: 'changeSender', address, params: '' })),
  fc
    .constantFrom('d@e.f', 'g@h.i', 'j@k.l')
    .map((address): Edit => ({ kind: 'addRecipient', address, params: '' })),
  fc.constantFrom('d@e.f', 'g@h.i', 'j@k.l').map((address): Edit => ({ kind: 'deleteRecipient', address })),
  fc.constantFrom('spam', 'virus').map((reason): Edit => ({ kind: 'quarantine', reason })),
);

const besides = (m: EditableMessage) => ({
  sender: [m.envelope.sender.address, m.envelope.senderParams],
  recipients: m.envelope.recipients.map(({ path, params }) => [path.address, params]),
  body: Buffer.concat([...m.body.chunks!]).toString('hex'),
  // By whom: `run` names every filter alike.
  quarantine: m.quarantine?.reason,
});

test('side by side gives the bytes of one after the other when neither touches what the other did', () => {
  const touch = (names: string[], tag: string) =>
    fc.array(
      fc.oneof(
        fc
          .record({ i: fc.nat(3), n: fc.constantFrom(...names) })
          .map(({ i, n }) => change(i, n, `${tag}${i}`)),
        fc.record({ i: fc.nat(3), n: fc.constantFrom(...names) }).map(({ i, n }) => change(i, n, '')),
        fc.nat(9).map((n) => insert(n % 2, `${tag}-Ins`, String(n))),
        fc.nat(9).map((n) => add(`${tag}-Add`, String(n))),
        OTHER,
      ),
      { maxLength: 12 },
    );
  fc.assert(
    fc.property(touch(['A', 'B'], 'p'), touch(['C', 'D'], 'q'), (first, second) => {
      const m = message(['A: 1', 'C: 1', 'B: 2', 'A: 3', 'D: 4', 'C: 5']);
      // Inserting above the own trace field makes it count for the next filter (reference 12.1): then the two depend.
      fc.pre(
        !first.some((e) => e.kind === 'insertHeader' && e.index === 0) ||
          !second.some((e) => e.kind === 'insertHeader' && e.index > 0),
      );
      const chained = run(run(m, first), second);
      const merged = applyEdits(m, [bindEdits('p', m, first, false), bindEdits('q', m, second, false)]);
      assert.deepEqual(lines(merged), lines(chained));
      assert.deepEqual(besides(merged), besides(chained));
    }),
  );
});

test('an insert at any index stands where its filter saw it, whatever others inserted side by side', () => {
  const inserts = (tag: string) =>
    fc.array(
      fc.oneof(
        fc.record({ i: fc.nat(12), n: fc.nat(9) }).map(({ i, n }) => insert(i, tag, String(n))),
        fc.nat(9).map((n) => add(tag, String(n))),
      ),
      { maxLength: 8 },
    );
  fc.assert(
    fc.property(inserts('P'), inserts('Q'), (first, second) => {
      const m = message();
      const merged = lines(
        applyEdits(m, [bindEdits('p', m, first, false), bindEdits('q', m, second, false)]),
      );
      // Without what the other one inserted it is what each makes of the message alone.
      assert.deepEqual(
        merged.filter((line) => !line.startsWith('Q ')),
        lines(run(m, first)),
      );
      assert.deepEqual(
        merged.filter((line) => !line.startsWith('P ')),
        lines(run(m, second)),
      );
    }),
  );
});

test('recipients beyond the limit are the filter’s error, found before anything is applied', () => {
  const m = message();
  const many = Array.from({ length: 10_000 }, (_, i): Edit => ({
    kind: 'addRecipient',
    address: `r${i}@e.f`,
    params: '',
  }));
  assert.throws(
    () => bindEdits('f', m, many, false),
    (e: EditError) => e.code === 'recipients',
  );
  assert.equal(run(m, many.slice(1)).envelope.recipients.length, 10_000);
});

test('ten thousand recipients added and taken away again cost the time of each, not of each with each', () => {
  const numbers = Array.from({ length: 9_999 }, (_, i) => i);
  const added = numbers.map((i): Edit => ({ kind: 'addRecipient', address: `r${i}@e.f`, params: '' }));
  const gone = numbers.map((i): Edit => ({ kind: 'deleteRecipient', address: `r${i}@E.f` }));
  const began = performance.now();
  const { recipients } = run(message(), [...added, ...gone]).envelope;
  const ms = performance.now() - began;
  assert.deepEqual(recipients, message().envelope.recipients);
  assert.ok(ms < 500, `${ms} ms`);
});
