/**
 * A filter on python3-milter that uses every edit the library has; what is delivered is compared byte for byte with what the
 * reference says. Also what it may do to the envelope, how it keeps the gateway waiting, and the macros it asks for.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { freePlace, guestAt, spelled, startFilter, type Place } from './support/filter-program.ts';
import { Cleanup, ROOT, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace, type Outbox } from './support/outbox.ts';
import { skipWithoutFiles } from './support/processes.ts';

/** Debian's Python, the one that has the module. */
const PYTHON = '/usr/bin/python3';
const skip = skipWithoutFiles(PYTHON, '/usr/lib/python3/dist-packages/Milter/__init__.py');

const ALL = {
  stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
  timeoutConnect: '10s',
  timeoutCommand: '10s',
  timeoutData: '10s',
};

type Step = readonly [string, ...(string | number)[]];

const A = 'A: 1\r\n';
const B = 'B: 2\r\n';
const A3 = 'a:3\r\n';
const C = 'C:\t4\r\n\tfolded\r\n';
const BODY = 'old body\r\n.dot\r\n';
/** A repeated name in two spellings, a missing blank, a tab, a fold: an edit must leave the others as they are. */
const MESSAGE = `${A}${B}${A3}${C}\r\n${BODY}`;

/** Steps and the header block that is to be delivered; R is the gateway's own Received field. */
const HEADERS: readonly (readonly [string, readonly Step[], string])[] = [
  ['nothing', [], `R\r\n${A}${B}${A3}${C}`],
  ['add', [['addheader', 'X', 'x']], `R\r\n${A}${B}${A3}${C}X: x\r\n`],
  ['add a name that is there', [['addheader', 'A', '9']], `R\r\n${A}${B}${A3}${C}A: 9\r\n`],
  [
    'add two',
    [
      ['addheader', 'X', 'x'],
      ['addheader', 'Y', 'y'],
    ],
    `R\r\n${A}${B}${A3}${C}X: x\r\nY: y\r\n`,
  ],
  ['insert at 0', [['insheader', 0, 'X', 'x']], `X: x\r\nR\r\n${A}${B}${A3}${C}`],
  ['insert at 1', [['insheader', 1, 'X', 'x']], `R\r\nX: x\r\n${A}${B}${A3}${C}`],
  ['insert at 3', [['insheader', 3, 'X', 'x']], `R\r\n${A}${B}X: x\r\n${A3}${C}`],
  ['insert at 4', [['insheader', 4, 'X', 'x']], `R\r\n${A}${B}${A3}X: x\r\n${C}`],
  [
    'insert twice at 1',
    [
      ['insheader', 1, 'X', 'x'],
      ['insheader', 1, 'Y', 'y'],
    ],
    `R\r\nY: y\r\nX: x\r\n${A}${B}${A3}${C}`,
  ],
  [
    'insert at 1 and 2',
    [
      ['insheader', 1, 'X', 'x'],
      ['insheader', 2, 'Y', 'y'],
    ],
    `R\r\nX: x\r\nY: y\r\n${A}${B}${A3}${C}`,
  ],
  [
    'insert at 0 and 1',
    [
      ['insheader', 0, 'X', 'x'],
      ['insheader', 1, 'Y', 'y'],
    ],
    `X: x\r\nY: y\r\nR\r\n${A}${B}${A3}${C}`,
  ],
  ['insert beyond the end', [['insheader', 2147483647, 'X', 'x']], `R\r\n${A}${B}${A3}${C}X: x\r\n`],
  ['change the first', [['chgheader', 'A', 1, 'z']], `R\r\nA: z\r\n${B}${A3}${C}`],
  ['change the second', [['chgheader', 'A', 2, 'z']], `R\r\n${A}${B}A: z\r\n${C}`],
  ['change number 0', [['chgheader', 'A', 0, 'z']], `R\r\nA: z\r\n${B}${A3}${C}`],
  ['change beyond the last', [['chgheader', 'A', 3, 'z']], `R\r\n${A}${B}${A3}${C}A: z\r\n`],
  ['change with another spelling', [['chgheader', 'b', 1, 'z']], `R\r\n${A}b: z\r\n${A3}${C}`],
  [
    'change to a folded value',
    [['chgheader', 'B', 1, 'one\n\ttwo\n three']],
    `R\r\n${A}B: one\r\n\ttwo\r\n three\r\n${A3}${C}`,
  ],
  ['delete the first', [['chgheader', 'A', 1, '']], `R\r\n${B}${A3}${C}`],
  [
    'delete all from the highest',
    [
      ['chgheader', 'A', 2, ''],
      ['chgheader', 'A', 1, ''],
    ],
    `R\r\n${B}${C}`,
  ],
  [
    'delete, then count what is left',
    [
      ['chgheader', 'A', 1, ''],
      ['chgheader', 'A', 2, 'z'],
    ],
    `R\r\n${B}${A3}${C}A: z\r\n`,
  ],
  [
    'delete what is not there',
    [
      ['chgheader', 'A', 5, ''],
      ['chgheader', 'Z', 1, ''],
    ],
    `R\r\n${A}${B}${A3}${C}`,
  ],
  [
    'change the Received of the gateway, which it cannot see',
    [['chgheader', 'Received', 1, 'z']],
    `R\r\n${A}${B}${A3}${C}Received: z\r\n`,
  ],
  [
    'change what was added',
    [
      ['addheader', 'X', 'x'],
      ['chgheader', 'X', 1, 'z'],
    ],
    `R\r\n${A}${B}${A3}${C}X: z\r\n`,
  ],
  [
    'text of any kind',
    [['addheader', 'X', 'grüße, 100% "q" <a@b> \\ \u{1f600}']],
    `R\r\n${A}${B}${A3}${C}X: ${Buffer.from('grüße, 100% "q" <a@b> \\ \u{1f600}').toString('latin1')}\r\n`,
  ],
  [
    'a line that would be a field of its own stays in the value',
    [['addheader', 'X', 'x\nEvil: 1']],
    `R\r\n${A}${B}${A3}${C}X: x\r\n\tEvil: 1\r\n`,
  ],
  [
    'everything at once',
    [
      ['insheader', 0, 'Top', 't'],
      ['insheader', 2, 'Next', 'n'],
      ['chgheader', 'A', 2, ''],
      ['chgheader', 'A', 1, 'z'],
      ['addheader', 'End', 'e'],
      ['chgheader', 'C', 1, 'c'],
    ],
    `Top: t\r\nR\r\nNext: n\r\nA: z\r\n${B}C: c\r\nEnd: e\r\n`,
  ],
];

const LONG = 'new line\r\n'.repeat(20_000);

const BODIES: readonly (readonly [string, readonly Step[], string])[] = [
  ['in one piece', [['replacebody', 'new\r\n']], 'new\r\n'],
  [
    'in pieces cut anywhere',
    [
      ['replacebody', 'ne'],
      ['replacebody', 'w\r'],
      ['replacebody', '\n.dot\r\n'],
      ['replacebody', 'end\r\n'],
    ],
    'new\r\n.dot\r\nend\r\n',
  ],
  [
    'in pieces with other edits between',
    [['replacebody', 'one\r\n'], ['addheader', 'X', 'x'], ['progress'], ['replacebody', 'two\r\n']],
    'one\r\ntwo\r\n',
  ],
  ['without an end of the last line', [['replacebody', 'new']], 'new\r\n'],
  ['200 kB, which the library cuts', [['replacebody', LONG]], LONG],
  [
    'with bytes of any value',
    [['replacebody', 'gr\xfc\xdfe \x01\x7f\xff\r\n']],
    'gr\xfc\xdfe \x01\x7f\xff\r\n',
  ],
];

const ENVELOPES: readonly (readonly [string, readonly Step[], string, readonly string[]])[] = [
  ['nothing', [], 'CASE', ['b@in.test', 'c@in.test']],
  ['add a recipient', [['addrcpt', '<d@in.test>']], 'CASE', ['b@in.test', 'c@in.test', 'd@in.test']],
  ['add one that is there', [['addrcpt', 'b@in.test']], 'CASE', ['b@in.test', 'c@in.test']],
  [
    'add a recipient with parameters',
    [['addrcpt', '<d@in.test>', 'NOTIFY=NEVER ORCPT=rfc822;d@in.test']],
    'CASE',
    ['b@in.test', 'c@in.test', 'd@in.test'],
  ],
  ['delete a recipient', [['delrcpt', '<b@IN.test>']], 'CASE', ['c@in.test']],
  [
    'delete one that is not there',
    [
      ['delrcpt', '<x@in.test>'],
      ['delrcpt', '<B@in.test>'],
    ],
    'CASE',
    ['b@in.test', 'c@in.test'],
  ],
  [
    'delete and add',
    [
      ['delrcpt', 'b@in.test'],
      ['delrcpt', 'c@in.test'],
      ['addrcpt', '<d@in.test>'],
    ],
    'CASE',
    ['d@in.test'],
  ],
  ['another sender', [['chgfrom', '<other@out.test>']], 'other@out.test', ['b@in.test', 'c@in.test']],
  [
    'another sender with parameters',
    [['chgfrom', '<other@out.test>', 'ENVID=x RET=HDRS']],
    'other@out.test',
    ['b@in.test', 'c@in.test'],
  ],
  ['no sender', [['chgfrom', '<>']], '', ['b@in.test', 'c@in.test']],
];

interface Filter {
  readonly place: Place;
  /** Writes down what is to be done; returns the sender that asks for it. */
  asks(steps: readonly Step[]): Promise<string>;
}

async function startPython(cleanup: Cleanup, place: Place, more: readonly string[] = []): Promise<Filter> {
  const folder = await tempFolder(cleanup, 'millrace-edits');
  const program = join(ROOT, 'test', 'filters', 'every-edit.py');
  await startFilter(cleanup, PYTHON, [program, spelled(place), folder, ...more], place);
  let count = 0;
  return {
    place,
    async asks(steps) {
      const name = `case${++count}`;
      await writeFile(join(folder, `${name}.json`), JSON.stringify(steps));
      return `${name}@out.test`;
    },
  };
}

interface Scene {
  readonly filter: Filter;
  readonly h: House;
  readonly outbox: Outbox;
  /** Sends the message and returns the reply lines to the final dot. */
  readonly send: (
    steps: readonly Step[],
    message?: string,
  ) => Promise<{ readonly sender: string; readonly lines: readonly string[] }>;
}

async function scene(
  cleanup: Cleanup,
  place: Place,
  more: readonly string[] = [],
  options: object = {},
): Promise<Scene> {
  const filter = await startPython(cleanup, place, more);
  const outbox = await startOutbox(cleanup);
  const h = await house(cleanup, [guestAt(place, { ...ALL, ...options })], { delivery: outbox.delivery });
  const session = await h.open();
  cleanup.after(() => session.drop());
  return {
    filter,
    h,
    outbox,
    async send(steps, message = MESSAGE) {
      const sender = await filter.asks(steps);
      const { at, reply } = await session.transaction(sender, ['b@in.test', 'c@in.test'], message);
      assert.equal(at, 'end', reply.text);
      return { sender, lines: reply.lines };
    },
  };
}

test(
  'every edit of python3-milter has its effect, byte for byte, in one session',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const { h, outbox, send } = await scene(cleanup, await freePlace(cleanup, 'unix'));
    let n = 0;
    for (const [name, steps, head] of HEADERS)
      await t.test(`header: ${name}`, async () => {
        const { lines } = await send(steps);
        assert.match(lines.join('|'), /^250 /);
        sameBytes(withoutTrace((await outbox.message(++n)).content), `${head}\r\n${BODY}`);
      });
    for (const [name, steps, body] of BODIES)
      await t.test(`body: ${name}`, async () => {
        const { lines } = await send(steps);
        assert.match(lines.join('|'), /^250 /);
        const added = steps.some(([word]) => word === 'addheader') ? 'X: x\r\n' : '';
        sameBytes(
          withoutTrace((await outbox.message(++n)).content),
          `R\r\n${A}${B}${A3}${C}${added}\r\n${body}`,
        );
      });
    for (const [name, steps, from, to] of ENVELOPES)
      await t.test(`envelope: ${name}`, async () => {
        const { sender, lines } = await send(steps);
        assert.match(lines.join('|'), /^250 /);
        const taken = await outbox.message(++n);
        assert.deepEqual([taken.sender, taken.recipients.toSorted()], [from === 'CASE' ? sender : from, to]);
        sameBytes(withoutTrace(taken.content), `R\r\n${MESSAGE}`);
      });
    await t.test('a message without a body, and one without a header', async () => {
      await send(
        [
          ['addheader', 'X', 'x'],
          ['replacebody', 'new\r\n'],
        ],
        `${A}\r\n`,
      );
      sameBytes(withoutTrace((await outbox.message(++n)).content), `R\r\n${A}X: x\r\n\r\nnew\r\n`);
      await send([['insheader', 1, 'X', 'x']], '\r\nonly a body\r\n');
      sameBytes(withoutTrace((await outbox.message(++n)).content), 'R\r\nX: x\r\n\r\nonly a body\r\n');
    });
    await t.test('no recipient left: the client hears 250, nothing is delivered', async () => {
      const { lines } = await send([
        ['delrcpt', 'b@in.test'],
        ['delrcpt', 'c@in.test'],
      ]);
      assert.match(lines.join('|'), /^250 /);
    });
    await t.test('quarantine: the client hears 250, the message is held with the reason', async () => {
      const { lines } = await send([
        ['addheader', 'X', 'x'],
        ['quarantine', 'looks odd'],
        ['verdict', 'accept'],
      ]);
      assert.match(lines.join('|'), /^250 /);
      assert.equal(h.heard.findLast((e) => e.name === 'message.accepted')?.fields['held'], 'looks odd');
    });
    await t.test('edits before a refusal or a discard are without effect', async () => {
      const edit: readonly Step[] = [
        ['addheader', 'X', 'x'],
        ['replacebody', 'new\r\n'],
        ['addrcpt', 'd@in.test'],
      ];
      assert.match((await send([...edit, ['verdict', 'reject']])).lines.join('|'), /^55[04] 5\.7\.1 /);
      assert.match((await send([...edit, ['verdict', 'tempfail']])).lines.join('|'), /^451 4\.7\.1 /);
      assert.match((await send([...edit, ['verdict', 'discard']])).lines.join('|'), /^250 /);
      const words: Step = ['setreply', '554', '5.7.2', 'First line', '100%% of it', 'third'];
      assert.deepEqual((await send([...edit, words, ['verdict', 'reject']])).lines, [
        '554-5.7.2 First line',
        '554-5.7.2 100% of it',
        '554 5.7.2 third',
      ]);
      // The next message of the session is untouched by all that.
      await send([]);
      sameBytes(withoutTrace((await outbox.message(++n)).content), `R\r\n${MESSAGE}`);
      assert.equal(outbox.taken.length, n);
    });
    assert.deepEqual(
      h.heard.filter((e) => e.name === 'milter.failed'),
      [],
    );
  },
);

test(
  'progress keeps the gateway waiting for longer than its timeout; silence does not',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const { outbox, send } = await scene(cleanup, await freePlace(cleanup, 'tcp'), [], { timeoutData: '1s' });
    const pause: readonly Step[] = [['sleep', 0.4], ['progress']];
    const { lines } = await send([...pause, ...pause, ...pause, ...pause, ['addheader', 'X', 'x']]);
    assert.match(lines.join('|'), /^250 /);
    sameBytes(withoutTrace((await outbox.message(1)).content), `R\r\n${A}${B}${A3}${C}X: x\r\n\r\n${BODY}`);
    assert.match(
      (
        await send([
          ['sleep', 1.6],
          ['addheader', 'X', 'x'],
        ])
      ).lines.join('|'),
      /^451 4\.7\.1 /,
    );
    assert.equal(outbox.taken.length, 1);
  },
);

test(
  'macros: those of each step, or those that the filter asks for instead',
  { skip, timeout: 60_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const message = `Message-ID: <1@out.test>\r\n${MESSAGE}`;
    for (const [more, macros] of [
      [[], 'mail:i mail:{mail_addr} end:i end:{msg_id}'],
      [['symlist'], 'mail:{mail_addr} end:i end:{msg_id}'],
    ] as const) {
      const { outbox, send } = await scene(cleanup, await freePlace(cleanup, 'tcp'), more);
      await send([['macros']], message);
      assert.equal(/^X-Macros: (.*)\r$/m.exec((await outbox.message(1)).content)?.[1], macros);
    }
  },
);
