/**
 * Filters and clients that come and go: M28 and M31 of the reliability tests.
 *
 * M28 runs 10 seconds, both policies at the same time; MILLRACE_M28_SECONDS=60 is the full length. The seed is printed.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { describe, test, type TestContext } from 'node:test';
import { check, faults, summary } from './support/checker.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { Gateway } from './support/gateway.ts';
import { Ledger, hashOf } from './support/ledger.ts';
import { startNextHop } from './support/next-hop.ts';
import { freePorts } from './support/ports.ts';
import { Random, seed } from './support/random.ts';
import { MILTER, at, canary, failures, inStep, processScene } from './support/scene.ts';
import { CONTINUE, ScriptedFilter, addHeader } from './support/scripted-filter.ts';
import { Senders } from './support/senders.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';

const POLICIES = [true, false];
const SECONDS = Number(process.env['MILLRACE_M28_SECONDS'] ?? 10);
/** Time that the breaker may still wait for its next probe when the filter is back for good, in milliseconds. */
const LAST_PROBE = 35_000;

/** Adds its two fields in two writes with a turn of the loop between, so that it can go down in the middle. */
const HALVES: ConstructorParameters<typeof ScriptedFilter>[0] = {
  E: (peer) => {
    peer.write(addHeader('X-Filter-Marker', 'begin'));
    setImmediate(() => peer.write(addHeader('X-Filter-Marker', 'end') + CONTINUE));
  },
};

/** What the next hop saw of the filter's two fields, by number of messages. */
interface Marks {
  both: number;
  none: number;
  half: number;
}

async function flapping(t: TestContext, policy: boolean): Promise<void> {
  const from = seed();
  t.diagnostic(`seed ${from} (MILLRACE_SEED=${from} repeats it)`);
  const random = new Random(from);
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [smtp = 0, hop = 0] = await freePorts(2);
  const ledger = await Ledger.open(join(folder, 'ledger'));
  cleanup.after(() => ledger.close());
  const marks: Marks = { both: 0, none: 0, half: 0 };
  await startNextHop(cleanup, hop, async ({ sender, recipients, content }) => {
    const found = content.match(/^X-Filter-Marker: (?:begin|end)\r$/gm)?.length ?? 0;
    marks[found === 2 ? 'both' : found === 0 ? 'none' : 'half'] += 1;
    await ledger.taken(sender.slice(0, sender.indexOf('@')), recipients, hashOf(content));
    return '250 2.0.0 taken';
  });
  const filter = await ScriptedFilter.start(cleanup, HALVES);
  const gateway = await Gateway.start(cleanup, {
    folder,
    ports: [smtp],
    configuration: JSON.stringify({
      hostname: 'mx.test',
      stateDir: join(folder, 'state'),
      listeners: [{ name: 'smtp', bind: `127.0.0.1:${smtp}`, relay: { domains: ['in.test'] } }],
      milters: [{ name: 'f', hostname: '127.0.0.1', port: filter.port, ...MILTER, tempFailOnError: policy }],
      delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop}`] }], retry: ['1s'] },
      log: { level: 'info' },
    }),
  });
  const senders = new Senders({
    port: smtp,
    ledger,
    random,
    sessions: 20,
    size: [2000, 40_000],
    recipients: [1, 3],
    domain: 'in.test',
  });
  cleanup.after(() => senders.stop());
  const downs = await flap(filter, random);
  await until('a message to be filtered again', LAST_PROBE, () => {
    const before = marks.both;
    return pause(100).then(() => marks.both > before);
  });
  await senders.stop();
  await until(
    'all acknowledged mail to arrive',
    20_000,
    () => check(ledger.evidence([])).lost.length === 0,
    200,
  );

  const findings = check(ledger.evidence([]));
  t.diagnostic(`${downs} times down; ${JSON.stringify(marks)}; ${summary(findings)}`);
  assert.equal(faults(findings), '');
  assert.equal(findings.extra.length, 0);
  assert.equal(marks.half, 0, 'never half of a filter’s changes');
  assert.ok(marks.both >= 20, 'the filter was in use');
  if (policy) {
    assert.equal(marks.none, 0, 'nothing passes unfiltered');
    assert.ok(findings.refused > 0, 'it was down, and that was noticed');
    // A sender whose recipients have all been told 451 and who says DATA all the same is told that there are none.
    for (const said of senders.surprises)
      assert.match(said, /^451 4\.7\.1 |^554 5\.5\.1 No valid recipients$/);
  } else {
    assert.ok(marks.none > 0, 'it was down, and mail passed');
    assert.deepEqual(senders.surprises, [], 'nothing is refused');
    assert.equal(findings.refused, 0);
  }
  assert.deepEqual(gateway.strayLines, []);
  const bad = ['smtp.internal-error', 'gateway.fault'];
  assert.deepEqual(
    gateway.log.filter((line) => bad.includes(String(line['event']))),
    [],
  );
}

/**
 * Half a second up, half a second down, again and again; up at the end. The times vary a little: a filter that keeps exact time
 * could be down at every probe.
 */
async function flap(filter: ScriptedFilter, random: Random): Promise<number> {
  const end = performance.now() + SECONDS * 1000;
  let downs = 0;
  while (performance.now() < end) {
    await pause(random.between(300, 700));
    filter.stop();
    downs += 1;
    await pause(random.between(300, 700));
    await filter.listen();
  }
  return downs;
}

describe('M28 a filter that goes up and down', { concurrency: 2, timeout: (SECONDS + 120) * 1000 }, () => {
  for (const policy of POLICIES)
    test(`M28 a filter goes up and down for ${SECONDS} s under load, tempFailOnError=${policy}: all or nothing`, (t) =>
      flapping(t, policy));
});

/** Where a client can vanish, by what it has said; the last command of each waits for its reply. */
const VANISH: readonly (readonly [where: string, go: (session: SmtpSession) => Promise<void>])[] = [
  ['in MAIL', async (c) => void (await c.command('MAIL FROM:<gone@out.test>'))],
  ['in MAIL, unanswered', async (c) => c.write('MAIL FROM:<gone@out.test>\r\n')],
  [
    'in DATA',
    async (c) => {
      await intoContent(c);
      c.write('Subject: gone\r\n\r\nhalf a li');
    },
  ],
  [
    'before the dot',
    async (c) => {
      await intoContent(c);
      c.write('Subject: gone\r\n\r\na whole body\r\n');
    },
  ],
];

async function intoContent(session: SmtpSession): Promise<void> {
  await session.command('MAIL FROM:<gone@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  await session.expect(354, await session.command('DATA'));
}

const CLIENTS = 1000;
const AT_ONCE = 25;

/** Runs `one` so many times, some at the same time. */
async function repeatedly(count: number, one: (n: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await one(next++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

for (const policy of POLICIES)
  test(`M31 ${CLIENTS} clients vanish and ${CLIENTS} transactions are reset, tempFailOnError=${policy}: no filter connection is left`, async (t) => {
    const cleanup = new Cleanup(t);
    const filter = await ScriptedFilter.start(cleanup, {});
    filter.mend();
    const s = await processScene(cleanup, [at(filter, { tempFailOnError: policy })], {
      listener: { maxConnectionsPerClient: 1000 },
    });
    await canary(cleanup, s, policy);
    await until('the canary’s conversation to end', 2000, () => filter.open === 0);
    const descriptors = await s.descriptors();
    const before = filter.peers.length;

    await repeatedly(CLIENTS, async (n) => {
      const session = await SmtpSession.greeted(s.port);
      await VANISH[n % VANISH.length]![1](session);
      session.reset();
    });
    await until('every conversation with the filter to end', 10_000, () => filter.open === 0);
    const vanished = filter.peers.slice(before);
    assert.equal(vanished.length, CLIENTS);
    let told = 0;
    for (const { heard, socket } of vanished) {
      const codes = heard.map((h) => h.code).join('');
      assert.doesNotMatch(codes, /E/, 'no message was whole');
      assert.ok(socket.destroyed);
      if (/M.*[AQ]/.test(codes)) told += 1;
    }
    // A filter that still owes an answer to MAIL is out of step: its connection is just closed.
    assert.ok(told >= 0.75 * CLIENTS, `${told} filters heard ABORT or QUIT after MAIL`);

    const resets = filter.peers.length;
    await repeatedly(AT_ONCE, async () => {
      const session = await SmtpSession.greeted(s.port);
      for (let i = 0; i < CLIENTS / AT_ONCE; i += 1) {
        await session.command('MAIL FROM:<gone@out.test>');
        await session.command('RCPT TO:<b@in.test>');
        assert.equal((await session.command('RSET')).code, 250);
      }
      await inStep(session);
      await session.quit();
    });
    await until('every conversation with the filter to end', 10_000, () => filter.open === 0);
    const aborts = filter.peers.slice(resets).flatMap((p) => p.heard.filter((h) => h.code === 'A'));
    assert.equal(aborts.length, CLIENTS);

    // The connection to the next hop may have been closed or opened meanwhile.
    await until(
      'all descriptors to be given back',
      10_000,
      async () => (await s.descriptors()) <= descriptors + 2,
    );
    assert.deepEqual(failures(s), []);
    assert.equal(s.taken.filter((m) => m.sender === 'gone@out.test').length, 0);
    await canary(cleanup, s, policy);
  });
