/**
 * Filters that cannot be reached or do not answer: M01, M02, M03 of the reliability tests.
 *
 * Each with tempFailOnError true and false. Tests of one id run at the same time, since they mostly wait.
 */
import assert from 'node:assert/strict';
import { chmod, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { frame } from './support/house.ts';
import { startNameServer } from './support/name-server.ts';
import { needsRoot, skipWithout } from './support/processes.ts';
import {
  MILTER,
  TIMEOUTS,
  at,
  canary,
  failures,
  faultReply,
  inStep,
  processScene,
  scene,
  walk,
  type Scene,
} from './support/scene.ts';
import { CONTINUE, ScriptedFilter, type Peer, type Script } from './support/scripted-filter.ts';
import { freePort } from './support/ports.ts';
import { until } from './support/wait.ts';

const POLICIES = [true, false];
const root = process.getuid?.() === 0;

/** A message meets a filter that cannot be had: fault reply at MAIL or none, in time; the log names filter and cause. */
async function unreachable(cleanup: Cleanup, s: Scene, policy: boolean, cause: RegExp): Promise<void> {
  const w = await walk(cleanup, s.port);
  assert.equal(faultReply(w, policy).at, policy ? 'mail' : 'end');
  await inStep(w.session);
  await until('the failure to be logged', 1000, () => s.noticed('milter.failed').length > 0);
  for (const { fields } of s.noticed('milter.failed')) {
    assert.equal(fields['milter'], 'f');
    assert.match(`${String(fields['kind'])}: ${String(fields['error'])}`, cause);
  }
  await w.session.quit();
}

describe('M01 a filter that cannot be reached', { concurrency: 4 }, () => {
  for (const policy of POLICIES) {
    const named = (what: string): string => `M01 ${what}, tempFailOnError=${policy}`;

    test(named('nobody listens on the port'), async (t) => {
      const cleanup = new Cleanup(t);
      const filter = new ScriptedFilter({});
      filter.port = await freePort();
      const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
      await unreachable(cleanup, s, policy, /^connect: .*connection refused/);
      cleanup.after(() => filter.stop());
      filter.mend();
      await filter.listen();
      await canary(cleanup, s, policy);
    });

    for (const [what, prepare, cause] of [
      ['the socket is not there', () => Promise.resolve(), /^connect: .*no such socket/],
      ['the socket is a plain file', (path: string) => writeFile(path, ''), /^connect: .*plain file/],
    ] as const)
      test(named(what), async (t) => {
        const cleanup = new Cleanup(t);
        const socket = join(await tempFolder(cleanup), 'filter');
        await prepare(socket);
        const s = await scene(cleanup, [{ name: 'f', socket, ...MILTER, tempFailOnError: policy }]);
        await unreachable(cleanup, s, policy, cause);
        await unlink(socket).catch(() => undefined);
        const filter = await ScriptedFilter.start(cleanup, {}, { path: socket });
        filter.mend();
        await canary(cleanup, s, policy);
      });

    test(named('no permission for the socket'), { skip: root && skipWithout('setpriv') }, async (t) => {
      const cleanup = new Cleanup(t);
      const folder = await tempFolder(cleanup);
      const socket = join(folder, 'filter');
      const filter = await ScriptedFilter.start(cleanup, {}, { path: socket });
      filter.mend();
      await chmod(socket, 0o000);
      const milter = { name: 'f', socket, ...MILTER, tempFailOnError: policy };
      // Root may use any socket, so root's gateway runs as nobody here.
      const stateDir = join(folder, 'state');
      const state = await tempFolder(cleanup, 'millrace-state');
      await chmod(state, 0o777);
      const s = root
        ? await processScene(cleanup, [milter], { more: { stateDir: join(state, 's') }, wrap: asNobody })
        : await scene(cleanup, [milter], { more: { stateDir } });
      await unreachable(cleanup, s, policy, /^connect: .*permission/);
      assert.deepEqual(filter.peers, []);
      await chmod(socket, 0o777);
      await canary(cleanup, s, policy);
    });

    test(named('the host name is unknown'), { skip: needsRoot('a name server on port 53') }, async (t) => {
      const cleanup = new Cleanup(t);
      const folder = await tempFolder(cleanup);
      const filter = await ScriptedFilter.start(cleanup, {});
      filter.mend();
      const dns = await startNameServer(cleanup, '127.0.0.53');
      const resolver = join(folder, 'resolv.conf');
      await writeFile(resolver, `nameserver ${dns.address}\noptions timeout:1 attempts:1\n`);
      const milter = { name: 'f', hostname: 'filter.test', port: filter.port, ...MILTER };
      const s = await processScene(cleanup, [{ ...milter, tempFailOnError: policy }], {
        wrap: (command) => withResolver(resolver, command),
      });
      await unreachable(cleanup, s, policy, /^connect: .*filter\.test/);
      assert.ok(dns.asked.includes('filter.test'), 'the name was asked for here and nowhere else');
      dns.names.set('filter.test', '127.0.0.1');
      await canary(cleanup, s, policy);
    });
  }
});

const asNobody = (command: readonly string[]): readonly string[] => [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  ...command,
];

/** Runs the command where /etc/resolv.conf is this file, in a mount namespace of its own. */
const withResolver = (file: string, command: readonly string[]): readonly string[] => [
  'unshare',
  '--mount',
  'sh',
  '-c',
  `mount --bind '${file}' /etc/resolv.conf && exec "$@"`,
  'sh',
  ...command,
];

/** Event letters, their names, and the step at which the client learns that the filter failed there. */
const STAGES = [
  ['O', 'the negotiation', 'mail'],
  ['C', 'CONNECT', 'mail'],
  ['H', 'HELO', 'mail'],
  ['M', 'MAIL', 'mail'],
  ['R', 'RCPT', 'rcpt'],
  ['T', 'DATA', 'data'],
  ['L', 'HEADER', 'end'],
  ['N', 'EOH', 'end'],
  ['B', 'BODY', 'end'],
  ['E', 'EOM', 'end'],
] as const;

/** The filter never finishes an answer at a stage. */
async function neverAnswered(
  cleanup: Cleanup,
  script: Script,
  [letter, , step]: (typeof STAGES)[number],
  policy: boolean,
): Promise<void> {
  const filter = await ScriptedFilter.start(cleanup, script);
  const s = await scene(cleanup, [at(filter, { tempFailOnError: policy })]);
  const w = await walk(cleanup, s.port);
  assert.equal(faultReply(w, policy).at, policy ? step : 'end');
  assert.match(filter.codes, new RegExp(letter));
  const limit =
    letter === 'O' ? TIMEOUTS.connect : 'LNBE'.includes(letter) ? TIMEOUTS.data : TIMEOUTS.command;
  const waited = Math.max(...w.steps.map((x) => x.ms));
  assert.ok(waited > limit - 200, `the answer was waited for: ${waited.toFixed(0)} ms`);
  assert.match(failures(s)[0]!, /^f (connect|command|data)_timeout$/);
  await until('the connection to the filter to be closed', 1000, () => filter.open === 0);
  await inStep(w.session);
  if (policy) assert.deepEqual(s.taken, []);
  await w.session.quit();
  filter.mend();
  await canary(cleanup, s, policy);
}

/** Writes bytes one by one, one each second, as long as the connection is open. Only the first answer comes at all. */
function drip(peer: Peer, letter: string, bytes: string): void {
  if (peer.heard.filter((h) => h.code === letter).length > 1) return;
  let next = 0;
  const timer = setInterval(() => {
    if (next === bytes.length || peer.socket.destroyed) clearInterval(timer);
    else peer.write(bytes[next++]!);
  }, 1000);
}

describe('M02 and M03 a filter that does not answer in time', { concurrency: 50 }, () => {
  for (const stage of STAGES)
    for (const policy of POLICIES)
      test(`M02 a filter never answers ${stage[1]}, tempFailOnError=${policy}`, (t) =>
        neverAnswered(new Cleanup(t), { [stage[0]]: null }, stage, policy));

  for (const stage of STAGES)
    for (const policy of POLICIES)
      test(`M03 a filter answers ${stage[1]} one byte a second, tempFailOnError=${policy}`, (t) =>
        neverAnswered(
          new Cleanup(t),
          { [stage[0]]: (peer) => drip(peer, stage[0], CONTINUE) },
          stage,
          policy,
        ));
  for (const policy of POLICIES) {
    for (const stage of [STAGES[3], STAGES[9]])
      test(`M03 a filter answers ${stage[1]} with a length and nothing more, tempFailOnError=${policy}`, (t) =>
        neverAnswered(new Cleanup(t), { [stage[0]]: '\0\0\0\x01' }, stage, policy));

    test(`M03 a filter makes progress for ever, tempFailOnError=${policy}: the time for one message is bounded`, async (t) => {
      const cleanup = new Cleanup(t);
      const filter = await ScriptedFilter.start(cleanup, {
        E: (peer) => {
          const timer = setInterval(() => peer.write(frame('p')), 100);
          peer.socket.once('close', () => clearInterval(timer));
        },
      });
      const s = await scene(cleanup, [at(filter, { tempFailOnError: policy, timeoutMessage: '2s' })]);
      const w = await walk(cleanup, s.port);
      assert.equal(faultReply(w, policy).at, 'end');
      assert.deepEqual(failures(s), ['f message_timeout']);
      filter.mend();
      await canary(cleanup, s, policy);
    });
  }
});
