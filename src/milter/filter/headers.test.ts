import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Edit } from '#milter/protocol';
import { headerEdits } from './header-edits.ts';
import { HeaderList } from './headers.ts';

const TERMS = { leadingSpace: false, mayAdd: true };

function list(lines: readonly string[]): HeaderList {
  const made = new HeaderList(() => {});
  for (const line of lines) {
    const colon = line.indexOf(':');
    made.receive(line.slice(0, colon), line.slice(colon + 2));
  }
  return made;
}
const lines = (headers: HeaderList) => [...headers].map((h) => `${h.name}: ${h.value}`);
const edits = (headers: HeaderList, terms = TERMS) =>
  headerEdits(headers, terms).map((e) =>
    'index' in e
      ? [e.index, e.name, e.value]
      : ['+', (e as { name: string }).name, (e as { value: string }).value],
  );

test('reads by name in any case, in order, unfolded', () => {
  const h = list(['A: 1', 'B: two\n\tthree', 'a:  x ']);
  assert.equal(h.get('a'), '1');
  assert.equal(h.get('b'), 'two\tthree');
  assert.equal(h.get('c'), undefined);
  assert.deepEqual(
    h.all('A').map((x) => [x.name, x.value]),
    [
      ['A', '1'],
      ['a', 'x'],
    ],
  );
  assert.equal(Buffer.from(h.all('B')[0]!.raw).toString(), 'two\n\tthree');
});

test('intent becomes indexes: changes, then deletions from the highest down', () => {
  const h = list(['A: 1', 'B: 2', 'A: 3', 'C: 4', 'A: 5']);
  h.set('A', 'z');
  assert.deepEqual(edits(h), [
    [1, 'A', 'z'],
    [3, 'A', ''],
    [2, 'A', ''],
  ]);
  assert.deepEqual(lines(h), ['A: z', 'B: 2', 'C: 4']);
});

test('insertions come first, bottom up, and are counted by the indexes behind them', () => {
  const h = list(['A: 1', 'B: 2', 'A: 3']);
  h.insertBefore('A', 'B', 'new');
  h.insertBefore('X', 'B', 'x');
  h.prepend('P', 'p');
  h.remove('C');
  h.all('A');
  h.remove('B');
  assert.deepEqual(lines(h), ['P: p', 'A: 1', 'A: new', 'X: x', 'A: 3']);
  assert.deepEqual(edits(h), [
    [2, 'X', 'x'],
    [2, 'A', 'new'],
    [1, 'P', 'p'],
    [1, 'B', ''],
  ]);
});

test('a new last field is appended also where the name exists, and top goes last of all', () => {
  const h = list(['A: 1']);
  h.add('A', '2');
  h.add('B', '3');
  h.add('B', '4');
  h.prepend('AR', 't', 'top');
  h.insertBefore('Z', 'nowhere', 'z');
  assert.deepEqual(edits(h), [
    [0x7fffffff, 'A', '2'],
    ['+', 'B', '3'],
    [0x7fffffff, 'B', '4'],
    ['+', 'Z', 'z'],
    [0, 'AR', 't'],
  ]);
});

test('what comes to nothing sends nothing', () => {
  const h = list(['A: 1']);
  h.set('A', '2');
  h.set('A', '1');
  h.add('B', '1');
  h.remove('B');
  h.set('C', '1');
  h.set('C', '2');
  h.prepend('T', '1', 'top');
  h.remove('t');
  assert.deepEqual(edits(h), [['+', 'C', '2']]);
});

test('an empty value is written so that it does not delete, and HDR_LEADSPC brings its own space', () => {
  const h = list(['A: 1']);
  h.set('A', '');
  h.add('B', '');
  assert.deepEqual(edits(h), [
    [1, 'A', ' '],
    ['+', 'B', ''],
  ]);
  assert.deepEqual(edits(h, { ...TERMS, leadingSpace: true }), [
    [1, 'A', ' '],
    ['+', 'B', ' '],
  ]);
});

test('text is UTF-8, bytes stay bytes, folds are LF', () => {
  const h = list([]);
  h.add('A', 'ü\r\n b');
  h.add('B', Uint8Array.of(0xff, 0x20, 0xfe));
  assert.deepEqual(edits(h), [
    ['+', 'A', '\xc3\xbc\n b'],
    ['+', 'B', '\xff \xfe'],
  ]);
});

test('nothing that would break out of its field is taken', () => {
  for (const value of ['a\nEvil: 1', 'a\r\n\r\nbody', 'a\rb', 'a\0', 'a\n', 'a\n \n\tb'])
    assert.throws(() => list([]).add('X', value), { code: 'edit' }, JSON.stringify(value));
  for (const name of ['', 'X:', 'X Y', 'X\n', 'é'])
    assert.throws(() => list([]).add(name, 'v'), { code: 'edit' }, JSON.stringify(name));
});

/** An MTA's header, by the rules of milter reference 12: Postfix shifts at once, Sendmail still counts what was deleted. */
function apply(start: readonly string[], all: readonly Edit[], mta: 'postfix' | 'sendmail'): string[] {
  const at = start.map((line) => ({
    name: line.slice(0, line.indexOf(':')),
    value: line.slice(line.indexOf(':') + 2),
    gone: false,
  }));
  at.unshift({ name: 'Received', value: 'own', gone: false });
  const [own] = at;
  for (const e of all) {
    if (e.kind === 'addHeader') {
      const first = at.findIndex((f) => f.name.toLowerCase() === e.name.toLowerCase() && !f.gone);
      const made = { name: e.name, value: e.value, gone: false };
      at.splice(mta === 'sendmail' && first >= 0 ? first : at.length, 0, made);
    } else if (e.kind === 'insertHeader')
      at.splice(Math.min(e.index, at.length), 0, { name: e.name, value: e.value, gone: false });
    else if (e.kind === 'changeHeader') {
      const same = at.filter(
        (f, i) => f.name.toLowerCase() === e.name.toLowerCase() && !(f === own && i === 0),
      );
      const found = same[Math.max(e.index, 1) - 1];
      if (e.value !== '' && found) found.value = e.value;
      else if (e.value !== '') at.push({ name: e.name, value: e.value, gone: false });
      else if (found && mta === 'postfix') at.splice(at.indexOf(found), 1);
      else if (found) found.gone = true;
    }
  }
  return at.filter((f) => !f.gone && f !== own).map((f) => `${f.name}: ${f.value.trim()}`);
}

test('whatever the author does, both MTAs end with the header the author sees', () => {
  const name = fc.constantFrom('A', 'a', 'B', 'C', 'Received');
  const act = fc.oneof(
    fc.record({ do: fc.constant('add' as const), name }),
    fc.record({ do: fc.constant('prepend' as const), name }),
    fc.record({ do: fc.constant('top' as const), name }),
    fc.record({ do: fc.constant('before' as const), name, header: name }),
    fc.record({ do: fc.constant('set' as const), name }),
    fc.record({ do: fc.constant('remove' as const), name }),
  );
  fc.assert(
    fc.property(fc.array(name, { maxLength: 6 }), fc.array(act, { maxLength: 8 }), (names, acts) => {
      const start = names.map((n, i) => `${n}: ${i}`);
      const h = list(start);
      for (const [i, a] of acts.entries()) {
        const value = `v${i}`;
        if (a.do === 'add') h.add(a.name, value);
        else if (a.do === 'prepend') h.prepend(a.name, value);
        else if (a.do === 'top') h.prepend(a.name, value, 'top');
        else if (a.do === 'before') h.insertBefore(a.name, a.header, value);
        else if (a.do === 'set') h.set(a.name, value);
        else h.remove(a.name);
      }
      const sent = headerEdits(h, TERMS);
      for (const mta of ['postfix', 'sendmail'] as const)
        assert.deepEqual(apply(start, sent, mta), lines(h), mta);
    }),
    { numRuns: 2000 },
  );
});
