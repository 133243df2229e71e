import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bodyOf, bytesOf, type Body } from '#message';
import { openSmtpConnection, type ConnectOptions, type Steps } from './index.ts';
import { CONTENT, machineClock, messageTo } from './rig.cases.ts';
import { startHop, type HopScript, type ScriptedHop } from './scripted-hop.cases.ts';

const FROM = { sender: 'from@test', senderParams: [], size: null };
const to = (address: string) => ({ address, params: ['NOTIFY=NEVER'] });

/** Steps with a scripted hop; both end with the function. */
async function withSteps(
  script: HopScript,
  run: (steps: Steps, hop: ScriptedHop) => Promise<void>,
  more: Partial<ConnectOptions> = {},
): Promise<void> {
  const hop = await startHop(script);
  const connection = await openSmtpConnection(
    { name: '127.0.0.1', port: hop.port, path: '' },
    {
      hostname: 'us.test',
      tls: 'off',
      clock: machineClock,
      notices: () => undefined,
      timeouts: { mail: 200, rcpt: 200, data: 200, dot: 200, quit: 100 },
      ...more,
    },
  );
  assert.ok(!('code' in connection));
  try {
    await run(connection.steps(), hop);
  } finally {
    connection.abort();
    await hop.close();
  }
}

test('each step gives the reply as it was said, and the content goes out stuffed', async () => {
  await withSteps({ offers: ['SIZE 1000', 'DSN'] }, async (steps, hop) => {
    assert.deepEqual(await steps.mail({ ...FROM, size: 77 }), {
      kind: 'said',
      status: { code: 250, enhanced: '2.0.0', text: 'ok', by: '127.0.0.1' },
    });
    assert.equal((await steps.rcpt(to('a@test'))).status.code, 250);
    assert.ok(steps.open && !steps.dotSent);
    const answers = await steps.content(messageTo([]));
    assert.deepEqual(
      answers.map(({ kind, status }) => [kind, status.text]),
      [['said', 'taken']],
    );
    assert.ok(!steps.open && steps.dotSent);
    assert.equal(hop.delivered[0]!.content, CONTENT);
    assert.deepEqual(hop.sessions[0]!.lines.slice(1), [
      'MAIL FROM:<from@test> SIZE=77',
      'RCPT TO:<a@test> NOTIFY=NEVER',
      'DATA',
    ]);
  });
});

test('after a reset another transaction follows, and nothing is said when none is open', async () => {
  await withSteps({}, async (steps, hop) => {
    assert.equal(await steps.reset(), true);
    await steps.mail(FROM);
    assert.equal(await steps.reset(), true);
    await steps.mail(FROM);
    const mail = 'MAIL FROM:<from@test>';
    assert.deepEqual(hop.sessions[0]!.lines.slice(1), [mail, 'RSET', mail]);
  });
});

test('what cannot honestly be asked is refused here, and the connection stays in step', async () => {
  await withSteps({ offers: ['SIZE 1000'] }, async (steps, hop) => {
    assert.deepEqual(
      [
        await steps.mail({ ...FROM, size: 1001 }),
        await steps.mail({ ...FROM, sender: '\xc3\xa9@test' }),
        await steps.mail({ ...FROM, size: 1000 }),
        await steps.rcpt(to('a> <b@test')),
      ].map(({ kind, status }) => [kind, status.code, status.enhanced]),
      [
        ['refused', 552, '5.3.4'],
        ['refused', 553, '5.6.7'],
        ['said', 250, '2.0.0'],
        ['refused', 553, '5.1.3'],
      ],
    );
    assert.equal(steps.refusal(messageTo(['a@test'], { size: 1000 })), null);
    assert.equal(steps.refusal(messageTo(['a@test'], { size: 1001 }))?.enhanced, '5.3.4');
    assert.equal(hop.sessions[0]!.lines.length, 2);
  });
});

test('silence, a broken connection and replies out of place are trouble at every step, and nothing can follow', async () => {
  for (const answer of ['', '<close>', '354 what', 'nonsense'])
    for (const at of ['MAIL', 'RCPT', 'DATA', 'dot']) {
      const script: HopScript =
        at === 'dot'
          ? { content: () => answer }
          : {
              command: (l) =>
                l.startsWith(at) ? (at === 'DATA' && answer === '354 what' ? '250 what' : answer) : undefined,
            };
      await withSteps(script, async (steps) => {
        let step = await steps.mail(FROM);
        if (at !== 'MAIL') step = await steps.rcpt(to('a@test'));
        if (at === 'DATA' || at === 'dot') [step] = (await steps.content(messageTo([]))) as [typeof step];
        assert.equal(step.kind, 'trouble', `${answer} at ${at}`);
        assert.match(step.status.enhanced, /^4\.(?:4\.2|5\.0)$/);
        assert.equal(steps.dotSent, at === 'dot');
        assert.equal(await steps.reset(), false);
        assert.equal((await steps.mail(FROM)).kind, 'trouble');
      });
    }
});

test('a 421 is said, and the connection is of no use', async () => {
  await withSteps({ command: (l) => (l.startsWith('RCPT') ? '421 4.3.2 bye' : undefined) }, async (steps) => {
    await steps.mail(FROM);
    const step = await steps.rcpt(to('a@test'));
    assert.deepEqual([step.kind, step.status.code], ['said', 421]);
    assert.equal(await steps.reset(), false);
  });
});

test('LMTP: one answer for each recipient that was taken, and trouble for those behind a lost connection', async () => {
  const script: HopScript = {
    lmtp: true,
    command: (l) => (l.includes('no@') ? '550 5.1.1 no' : undefined),
    content: () => '250 2.0.0 one\r\n452 4.2.2 two<close>',
  };
  await withSteps(
    script,
    async (steps) => {
      await steps.mail(FROM);
      for (const address of ['a@test', 'no@test', 'b@test', 'c@test']) await steps.rcpt(to(address));
      const answers = await steps.content(messageTo([]));
      assert.deepEqual(
        answers.map(({ kind, status }) => [kind, status.code]),
        [
          ['said', 250],
          ['said', 452],
          ['trouble', 451],
        ],
      );
    },
    { protocol: 'lmtp' },
  );
});

test('content that cannot be read to its end gets no final dot', async () => {
  const broken: Body = {
    ...bodyOf([]),
    chunks: null,
    size: 10,
    async *read() {
      yield bytesOf('half\r\n');
      await Promise.reject(new Error('disk'));
    },
  };
  await withSteps({}, async (steps, hop) => {
    await steps.mail(FROM);
    await steps.rcpt(to('a@test'));
    const [step] = await steps.content({ header: bytesOf('A: b\r\n'), body: broken });
    assert.deepEqual([step!.kind, step!.status.enhanced], ['trouble', '4.3.0']);
    assert.equal(steps.dotSent, false);
    assert.equal(hop.delivered.length, 0);
  });
});
