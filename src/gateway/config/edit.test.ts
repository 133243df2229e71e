import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parse, stringify } from 'yaml';
import * as editing from './edit.ts';
import type { ListEdit, ListName } from './edit.ts';

function editList(text: string, list: ListName, change: ListEdit): string {
  const out = editing.editList(text, list, change);
  assert.ok('text' in out, 'trouble' in out ? out.trouble : '');
  return out.text;
}

function listIn(text: string, list: ListName): readonly unknown[] {
  const items = editing.listIn(text, list);
  assert.ok(Array.isArray(items));
  return items as unknown[];
}

const TEXT = `# Our gateway.
hostname:   mx.example.org   # as in DNS

milters:
  # The spam filter.
  - name: rspamd      # main
    hostname: 127.0.0.1
    port:     11332
    stages: [ connect, "data" ]   # both
    # timeoutData: 60s

  # ---- viruses ----

  - name: 'clamav'
    socket: /run/clamav.sock
    enable:
      - if: "size < 50MB"
        then: true
      - else: false
# End of filters.
log: { level: info,   format: json }
`;

const edit = (change: ListEdit, text = TEXT): string => editList(text, 'milters', change);
const [rspamd, clamav] = listIn(TEXT, 'milters') as [Record<string, unknown>, Record<string, unknown>];

test('one value is changed where it stands, in the quotes it had', () => {
  assert.equal(
    edit({ kind: 'replace', at: 0, item: { ...rspamd, port: 11333 } }),
    TEXT.replace('11332', '11333'),
  );
  assert.equal(
    edit({ kind: 'replace', at: 1, item: { ...clamav, name: "it's" } }),
    TEXT.replace("'clamav'", "'it''s'"),
  );
  assert.equal(
    edit({ kind: 'replace', at: 0, item: { ...rspamd, stages: ['data'] } }),
    TEXT.replace('[ connect, "data" ]', '[data]'),
  );
  assert.equal(edit({ kind: 'replace', at: 0, item: rspamd }), TEXT);
});

test('keys come behind the others and go with their line', () => {
  assert.equal(
    edit({ kind: 'replace', at: 0, item: { ...rspamd, useTls: true, tlsCa: 'ca.pem' } }),
    TEXT.replace('# both\n', '# both\n    useTls: true\n    tlsCa: ca.pem\n'),
  );
  assert.equal(
    edit({ kind: 'replace', at: 0, item: { ...rspamd, port: undefined } }),
    TEXT.replace('    port:     11332\n', ''),
  );
  const { name: _name, ...nameless } = rspamd;
  assert.equal(
    edit({ kind: 'replace', at: 0, item: nameless }),
    TEXT.replace('name: rspamd      # main\n    ', ''),
  );
  assert.equal(
    edit({ kind: 'replace', at: 1, item: { ...clamav, enable: 'true' } }),
    TEXT.replace(/ {4}enable:\n.*\n.*\n.*\n/, '    enable: "true"\n'),
  );
});

test('items go in, out and round with the comments that are theirs', () => {
  const added = '  - name: dkim\n    hostname: h\n    port: 1\n';
  const item = { name: 'dkim', hostname: 'h', port: 1 };
  assert.equal(edit({ kind: 'insert', at: 0, item }), TEXT.replace('  # The spam', `${added}  # The spam`));
  assert.equal(edit({ kind: 'insert', at: 2, item }), TEXT.replace('# End of', `${added}# End of`));
  assert.equal(edit({ kind: 'remove', at: 1 }), TEXT.replace(/ {2}- name: 'clamav'[^]*(?=# End)/, ''));
  assert.equal(edit({ kind: 'remove', at: 0 }), TEXT.replace(/ {2}# The spam[^]*60s\n(?=\n {2}# ---- )/, ''));
  const turned = edit({ kind: 'order', order: [1, 0] });
  assert.deepEqual(listIn(turned, 'milters'), [clamav, rspamd]);
  assert.ok(turned.indexOf('# The spam filter.\n  - name: rspamd') > turned.indexOf('- else: false'));
  assert.ok(turned.indexOf('# ---- viruses') > turned.indexOf('clamav'));
  assert.equal(edit({ kind: 'order', order: [1, 0] }, turned), TEXT);
});

test('a list that is empty or not there yet, and one that becomes empty', () => {
  const item = { name: 'a', socket: '/s' };
  const insert = { kind: 'insert', at: 0, item } as const;
  const list = 'milters:\n  - name: a\n    socket: /s\n';
  assert.equal(edit(insert, ''), list);
  assert.equal(edit(insert, '# nothing\n'), `# nothing\n${list}`);
  assert.equal(edit(insert, 'hostname: x'), `hostname: x\n${list.trimEnd()}`);
  assert.equal(edit(insert, 'milters: []\nlog: {}\n'), `${list}log: {}\n`);
  assert.equal(edit(insert, 'milters:\nlog: {}\n'), `${list}log: {}\n`);
  assert.equal(edit({ kind: 'remove', at: 0 }, `${list}log: {}\n`), 'milters: []\nlog: {}\n');
  assert.equal(
    editList('hostname: x\n', 'routes', { kind: 'insert', at: 0, item: { match: 'true', via: 'discard' } }),
    'hostname: x\ndelivery:\n  routes:\n    - match: "true"\n      via: discard\n',
  );
  assert.equal(
    editList('delivery:\n  mode: queue\n', 'routes', { kind: 'insert', at: 0, item: { via: 'mx' } }),
    'delivery:\n  mode: queue\n  routes:\n    - via: mx\n',
  );
});

test('JSON stays JSON, and lists in brackets stay in brackets', () => {
  const json = JSON.stringify({ hostname: 'x', milters: [{ name: 'a', port: 1 }, { name: 'b' }] }, null, 2);
  const same = (text: string, change: ListEdit, value: unknown): void =>
    assert.equal(edit(change, text), JSON.stringify({ hostname: 'x', milters: value }, null, 2));
  same(json, { kind: 'replace', at: 0, item: { name: 'a', port: 2 } }, [
    { name: 'a', port: 2 },
    { name: 'b' },
  ]);
  same(json, { kind: 'replace', at: 1, item: { name: 'b', socket: '/s' } }, [
    { name: 'a', port: 1 },
    { name: 'b', socket: '/s' },
  ]);
  same(json, { kind: 'replace', at: 0, item: { port: 1 } }, [{ port: 1 }, { name: 'b' }]);
  same(json, { kind: 'insert', at: 1, item: { name: 'c' } }, [
    { name: 'a', port: 1 },
    { name: 'c' },
    { name: 'b' },
  ]);
  same(json, { kind: 'remove', at: 1 }, [{ name: 'a', port: 1 }]);
  same(json, { kind: 'order', order: [1, 0] }, [{ name: 'b' }, { name: 'a', port: 1 }]);
  const short = JSON.stringify({ milters: [{ name: 'a' }] });
  assert.deepEqual(JSON.parse(edit({ kind: 'insert', at: 1, item: { name: 'b' } }, short)), {
    milters: [{ name: 'a' }, { name: 'b' }],
  });
  assert.deepEqual(JSON.parse(edit({ kind: 'insert', at: 0, item: { name: 'b' } }, '{}')), {
    milters: [{ name: 'b' }],
  });
  const flow = 'milters: [{ name: a,  port: 1 }, { name: b }] # both\n';
  assert.equal(edit({ kind: 'replace', at: 0, item: { name: 'a', port: 2 } }, flow), flow.replace('1', '2'));
  assert.equal(
    edit({ kind: 'insert', at: 2, item: { name: 'c' } }, flow),
    flow.replace('}]', '}, {name: c}]'),
  );
});

const refused = (change: ListEdit, text: string): void =>
  assert.ok('trouble' in editing.editList(text, 'milters', change));

test('keyed lists, JSON at the margin, CRLF and anchors', () => {
  const keyed = 'milters:\n  "1":\n    name: b\n  "0":\n    name: a\n';
  assert.equal(
    edit({ kind: 'replace', at: 0, item: { name: 'c' } }, keyed),
    keyed.replace('name: a', 'name: c'),
  );
  assert.deepEqual(listIn(edit({ kind: 'order', order: [1, 0] }, keyed), 'milters'), [
    { name: 'b' },
    { name: 'a' },
  ]);
  const pasted = 'milters:\n[\n{ "name": "a" },\n{ "name": "b" }\n]\nlog: {}\n';
  assert.equal(edit({ kind: 'replace', at: 1, item: { name: 'c' } }, pasted), pasted.replace('"b"', '"c"'));
  const crlf = TEXT.replaceAll('\n', '\r\n');
  const added = edit({ kind: 'insert', at: 2, item: { name: 'x', port: 1 } }, crlf);
  assert.equal(added, edit({ kind: 'insert', at: 2, item: { name: 'x', port: 1 } }).replaceAll('\n', '\r\n'));
  assert.equal(
    edit({ kind: 'order', order: [1, 0] }, crlf),
    edit({ kind: 'order', order: [1, 0] }).replaceAll('\n', '\r\n'),
  );
  const anchored = 'milters:\n  - &a\n    name: x\n  - *a\n';
  assert.deepEqual(listIn(edit({ kind: 'replace', at: 0, item: { name: 'y' } }, anchored), 'milters'), [
    { name: 'y' },
    { name: 'x' },
  ]);
  const used = 'milters:\n  - name: &n x\nhostname: *n\n';
  refused({ kind: 'replace', at: 0, item: { name: 'y' } }, used);
  refused({ kind: 'remove', at: 0 }, used);
  for (const bad of ['a: [', '- a', '"x']) refused({ kind: 'insert', at: 0, item: {} }, bad);
});

/** Random values of one key, as configurations have them. */
const scalar = fc.oneof(
  fc.integer({ min: 0, max: 65_535 }),
  fc.boolean(),
  fc.stringMatching(/^[a-z][a-z0-9./ -]{0,12}[a-z]$/),
  fc.constantFrom(
    'true',
    '30s',
    '50MB',
    "it's",
    'a: b',
    '# no comment',
    '- x',
    'two\nlines',
    '',
    ' x ',
    'é',
    '*',
    '{',
    '"q"',
  ),
);
const value = fc.oneof(
  scalar,
  fc.array(scalar, { maxLength: 4 }),
  fc.dictionary(fc.constantFrom('file', 'env', 'if', 'then'), scalar, {
    minKeys: 1,
    maxKeys: 3,
    noNullPrototype: true,
  }),
  fc.array(
    fc.dictionary(fc.constantFrom('if', 'then', 'else'), scalar, { minKeys: 1, noNullPrototype: true }),
    {
      minLength: 1,
      maxLength: 3,
    },
  ),
);
const item = fc.dictionary(fc.constantFrom('name', 'hostname', 'port', 'stages', 'enable', 'tls'), value, {
  minKeys: 1,
  noNullPrototype: true,
});
const comment = fc.constantFrom(
  '',
  '',
  '\n',
  '# a note\n',
  '\n# far\n\n',
  '  # inner\n',
  '    # deep\n',
  '# x: [\n\n# y\n',
);

/** An item as a person might write it: comments between its keys and behind its values, any indentation. */
const written = fc.record({
  item,
  notes: fc.array(comment, { minLength: 8, maxLength: 8 }),
  wide: fc.boolean(),
  dash: fc.boolean(),
});

function textOf(
  items: readonly { item: object; notes: readonly string[]; wide: boolean; dash: boolean }[],
  indent: number,
): string {
  const pad = ' '.repeat(indent);
  return items
    .map(({ item: one, notes, wide, dash }) => {
      const lines = stringify(one, { indent: wide ? 4 : 2, lineWidth: 0 })
        .trimEnd()
        .split('\n');
      const body = lines.map((line, i) => `${pad}${i === 0 ? (dash ? `-\n${pad}  ` : '- ') : '  '}${line}`);
      // Behind a key that ends its line with a plain word or number a comment may stand.
      const noted = body.map((line, i) =>
        notes[i % 8] !== '' && /: [a-z0-9]+$/.test(line) && i > 0 ? `${line}   # why` : line,
      );
      return `${notes[0]}${noted.join('\n')}\n${notes[1]}`;
    })
    .join('');
}

test('whatever is changed of one item, every byte outside it stays, and the outcome says what was meant', () => {
  const any = fc.record({
    items: fc.array(written, { minLength: 1, maxLength: 5 }),
    indent: fc.constantFrom(0, 2, 4, 7),
    pick: fc.nat(),
    next: item,
    keep: fc.boolean(),
    crlf: fc.boolean(),
  });
  fc.assert(
    fc.property(any, ({ items, indent, pick, next, keep, crlf }) => {
      const before = `# top\nhostname:   a.b   # name\n\nmilters:\n`;
      const after = `\n# end\nlog: { level: info,  format: json }   # log\n`;
      const lines = textOf(items, indent);
      const text = (before + lines + after).replaceAll('\n', crlf ? '\r\n' : '\n');
      const at = pick % items.length;
      const old = listIn(text, 'milters');
      const changed = keep ? { ...(old[at] as object), ...next } : next;
      const out = editList(text, 'milters', { kind: 'replace', at, item: changed });
      const [eol, bare] = [crlf ? '\r\n' : '\n', (s: string) => s.replaceAll('\r\n', '\n')];
      assert.deepEqual(parse(bare(out)), {
        ...(parse(bare(text)) as object),
        milters: old.with(at, changed),
      });
      const head = (before + textOf(items.slice(0, at), indent)).replaceAll('\n', eol);
      const tail = (textOf(items.slice(at + 1), indent) + after).replaceAll('\n', eol);
      assert.ok(
        out.endsWith(after.replaceAll('\n', eol)) && out.startsWith(before.replaceAll('\n', eol)),
        'the rest of the file',
      );
      assert.ok(out.startsWith(head) && out.endsWith(tail), 'the other items');
    }),
    { numRuns: 100 },
  );
});

test('whatever goes in, out or round, the other items keep their text, and two turns are none', () => {
  const any = fc.record({
    items: fc.array(written, { minLength: 2, maxLength: 5 }),
    indent: fc.constantFrom(0, 2, 4),
    pick: fc.nat(),
    next: item,
  });
  fc.assert(
    fc.property(any, ({ items, indent, pick, next }) => {
      const text = `# top\nmilters:\n${textOf(items, indent)}# end\nlog: {}\n`;
      const old = listIn(text, 'milters');
      const at = pick % items.length;
      const inserted = edit({ kind: 'insert', at, item: next }, text);
      assert.deepEqual(listIn(inserted, 'milters'), old.toSpliced(at, 0, next));
      assert.equal(
        inserted.split('\n').filter((l) => l.includes('#')).length >=
          text.split('\n').filter((l) => l.includes('#')).length,
        true,
      );
      const removed = edit({ kind: 'remove', at }, text);
      assert.deepEqual(listIn(removed, 'milters'), old.toSpliced(at, 1));
      const order = items.map((_, i) => (i + 1) % items.length);
      const back = items.map((_, i) => (i + items.length - 1) % items.length);
      const turned = edit({ kind: 'order', order }, text);
      assert.deepEqual(
        listIn(turned, 'milters'),
        order.map((n) => old[n]),
      );
      assert.deepEqual(turned.split('\n').toSorted(), text.split('\n').toSorted(), 'the same lines');
      assert.deepEqual(listIn(edit({ kind: 'order', order: back }, turned), 'milters'), old);
    }),
    { numRuns: 60 },
  );
});
