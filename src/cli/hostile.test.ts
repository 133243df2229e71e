/** A06: whatever strangers wrote into mail, names and replies, what the commands print breaks no line and controls no terminal. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ChangesView } from '#admin';
import type { HeldLine } from '#gateway';
import type { ConversationLine, HistoryRow, PacketRow } from '#journal';
import { diffText } from './history/diff.ts';
import { messageText, rowText } from './history/rows.ts';
import { heldText, trailText } from './queue/held.ts';
import { lineText, packetText } from './trace/packets.ts';

const EVIL = 'a\r\nb\x1b[2J\x1b]0;x\x07\u202ec\u2028d\x00\x9be <script>';
/** What may stand in a line of ours; colour only where it is asked for. */
const CLEAN = /^[^\x00-\x1f\x7f-\x9f\u2028-\u202e]*$/;

function clean(text: string, lines: number): void {
  const found = text.split('\n');
  assert.equal(found.length, lines, text);
  for (const line of found) assert.match(line, CLEAN);
  assert.ok(text.includes('<script>'), 'it is shown, made harmless');
}

const row: HistoryRow = {
  id: '0000000000000001',
  session: EVIL,
  part: 1,
  at: 0,
  listener: EVIL,
  client: EVIL,
  clientName: EVIL,
  helo: EVIL,
  tls: EVIL,
  user: EVIL,
  from: EVIL,
  to: [EVIL, EVIL],
  recipients: 30,
  subject: EVIL,
  size: 1,
  outcome: 'rejected',
  reply: EVIL,
  by: EVIL,
  filters: [{ name: EVIL, verdict: EVIL, ms: 1, edits: [EVIL], error: EVIL }],
  ms: 1,
  acceptMs: 1,
  filterMs: 1,
  changed: true,
  delivery: [{ recipient: EVIL, state: 'deferred', at: 0, reply: EVIL, hop: EVIL, attempts: 1 }],
};

test('rows and messages of the history', () => {
  clean(rowText(row), 2);
  clean(messageText(row), 18);
  assert.match(rowText({ ...row, from: '', to: ['b@in.test'], recipients: 3 }), /<> > b@in\.test \+2\n/);
});

const packet: PacketRow = {
  n: 1,
  part: 1,
  at: 1.25,
  delta: 1,
  lane: EVIL,
  direction: 'received',
  kind: 'milter',
  code: 'SMFIR_REPLYCODE',
  summary: EVIL,
  fields: [{ name: EVIL, value: EVIL }],
  bytes: 20,
  waited: 3.14,
  data: Buffer.from('550 \x1b[2J no, never ever').toString('base64'),
  cut: 5,
  note: EVIL,
};

test('packets and parts of conversations', () => {
  clean(packetText(packet, false), 3);
  const hex = packetText(packet, true);
  clean(hex, 6);
  assert.match(hex, /000000 {2}35 35 30 20 1b 5b .* 550 \.\[2J no/);
  assert.match(hex, /5 more bytes are not kept/);
  assert.match(packetText(packet, false), /<- {2}SMFIR_REPLYCODE .*\[3\.1 ms\]/);
  for (const [kind, mark] of [
    ['decision', '=='],
    ['note', ' !'],
  ] as const)
    assert.ok(packetText({ ...packet, kind }, false).includes(`  ${mark}  `));
  const line: ConversationLine = {
    cursor: '',
    session: EVIL,
    part: 1,
    id: '',
    at: 0,
    client: EVIL,
    listener: EVIL,
    from: EVIL,
    rcpt: EVIL,
    open: false,
    packets: 1,
    bytes: 1,
    ms: 1,
    outcome: 'rejected',
    milters: [EVIL],
    slowest: 1,
    errors: 2,
    dropped: 0,
    pinned: true,
  };
  clean(lineText(line), 1);
  assert.match(lineText(line), /2 errors, pinned$/);
});

test('held mail and who did what', () => {
  const held: HeldLine = {
    id: 'm1',
    receivedAt: '1970-01-01T00:00:00.000Z',
    since: '1970-01-01T00:00:00.000Z',
    expiresAt: '1970-01-02T00:00:00.000Z',
    reason: EVIL,
    by: EVIL,
    sender: EVIL,
    from: EVIL,
    subject: EVIL,
    to: [EVIL],
    recipients: 3,
    size: 1,
    client: EVIL,
    clientName: EVIL,
    listener: EVIL,
    user: EVIL,
    malware: true,
    note: EVIL,
    noteBy: EVIL,
  };
  clean(heldText(held), 5);
  assert.match(heldText(held), /and 2 more\n {4}MALWARE\? /);
  clean(
    trailText({ at: 0, id: 'm1', verb: EVIL, by: EVIL, result: EVIL, detail: EVIL, as: 'x', text: EVIL }),
    1,
  );
});

const place = (at: number, value: string) => ({ at, value, raw: '' });
const view: ChangesView = {
  id: 'x',
  original: { sender: EVIL, recipients: [], header: '', body: '', bodySize: 0 },
  steps: [
    {
      milter: EVIL,
      edits: [],
      sender: 'new@x.test',
      recipients: [],
      header: '',
      body: '',
      bodySize: 0,
      added: [EVIL],
      removed: [EVIL],
      fields: [
        {
          kind: 'kept',
          name: 'K',
          before: place(0, 'k'),
          after: place(0, 'k'),
          moved: false,
          asked: null,
          by: [],
        },
        {
          kind: 'added',
          name: EVIL,
          before: null,
          after: place(1, EVIL),
          moved: false,
          asked: 7,
          by: [EVIL],
        },
        {
          kind: 'removed',
          name: EVIL,
          before: place(2, EVIL),
          after: null,
          moved: false,
          asked: null,
          by: [],
        },
        {
          kind: 'moved',
          name: EVIL,
          before: place(3, EVIL),
          after: place(0, EVIL),
          moved: true,
          asked: null,
          by: [],
        },
        {
          kind: 'refolded',
          name: EVIL,
          before: place(4, EVIL),
          after: place(4, EVIL),
          moved: false,
          asked: null,
          by: [],
        },
        {
          kind: 'changed',
          name: EVIL,
          before: place(5, EVIL),
          after: place(9, EVIL),
          moved: true,
          asked: null,
          by: [],
        },
      ],
      bodyDiff: {
        hunks: [{ before: 0, beforeLines: 1, after: 0, afterLines: 1, lines: [`-${EVIL}`, `+${EVIL}`] }],
        added: 1,
        removed: 1,
        cut: true,
      },
    },
  ],
  total: { sender: '', recipients: [], header: '', added: [], removed: [], fields: [], bodyDiff: null },
};

test('what filters changed, with marks; in colour only when that is wanted', () => {
  const lines = diffText(view, false);
  for (const line of lines) assert.match(line, CLEAN);
  assert.deepEqual(
    lines.map((line) => /^(?:===|[-+>~]\[\d\]|@@|[-+])/.exec(line)?.[0]),
    ['===', '-', '+', '-', '+', '+[1]', '-[2]', '>[3]', '~[4]', '-[5]', '+[9]', '@@', '-', '+', '@@'],
  );
  const coloured = diffText(view, true);
  assert.ok(coloured.some((line) => line.startsWith('\x1b[32m+')));
  for (const line of coloured) assert.match(line.replace(/^\x1b\[\d+m|\x1b\[\d+m$/g, ''), CLEAN);
});
