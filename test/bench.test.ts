/** The bench's own parts: a bench that counts or divides wrongly is worse than none. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import test from 'node:test';
import { openAccount, treeSeconds } from '../bench/cpu.ts';
import { runLoad } from '../bench/load.ts';
import { measure, type Run, type Stage } from '../bench/measure.ts';
import { readOptions, UsageError } from '../bench/options.ts';
import type { Goal, Sample } from '../bench/scenarios/scenario.ts';
import { goalTable, sampleTable } from '../bench/scenarios/tables.ts';
import { median, ratioTable, resultTable } from '../bench/table.ts';
import { prepareTools } from '../bench/tools.ts';
import { Cleanup, ROOT, tempFolder } from './support/folders.ts';
import { startNextHop } from './support/next-hop.ts';
import { freePort } from './support/ports.ts';
import { program, skipWithout } from './support/processes.ts';
import { startSmtpSink } from './support/smtp-sink.ts';
import { until } from './support/wait.ts';

const NODE_LOAD = [
  process.execPath,
  '--conditions=source',
  '--import',
  import.meta.resolve('tsx'),
  join(ROOT, 'bench', 'node-load.ts'),
];

test('options have the defaults of the issue, and wrong ones are refused with the name of the option', () => {
  const { filters, sessions, bytes, postfix } = readOptions([]);
  assert.deepEqual(
    { filters, sessions, bytes, postfix },
    {
      filters: [0, 1, 3],
      sessions: [1, 20, 100],
      bytes: 4096,
      postfix: false,
    },
  );
  assert.equal(readOptions(['--peer', 'postfix']).postfix, true);
  assert.equal(readOptions([]).workers, 1);
  assert.equal(readOptions(['--workers', '2']).workers, 2);
  assert.deepEqual(readOptions([]).scenarios, []);
  assert.deepEqual(readOptions(['--scenario', 'real,waves', '--scenario', 'waves']).scenarios, [
    'waves',
    'real',
  ]);
  for (const wrong of [
    ['--peer', 'x'],
    ['--workers', '65'],
    ['--workers', '1.5'],
    ['--scenario', 'waves,nothing'],
    ['--scenario', ''],
    ['--answers', 'last', '--scenario', 'distance'],
    ['--answers', 'never'],
    ['--sessions', '0'],
    ['--sessions', '1.5'],
    ['--runs', ''],
    ['--what'],
  ]) {
    assert.throws(
      () => readOptions(wrong),
      (error) => error instanceof UsageError && error.message.includes((wrong[0] ?? '').slice(2)),
    );
  }
});

test('a median is the middle, of two the mean, of none no number', () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test('tables hold medians and errors, ratios are above one where the first peer is better', () => {
  const cell = { lane: 'one', filters: 1, noReply: true, sessions: 20 };
  const made = (peer: string, accepted: number, ms: number, cpu: number, errors = 0): Run => ({
    peer,
    cell,
    messages: 100,
    errors,
    lastError: '',
    accepted,
    sustained: accepted / 2,
    dot: { p50: ms, p90: ms, p99: ms * 2, max: ms * 3 },
    message: { p50: ms, p90: ms, p99: ms, max: ms },
    cpu,
    filterCpu: 1,
    busyCores: 2,
  });
  const runs = [made('a', 100, 4, 2), made('b', 50, 8, 4), made('a', 300, 2, 1, 3), made('b', 100, 8, 4)];
  const table = resultTable([cell], ['a', 'b'], runs).split('\n');
  assert.equal(
    table[2],
    '| 1, no-reply | 20 | a | 200 (100-300) | 100 | 3.00 | 6.00 | 3.00 | 3.00 | 1.500 + 1.00 | 3 |',
  );
  assert.equal(
    table[3],
    '| 1, no-reply | 20 | b | 75.0 (50.0-100) | 37.5 | 8.00 | 16.0 | 8.00 | 8.00 | 4.000 + 1.00 | 0 |',
  );
  const ratios = ratioTable([cell], 'a', 'b', runs).split('\n');
  assert.equal(ratios[2], '| 1, no-reply | 20 | 2.50 | 2.50 | 3.00 | 3.00 | 3.00 | 3.000 |');
});

test('a goal is the median of the turns, held against its limit, and says when it needs Postfix', () => {
  const row = { lane: 'a', title: 'A', sessions: 1, message: { bytes: 4096 } };
  const made = (peer: string, ms: number, waits: number[] = []): Sample => ({
    ...{ peer, row, waits, cell: { lane: 'a', filters: 1, noReply: false, sessions: 1 } },
    ...{ messages: 10, errors: 0, lastError: '', accepted: 100, sustained: 90 },
    dot: { p50: ms, p90: ms, p99: ms, max: ms },
    message: { p50: ms, p90: ms, p99: ms, max: ms },
    ...{ cpu: 1, filterCpu: 1, busyCores: 1 },
  });
  const against: Goal = {
    title: 'ratio',
    limit: { atMost: 0.5 },
    againstPostfix: true,
    value: (turn) => turn('millrace', 'a').dot.p50 / turn('postfix', 'a').dot.p50,
  };
  const most: Goal = {
    title: 'most',
    limit: { atLeast: 4 },
    againstPostfix: false,
    value: (turn) => Math.max(...turn('millrace', 'a').waits),
  };
  const setting = { lanes: [], rows: [row], goals: [against, most] };
  const both = [
    ...[made('millrace', 1, [1, 5]), made('postfix', 2)],
    ...[made('millrace', 2, [2]), made('postfix', 10)],
    ...[made('millrace', 9, [3]), made('postfix', 10)],
  ];
  const rows = goalTable(setting, ['millrace', 'postfix'], both).split('\n');
  assert.equal(rows[2], '| ratio | at most 0.50 | 0.50 | 0.20 to 0.90 | yes |');
  assert.equal(rows[3], '| most | at least 4.00 | 3.00 | 2.00 to 5.00 | **no** |');
  const alone = both.filter((sample) => sample.peer === 'millrace');
  assert.match(
    goalTable(setting, ['millrace'], alone),
    /\| ratio \| at most 0.50 \| needs --peer postfix \|/,
  );
  const samples = sampleTable(setting, ['millrace', 'postfix'], both).split('\n');
  assert.equal(samples[2], '| A | 1 | millrace | 30 | 2.00 | 2.00 | 2.00 | 100 | 2.5 (5) | 0 |');
  assert.equal(samples[3], '| A | 1 | postfix | 30 | 10.0 | 10.0 | 10.0 | 100 | - | 0 |');
});

test('CPU accounts see what a child of a child burnt after both have ended', async () => {
  const burn = 'const end = Date.now() + 400; while (Date.now() < end);';
  const nested = `require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(burn)}]); setInterval(() => {}, 1000); console.log('done')`;
  const account = openAccount('test');
  const [command = '', ...args] = account.wrap([process.execPath, '-e', nested]);
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await new Promise((resolve) => child.stdout.once('data', resolve));
    for (const seconds of [account.seconds([child.pid ?? 0]), treeSeconds([child.pid ?? 0])]) {
      assert.ok(seconds > 0.15 && seconds < 5, `${account.method}: ${seconds} s`);
    }
  } finally {
    child.kill('SIGKILL');
    await new Promise((resolve) => child.once('close', resolve));
    account.close();
  }
});

for (const [kind, missing] of [
  ['C', program('gcc') === undefined && 'no C compiler'],
  ['Node', false],
] as const) {
  test(`the load generator in ${kind} sends what it says, warm-up apart`, { skip: missing }, async (t) => {
    const cleanup = new Cleanup(t);
    const folder = await tempFolder(cleanup);
    const load = kind === 'C' ? (await prepareTools(folder)).load : NODE_LOAD;
    const port = await freePort();
    const sizes: number[] = [];
    await startNextHop(cleanup, port, ({ content }) => {
      sizes.push(content.length);
      return '250 2.0.0 ok';
    });
    let warm = -1;
    const settings = { port, sessions: 3, messages: 30, warmUp: 7, bytes: 4096, newConnections: false };
    const result = await runLoad(load, settings, () => {
      warm = sizes.length;
      return Promise.resolve();
    });
    assert.equal(warm, 7);
    assert.deepEqual([result.messages, result.errors, result.bytes, sizes.length], [30, 0, 4096, 37]);
    assert.deepEqual([...new Set(sizes)], [4096]);
    assert.ok(result.dot.p50 > 0 && result.dot.p50 <= result.dot.p99 && result.dot.p99 <= result.dot.max);
    assert.ok(result.message.p50 > result.dot.p50);
    const each = await runLoad(load, { ...settings, newConnections: true }, () => Promise.resolve());
    assert.deepEqual([each.messages, each.errors], [30, 0]);
  });

  test(`the load generator in ${kind} keeps a pace and adds header fields`, { skip: missing }, async (t) => {
    const cleanup = new Cleanup(t);
    const load = kind === 'C' ? (await prepareTools(await tempFolder(cleanup))).load : NODE_LOAD;
    const port = await freePort();
    const contents: string[] = [];
    await startNextHop(cleanup, port, ({ content }) => {
      contents.push(content);
      return '250 2.0.0 ok';
    });
    // 100,000 bytes at 4 Mbit/s: the last piece, of 1,696 bytes, is due after 196.6 ms.
    const settings = { port, sessions: 1, messages: 2, warmUp: 0, newConnections: false };
    const shape = { bytes: 100_000, fields: 40, pace: 4 };
    const result = await runLoad(load, { ...settings, ...shape }, () => Promise.resolve());
    assert.deepEqual([result.messages, result.errors], [2, 0]);
    assert.ok(result.seconds > 0.38, `${result.seconds} s`);
    assert.ok(result.message.p50 > 190, `${result.message.p50} ms`);
    for (const content of contents) {
      assert.equal(content.length, result.bytes);
      assert.ok(content.length >= 100_000 && content.length < 100_020, `${content.length} bytes`);
      assert.equal(content.slice(0, content.indexOf('\r\n\r\n')).split('\r\n').length, 40);
    }
  });

  test(`the load generator in ${kind} reports refusals as errors`, { skip: missing }, async (t) => {
    const cleanup = new Cleanup(t);
    const load = kind === 'C' ? (await prepareTools(await tempFolder(cleanup))).load : NODE_LOAD;
    const port = await freePort();
    let count = 0;
    await startNextHop(cleanup, port, () => {
      count += 1;
      return count % 10 === 0 ? '451 4.3.0 "not now"' : '250 2.0.0 ok';
    });
    const settings = { port, sessions: 2, messages: 40, warmUp: 0, bytes: 500, newConnections: false };
    const result = await runLoad(load, settings, () => Promise.resolve());
    assert.deepEqual([result.messages, result.errors], [36, 4]);
    assert.match(result.lastError, /451/);
  });
}

test('smtp-sink counts every message', { skip: skipWithout('smtp-sink') }, async (t) => {
  const cleanup = new Cleanup(t);
  const sink = await startSmtpSink(cleanup, await freePort(), await tempFolder(cleanup));
  const settings = { sessions: 5, messages: 200, warmUp: 5, bytes: 1000, newConnections: false };
  await runLoad(NODE_LOAD, { port: sink.port, ...settings }, () => Promise.resolve());
  await until('205 messages', 5000, () => sink.messages() === 205);
});

test('a run counts as sustained only when everything has arrived at the next hop', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  let arrived = 0;
  // A store-and-forward server that needs 300 ms for what it accepts.
  await startNextHop(cleanup, port, () => {
    setTimeout(() => (arrived += 1), 300);
    return '250 2.0.0 queued';
  });
  const account = openAccount('sustained');
  cleanup.after(() => account.close());
  const stage: Stage = {
    load: NODE_LOAD,
    message: { bytes: 500 },
    newConnections: false,
    filters: [],
    arrived: () => arrived,
  };
  const ground = {
    folder: '',
    nextHopPort: 0,
    lanes: [],
    listeners: new Map([['only', port]]),
    account,
  };
  const peer = { name: 'late', title: 'late', roots: [], ground };
  const run = await measure(stage, peer, { lane: 'only', filters: 0, noReply: false, sessions: 2 }, 20, 4);
  assert.equal(run.messages, 20);
  assert.ok(run.sustained < 20 / 0.3, `${run.sustained}`);
  assert.ok(run.accepted > run.sustained);
});
