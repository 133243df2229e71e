import assert from 'node:assert/strict';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import type { ActResult } from '#gateway';
import { EXIT, Terminal } from '../terminal.ts';
import type { ManyOrders, QueueEnd } from './end.ts';
import { giveOrders, unclear, type OrderRequest } from './order.ts';

const REQUEST: OrderRequest = {
  verb: 'delete',
  ids: [],
  where: [],
  all: true,
  heldOnly: false,
  order: {},
  dryRun: false,
  yes: false,
  json: true,
};

/** An end that answers every order with these results. */
function endThat(results: readonly ActResult['result'][]) {
  const given: ManyOrders[] = [];
  const end = {
    async *orders(many: ManyOrders): AsyncGenerator<ActResult> {
      given.push(many);
      await Promise.resolve();
      for (const [n, result] of results.entries())
        yield { id: `m${n}`, result: many.dryRun && result === 'done' ? 'would' : result, detail: '' };
    },
  } as unknown as QueueEnd;
  return { end, given };
}

/** A terminal where somebody types `answer`, or nobody sits. */
function terminalWith(answer: string | null) {
  const said: string[] = [];
  const into = () => new Writable({ write: (chunk, _, done) => (said.push(String(chunk)), done()) });
  const tty = { isTTY: answer !== null };
  const stdin = Object.assign(new PassThrough(), tty);
  if (answer !== null) stdin.end(`${answer}\n`);
  const machine = { stdout: into(), stderr: Object.assign(into(), tty), stdin, env: {}, cwd: '/' };
  return { terminal: new Terminal(machine), said: () => said.join('') };
}

test('what is meant must be said in one way', () => {
  assert.equal(unclear(REQUEST), null);
  assert.equal(unclear({ ...REQUEST, all: false, where: ['id=a'] }), null);
  assert.match(unclear({ ...REQUEST, all: false })!, /name ids, or/);
  assert.match(unclear({ ...REQUEST, ids: ['a'] })!, /either/);
});

test('what cannot be taken back is counted and asked about; only yes is yes', async () => {
  for (const verb of ['delete', 'bounce', 'redirect'] as const)
    for (const [answer, goes] of [
      ['y', true],
      ['Yes', true],
      ['n', false],
      ['', false],
      ['yellow', false],
    ] as const) {
      const { end, given } = endThat(['done', 'done', 'busy']);
      const { terminal, said } = terminalWith(answer);
      const code = await giveOrders(end, { ...REQUEST, verb }, terminal);
      assert.match(said(), new RegExp(`${verb} 2 messages\\? \\[y/N\\]`));
      assert.equal(code, goes ? EXIT.partly : EXIT.failed);
      assert.deepEqual(
        given.map((g) => g.dryRun),
        goes ? [true, false] : [true],
      );
      // What was counted is meant, and nothing that came since.
      if (goes) assert.deepEqual(given[1]!.ids, ['m0', 'm1']);
    }
});

test('where nobody can be asked, only --yes is yes; orders that can be taken back, and ids, are not asked about', async () => {
  const { end, given } = endThat(['done']);
  const { terminal, said } = terminalWith(null);
  assert.equal(await giveOrders(end, REQUEST, terminal), EXIT.usage);
  assert.equal(given.length, 0);
  assert.match(said(), /add --yes/);
  for (const more of [
    { yes: true },
    { verb: 'hold' },
    { ids: ['m0'], all: false },
    { dryRun: true },
  ] as const)
    assert.equal(await giveOrders(end, { ...REQUEST, ...more }, terminal), EXIT.ok);
});

test('nothing that matches is no trouble, and nothing is asked', async () => {
  const { terminal, said } = terminalWith('y');
  assert.equal(await giveOrders(endThat([]).end, REQUEST, terminal), EXIT.ok);
  assert.match(said(), /^nothing matches\n$/);
});

test('the exit code tells whether all, some or none was done', async () => {
  const code = (...results: ActResult['result'][]) =>
    giveOrders(endThat(results).end, { ...REQUEST, yes: true }, terminalWith(null).terminal);
  assert.equal(await code('done', 'done'), EXIT.ok);
  assert.equal(await code('done', 'absent'), EXIT.partly);
  assert.equal(await code('done', 'refused'), EXIT.partly);
  assert.equal(await code('absent', 'absent'), EXIT.absent);
  assert.equal(await code('absent', 'busy'), EXIT.failed);
  assert.equal(await code('failed'), EXIT.failed);
});

test('many ids go in several requests; in quarantine each is asked for as held, and a pattern is no id', async () => {
  const { end, given } = endThat([]);
  const { terminal } = terminalWith(null);
  const ids = Array.from({ length: 2001 }, (_, n) => `a${n}`);
  assert.equal(await giveOrders(end, { ...REQUEST, ids, all: false }, terminal), EXIT.absent);
  assert.deepEqual(
    given.map((g) => g.ids!.length),
    [1000, 1000, 1],
  );
  given.length = 0;
  const held = { ...REQUEST, ids: ['a', '*', '../x', 'a'], all: false, heldOnly: true };
  assert.equal(await giveOrders(end, held, terminal), EXIT.absent);
  assert.deepEqual(
    given.map((g) => [g.ids, g.where]),
    [[undefined, ['state=held', 'id=a']]],
  );
  given.length = 0;
  await giveOrders(end, { ...REQUEST, heldOnly: true, yes: true }, terminal);
  assert.deepEqual(given[0]!.where, ['state=held']);
});
