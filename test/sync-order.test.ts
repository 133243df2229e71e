/**
 * No reply before its sync (durability test D04): of 200 messages from ten senders, each 250 to a final dot was sent after the
 * disk had the message, as strace saw it. And the same with syncs that do nothing, which must show.
 */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { Ledger } from './support/ledger.ts';
import { freePorts } from './support/ports.ts';
import { skipWithout } from './support/processes.ts';
import { Random } from './support/random.ts';
import { Senders } from './support/senders.ts';
import { judgeTrace, TRACED, type Judged } from './support/sync-order.ts';
import { until } from './support/wait.ts';

/** Bytes of a write that are traced: a whole page, in which the record's first field may lie anywhere. */
const PAGE = 4096;

test(
  'D04: of 200 messages none is answered 250 before its record, its body and their folder are synced',
  { skip: skipWithout('strace'), timeout: 120_000 },
  async (t) => {
    const judged = await traced(t, 200);
    const faults = judged.filter(({ fault }) => fault !== '');
    assert.deepEqual(faults, []);
    assert.ok(judged.length >= 200, `only ${judged.length} replies were seen`);
    const onFile = judged.filter((one) => one.onFile).length;
    t.diagnostic(
      `${judged.length} of ${judged.length} synced before their reply; ${onFile} with a body file`,
    );
    assert.ok(onFile > 20, `only ${onFile} bodies lay in files`);
    assert.ok(judged.length - onFile > 20);
  },
);

test(
  'control group: of 20 messages of a gateway whose syncs do nothing, not one is taken for synced',
  { skip: skipWithout('strace', 'eatmydata'), timeout: 60_000 },
  async (t) => {
    const judged = await traced(t, 20, ['eatmydata', '--']);
    assert.ok(judged.length >= 20);
    assert.deepEqual(
      judged.filter(({ fault }) => fault === ''),
      [],
    );
  },
);

/** Sends this many messages to a gateway under strace and judges its trace. */
async function traced(
  t: TestContext,
  messages: number,
  under: readonly string[] = [],
): Promise<readonly Judged[]> {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [port = 0] = await freePorts(1);
  const trace = join(folder, 'trace');
  const strace = ['strace', '-f', '-ttt', '-y', '-s', String(PAGE), '-e', `trace=${TRACED}`, '-o', trace];
  const gateway = await Gateway.start(cleanup, {
    folder,
    ports: [port],
    wrap: (command) => [...strace, ...under, ...command],
    configuration: JSON.stringify({
      hostname: 'gateway.test',
      stateDir: join(folder, 'state'),
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${port}`, relay: { domains: ['in.test'] } }],
      delivery: { routes: [{ match: 'true', via: 'discard' }] },
      log: { level: 'warn' },
    }),
  });
  const ledger = await Ledger.open(join(folder, 'ledger'));
  cleanup.after(() => ledger.close());
  const setup = { port, ledger, random: new Random(4), sessions: 10, domain: 'in.test' };
  const senders = new Senders({ ...setup, size: [5000, 110_000], recipients: [1, 1] });
  cleanup.after(() => senders.stop());
  const acked = (): number =>
    [...ledger.sent.values()].filter((sent) => [...sent.recipients.values()].includes('acked')).length;
  await until(`${messages} messages to be acknowledged`, 90_000, () => acked() >= messages);
  await senders.stop();
  assert.equal(await gateway.stop(), 0);
  const judged = judgeTrace(await readFile(trace, 'latin1'));
  assert.equal(judged.length, acked(), 'every reply was seen');
  return judged;
}
