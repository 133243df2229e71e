import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { bytesOf } from '#message';
import { rig } from './rig.cases.ts';

/** Numbers as the wire has them. */
const four = (n: number): string => String.fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);
const optneg = (actions: number): string => `O${four(6)}${four(actions)}${four(0)}`;
const ADDHDRS = 0x01;
const CHGBODY = 0x02;
const CHGHDRS = 0x10;

type Said = readonly [by: 'us' | 'filter', packet: string];
const us = (packet: string): Said => ['us', packet];
const filter = (packet: string): Said => ['filter', packet];
const header = (name: string, value = 'v'): Said => us(`L${name}\0${value}\0`);
const change = (index: number, name: string, value: string): Said =>
  filter(`m${four(index)}${name}\0${value}\0`);

/** What the journal remarks of a conversation with a filter, by packet. `granted`: null for one that began elsewhere. */
async function remarks(t: TestContext, granted: number | null, said: readonly Said[]) {
  const { journal } = await rig(t);
  const recorder = journal.record('s1', '192.0.2.7', 'smtp')!;
  const lane = recorder.lane('judge');
  const all = granted === null ? said : [us(optneg(0x1ff)), filter(optneg(granted)), ...said];
  for (const [by, packet] of all)
    recorder.packet(lane, 0, by === 'us', packet.charCodeAt(0), bytesOf(packet.slice(1)), false);
  const rows = await journal.packets('s1');
  return rows!.filter(({ note }) => note !== '').map(({ code, note }) => `${code}: ${note}`);
}

const MESSAGE = [us('M<a@out.test>\0'), filter('c'), header('Subject'), header('To'), us('N'), us('E')];
const ALL = 0x1ff;

test('a conversation as it should be has no remarks', async (t) => {
  const once = [
    ...MESSAGE,
    filter('p'),
    filter('hX-A\0b\0'),
    change(1, 'subject', 'new'),
    change(1, 'X-A', ''),
    filter(`b${'x'.repeat(65_535)}`),
    filter('brest'),
    filter('a'),
  ];
  assert.deepEqual(await remarks(t, ALL, [...once, us('A'), ...once, us('Q')]), []);
});

test('an answer after ACCEPT counts for nothing; a new command may be answered again', async (t) => {
  const said = [
    us('M<a@out.test>\0'),
    us('R<b@in.test>\0'),
    filter('a'),
    filter('c'),
    us('DM'),
    filter('hX\0y\0'),
  ];
  assert.deepEqual(await remarks(t, ALL, [...said, us('A'), us('M<>\0'), filter('c')]), [
    'SMFIR_CONTINUE: after ACCEPT: the filter had decided, this counts for nothing',
    'SMFIR_ADDHEADER: after ACCEPT: the filter had decided, this counts for nothing',
  ]);
});

test('an edit that was not negotiated is named with what it takes; of a negotiation elsewhere nothing is said', async (t) => {
  const said = [...MESSAGE, filter('hX\0y\0'), change(1, 'To', 'x'), filter('bnew'), filter('c')];
  const [first, second, ...more] = await remarks(t, ADDHDRS, said);
  assert.match(first!, /^SMFIR_CHGHEADER: not granted: CHGHDRS was not negotiated/);
  assert.match(second!, /^SMFIR_REPLBODY: not granted: CHGBODY /);
  assert.deepEqual(more, []);
  assert.deepEqual(await remarks(t, null, said), []);
});

test('a change of a field that is not there says what became of it, counting the filter’s own edits', async (t) => {
  const said = [
    ...MESSAGE,
    change(2, 'Subject', 'second'),
    change(2, 'SUBJECT', 'changed'),
    change(1, 'X-None', ''),
    change(0, 'To', ''),
    change(1, 'To', ''),
    filter('hX-None\0now\0'),
    change(1, 'X-None', ''),
    filter('c'),
  ];
  assert.deepEqual(await remarks(t, CHGHDRS | ADDHDRS, said), [
    'SMFIR_CHGHEADER: there is no Subject number 2: it becomes a new field at the end',
    'SMFIR_CHGHEADER: there is no X-None: nothing is deleted',
    'SMFIR_CHGHEADER: there is no To: nothing is deleted',
  ]);
  const unsent = [us('M<a@out.test>\0'), us('E'), change(2, 'Subject', 'x'), filter('c')];
  assert.deepEqual(await remarks(t, CHGHDRS, unsent), [], 'a filter that was sent no fields');
  const skipped = [header('To'), filter('s'), us('E'), change(1, 'Subject', 'x'), filter('c')];
  assert.deepEqual(await remarks(t, CHGHDRS, skipped), [], 'or not all of them');
});

test('a body that is replaced once more is told from one in several packets', async (t) => {
  const second = 'SMFIR_REPLBODY: a second new body: its bytes are put behind those that came before';
  const full = filter(`b${'x'.repeat(65_535)}`);
  assert.deepEqual(await remarks(t, ALL, [us('E'), full, full, filter('bend'), filter('c')]), []);
  assert.deepEqual(await remarks(t, ALL, [us('E'), filter('bone'), filter('btwo'), filter('c')]), [second]);
  const between = [us('E'), full, filter('hX\0y\0'), filter('bmore'), filter('c')];
  assert.deepEqual(await remarks(t, CHGBODY | ADDHDRS, between), [second]);
  const next = [us('E'), filter('bone'), filter('c'), us('M<>\0'), us('E'), filter('bother'), filter('c')];
  assert.deepEqual(await remarks(t, ALL, next), []);
});

test('what is no milter packet stands in the lane as text', async (t) => {
  const { journal } = await rig(t);
  const recorder = journal.record('s1', '192.0.2.7', 'smtp')!;
  const lane = recorder.lane('judge');
  recorder.stray(lane, bytesOf('UNKNOWN COMMAND\r\n\x1b[31m'));
  const [row] = (await journal.packets('s1'))!;
  assert.deepEqual(
    [row!.lane, row!.kind, row!.summary],
    ['judge', 'note', 'no milter packet; as text: UNKNOWN COMMAND???[31m'],
  );
});
