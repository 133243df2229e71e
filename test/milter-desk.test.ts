/**
 * What operators do with filters while mail flows: taking one out and giving it back, forgetting what was learnt about one, looking
 * at how they do, running a message dry, and testing a connection over the API without reaching the gateway's own doors.
 */
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test, type TestContext } from 'node:test';
import { attend } from '#admin';
import { Gateway, systemClock } from '#gateway';
import { loadConfig, passwordHashText } from '#gateway/config';
import { defineMilter, quarantine, reject } from '#milter/filter';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, rawFilter, type House } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { mill, said } from './support/mill.ts';
import { startNextHop } from './support/next-hop.ts';
import { json, millrace } from './support/operator.ts';
import { freePort } from './support/ports.ts';
import { addHeader, CONTINUE, ScriptedFilter } from './support/scripted-filter.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { until } from './support/wait.ts';

const ALL = { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] };
const marking = (name: string) =>
  defineMilter({
    name,
    needs: ['addHeaders'],
    onMessage: (_s, _env, msg) => msg.headers.add(`X-${name}`, 'seen'),
  });

/** Sends a message and gives what was stored of it. */
async function sent(h: House, session: SmtpSession, subject: string) {
  const { reply } = await session.transaction(
    'a@out.test',
    ['b@in.test'],
    `Subject: ${subject}\r\n\r\nx\r\n`,
  );
  assert.equal(reply.code, 250, reply.text);
  return arrived(h.mail, subject, (m) => m.field('Subject').includes(subject));
}

test('a paused filter is not asked, also in a session and a transaction under way; mail passes without it', async (t) => {
  const h = await house(new Cleanup(t), [{ filter: marking('one'), more: ALL }, { filter: marking('two') }]);
  const { milters } = h.gateway.office!;
  const session = await h.open();
  assert.deepEqual((await sent(h, session, 'before')).field('X-one'), ['seen']);
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  const paused = await milters.pause('one', { reason: 'maintenance', for: 60_000 }, 'operator:eva');
  assert.ok('state' in paused);
  assert.equal(paused.state, 'paused');
  assert.match(paused.says, /^paused by operator:eva until 20\S+Z: maintenance; mail passes without it$/);
  assert.equal((await session.command('DATA')).code, 354);
  session.write('Subject: half\r\n\r\nx\r\n.\r\n');
  assert.equal((await session.reply()).code, 250);
  const half = await arrived(h.mail, 'half', (m) => m.field('Subject').includes('half'));
  assert.deepEqual([half.field('X-one'), half.field('X-two')], [[], ['seen']]);
  assert.deepEqual((await sent(h, session, 'during')).field('X-one'), []);
  assert.deepEqual((await sent(h, await h.open(), 'another')).field('X-one'), []);
  assert.equal(milters.health('one')!.errors['disconnected'], undefined);
  const back = await milters.resume('one', 'operator:eva');
  assert.ok('state' in back && back.state === 'answering');
  assert.deepEqual((await sent(h, session, 'after')).field('X-one'), ['seen']);
  assert.deepEqual(
    h.heard.filter((n) => /^milter\.(paused|resumed)$/.test(n.name)).map((n) => [n.name, n.fields['by']]),
    [
      ['milter.paused', 'operator:eva'],
      ['milter.resumed', 'operator:eva'],
    ],
  );
  assert.ok('trouble' in (await milters.resume('one', 'operator:eva')));
  assert.ok('trouble' in (await milters.pause('none', { reason: 'x', for: null }, 'operator:eva')));
});

test('a pause outlives the gateway that was told of it, and keeps a filter that is down from refusing mail', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const nobody = await freePort();
  const milters = [{ name: 'gone', hostname: '127.0.0.1', port: nobody, timeoutConnect: '1s' }];
  const h = await house(cleanup, [], { stateDir: folder, milters });
  const refused = await (await h.open()).transaction('a@out.test', ['b@in.test'], 'Subject: no\r\n\r\nx\r\n');
  assert.equal(refused.reply.code, 451);
  await h.gateway.office!.milters.pause('gone', { reason: 'being moved', for: null }, 'operator:eva');
  await sent(h, await h.open(), 'yes');
  await h.gateway.stop(500);
  const again = await house(cleanup, [], { stateDir: folder, milters });
  assert.equal(again.gateway.office!.milters.health('gone')!.state, 'paused');
  await sent(again, await again.open(), 'still');
});

test('the state of a filter in words: unused, answering, unreachable; a reset has it tried at once', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const filter = await ScriptedFilter.start(cleanup, { E: addHeader('X-F', 'y') + CONTINUE }, { port });
  const h = await house(cleanup, [{ port, more: { name: 'f', reuse: true, ...ALL } }]);
  const { milters } = h.gateway.office!;
  const state = () => milters.health('f')!;
  assert.deepEqual([state().state, state().says], ['unused', 'it was not asked yet']);
  const session = await h.open();
  for (let n = 0; n < 3; n++) await sent(h, session, `m${n}`);
  await session.quit();
  await until('the conversation to be kept', 5000, () => state().idle === 1);
  const good = state();
  assert.equal(good.state, 'answering');
  assert.deepEqual([good.version, good.messages, good.answers], [6, 3, { continue: 3 }]);
  assert.ok(good.actions.includes('ADDHDRS') && good.p50 > 0 && good.p99 >= good.p50);
  await milters.reset('f', 'operator:eva');
  assert.equal(state().idle, 0);
  filter.stop();
  const client = await h.open();
  for (let n = 0; n < 4; n++)
    await client.transaction('a@out.test', ['b@in.test'], 'Subject: down\r\n\r\nx\r\n');
  const down = state();
  assert.equal(down.state, 'unreachable');
  assert.match(
    down.says,
    /^not reachable since 20\S+Z, \d tr(y|ies), next in \d s; new mail gets 451 4\.7\.1 and comes again later$/,
  );
  assert.match(down.lastError, /connection refused/);
  assert.ok(down.errors['connect']! >= 3 && down.since !== null && down.nextTry !== null);
  await filter.listen({ port });
  await milters.reset('f', 'operator:eva');
  assert.deepEqual((await sent(h, client, 'up')).field('X-F'), ['y']);
  assert.equal(state().state, 'answering');
  assert.ok(h.heard.some((n) => n.name === 'milter.reset' && n.fields['by'] === 'operator:eva'));
});

/** A message for a dry run. */
const run = (more: object = {}) => ({
  message: Buffer.from('Subject: dry\r\nFrom: a@out.test\r\n\r\nbody\r\n'),
  client: '192.0.2.7',
  clientName: 'client.test',
  helo: 'client.test',
  user: '',
  listener: 'smtp',
  from: 'a@out.test',
  to: ['b@in.test'],
  ...more,
});

async function dry(h: House, more: object = {}) {
  const result = await h.gateway.office!.milters.dryRun(run(more));
  assert.ok(!('trouble' in result), 'trouble' in result ? result.trouble : '');
  return result;
}

test('a dry run: every reply, what each filter said, the message before and after, the way it would take; nothing is queued', async (t) => {
  const seen: string[] = [];
  const one = defineMilter({
    name: 'one',
    needs: ['changeHeaders'],
    onConnect: (s) => void seen.push(`${s.client.address} ${s.client.host}`),
    onRcpt: (_s, to) => (to.address.startsWith('bad') ? reject(550, '5.7.1', 'closed') : undefined),
    onMessage: (_s, _env, msg) => msg.headers.set('Subject', 'changed'),
  });
  const two = defineMilter({
    name: 'two',
    needs: ['replaceBody', 'quarantine'],
    onMessage: (_s, env, msg) => {
      msg.replaceBody('new body\r\n');
      return env.user === 'eva' ? undefined : quarantine('not logged in');
    },
  });
  const salt = Buffer.alloc(16, 1);
  const hash = { kind: 'scrypt', ln: 14, r: 8, p: 1, salt, hash: Buffer.alloc(32, 2) } as const;
  const users = [{ name: 'eva', password: passwordHashText(hash) }];
  const h = await house(new Cleanup(t), [{ filter: one, more: ALL }, { filter: two }], { users });
  const held = await dry(h, { to: ['bad@in.test', 'b@in.test', 'c@elsewhere.test'] });
  assert.deepEqual(seen, ['192.0.2.7 client.test']);
  assert.equal(held.outcome, 'held');
  assert.match(held.says, /it would be held: two says not logged in/);
  assert.deepEqual(
    held.replies.map(({ command, reply }) => [command, reply.slice(0, 9)]),
    [
      ['CONNECT', '220 ready'],
      ['EHLO client.test', '250 hello'],
      ['MAIL FROM:<a@out.test>', '250 2.1.0'],
      ['RCPT TO:<bad@in.test>', '550 5.7.1'],
      ['RCPT TO:<b@in.test>', '250 2.1.5'],
      ['RCPT TO:<c@elsewhere.test>', '554 5.7.1'],
      ['DATA', '354 End d'],
      ['end of message', '250 2.0.0'],
    ],
  );
  assert.deepEqual(
    held.replies[3]!.filters.map(({ name, verdict }) => [name, verdict]),
    [['one', 'replycode']],
  );
  assert.deepEqual(
    held.filters.map(({ name, edits }) => [name, edits.map((e) => e.kind)]),
    [
      ['one', ['changeHeader']],
      ['two', ['replaceBody', 'quarantine']],
    ],
  );
  const { original, steps } = held.changes!;
  const header = (moment: { readonly header: Uint8Array }): string => Buffer.from(moment.header).toString();
  assert.match(header(original), /^Received: from client\.test \(client\.test \[192\.0\.2\.7\]\)/);
  assert.match(header(original), /\r\nSubject: dry\r\n/);
  assert.deepEqual([steps[0]!.milter, steps[0]!.body, steps[1]!.milter], ['one', null, 'two']);
  assert.match(header(steps[0]!), /\r\nSubject: changed\r\n/);
  assert.match(header(steps[1]!), /\r\nSubject: changed\r\n/);
  assert.equal(Buffer.from(steps[1]!.body!).toString(), 'new body\r\n');
  assert.deepEqual(
    held.delivery.map(({ recipient, route, via }) => [recipient, route, via]),
    [['b@in.test', 0, 'maildir']],
  );
  const accepted = await dry(h, { user: 'eva', client: '127.0.0.1', to: ['c@elsewhere.test'] });
  assert.deepEqual([accepted.outcome, accepted.replies[2]!.command], ['accepted', 'AUTH eva']);
  assert.deepEqual(await readMaildir(h.mail).catch(() => []), []);
  assert.deepEqual(
    h.heard.filter((n) => /^(message|delivery)\./.test(n.name)),
    [],
  );
});

test('a dry run that is refused tells by whom, and the way recipients would take all the same', async (t) => {
  const filter = defineMilter({ name: 'no', onMessage: () => reject(554, '5.7.1', 'Spam <b>\u202e') });
  const h = await house(new Cleanup(t), [{ filter }], {
    delivery: {
      routes: [
        { match: "rcpt_domain == 'lmtp.test'", via: 'lmtp', to: ['10.0.0.1:24', '10.0.0.2:24'] },
        { match: "rcpt_domain == 'mx.test'", via: 'mx' },
      ],
    },
  });
  const to = ['a@lmtp.test', 'b@mx.test', 'c@nowhere.test'];
  const result = await dry(h, { client: '127.0.0.1', to });
  assert.equal(result.outcome, 'rejected');
  assert.match(result.says, /^no would refuse it: 554 5\.7\.1 Spam <b>/);
  assert.ok(!result.says.includes('\u202e'));
  assert.equal(result.changes, null);
  assert.deepEqual(
    result.delivery.map(({ route, via, destination, hops }) => [route, via, destination, hops]),
    [
      [0, 'lmtp', 'lmtp:10.0.0.1:24,10.0.0.2:24', ['10.0.0.1:24', '10.0.0.2:24']],
      [1, 'mx', 'mx:mx.test', []],
      [-1, '', '', []],
    ],
  );
  assert.deepEqual(result.delivery[1]!.passedOver, ['routes[0]: its condition does not hold']);
  const bad = await dry(h, { from: 'a b@c d' });
  assert.equal(bad.outcome, 'rejected');
  assert.match(bad.replies.at(-1)!.reply, /^501 /);
  const { milters } = h.gateway.office!;
  assert.ok('trouble' in (await milters.dryRun(run({ listener: 'none' }))));
  assert.ok('trouble' in (await milters.dryRun(run({ to: [] }))));
});

test('a filter that cannot be used shows in a dry run with its error, and its onError decides', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await rawFilter(cleanup, (socket) => socket.destroy());
  const h = await house(cleanup, [{ port, more: { name: 'broken' } }]);
  const result = await dry(h);
  assert.equal(result.outcome, 'tempfailed');
  assert.deepEqual([result.filters[0]!.verdict, result.filters[0]!.name], ['failed', 'broken']);
  assert.match(result.filters[0]!.error, /closed the connection after the option offer/);
});

/** A gateway with the interface for operators on a port. */
async function withApi(t: TestContext) {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const [admin, smtp] = [await freePort(), await freePort()];
  const token = 'a-token-of-sixteen-characters';
  const configuration = {
    stateDir: folder,
    hostname: 'mx.test',
    listeners: [{ name: 'smtp', bind: `127.0.0.1:${smtp}` }],
    spool: { engine: 'memory' },
    admin: { bind: `127.0.0.1:${admin}`, token },
    delivery: { routes: [{ match: 'true', via: 'discard' }] },
    milters: [{ name: 'link', hostname: '169.254.7.7', port: 1, timeoutConnect: '100ms' }],
  };
  const loaded = loadConfig({ text: JSON.stringify(configuration), name: 'test', base: folder });
  assert.ok(loaded.ok);
  const around = { clock: systemClock, notices: () => undefined };
  const gateway = await Gateway.start(loaded.config, around);
  const attendance = await attend(gateway.office!, loaded.config, around);
  cleanup.after(async () => {
    await attendance.close();
    await gateway.stop(500);
  });
  const ask = async (path: string, body: unknown, bearer: string = token) => {
    const answer = await fetch(`http://127.0.0.1:${admin}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${bearer}` },
      body: JSON.stringify(body),
    });
    return { status: answer.status, text: await answer.text() };
  };
  return { cleanup, folder, admin, ask };
}

test('A14: a test of a connection is for admins, never reaches the own doors, and echoes no stranger', async (t) => {
  const { cleanup, folder, admin, ask } = await withApi(t);
  const tested = async (settings: object, probe = 'none') => {
    const { status, text } = await ask('milter-test', { settings, probe });
    assert.equal(status, 200, text);
    return JSON.parse(text) as { ok: boolean; exit: number; says: string; steps: { step: string }[] };
  };
  for (const hostname of ['127.0.0.1', 'localhost', '0.0.0.0']) {
    const { ok, says, steps } = await tested({ hostname, port: admin });
    assert.equal(ok, false);
    assert.match(says, /own interface for operators/);
    assert.deepEqual(
      steps.map(({ step }) => step),
      ['resolve'],
    );
  }
  assert.match((await tested({ socket: `${folder}/control.sock` })).says, /own interface for operators/);
  assert.match((await tested({ hostname: '169.254.169.254', port: 80 })).says, /link-local/);
  const configured = JSON.parse((await ask('milter-test', { name: 'link' })).text) as { says: string };
  assert.doesNotMatch(configured.says, /link-local/, 'a configured filter is an explicit allowance');
  for (const settings of [
    { hostname: 'file:///etc/passwd' },
    { hostname: 'gopher://127.0.0.1' },
    { hostname: { file: '/etc/passwd' } },
    { hostname: '127.0.0.1', tlsCa: '/etc/shadow', useTls: true, port: 'x' },
  ])
    assert.equal((await ask('milter-test', { settings })).status, 400);
  const secret = 'TOP-SECRET-'.repeat(20);
  const stranger = await rawFilter(
    cleanup,
    (socket) => void socket.end(`HTTP/1.1 200 OK\r\nX: 1\r\n\r\n${secret}`),
  );
  const { status, text } = await ask('milter-test', { settings: { hostname: '127.0.0.1', port: stranger } });
  assert.equal(status, 200);
  assert.match(text, /HTTP server/);
  assert.ok(!text.includes('TOP-SECRET-TOP-SECRET'));
  assert.equal((await ask('milter-test', { settings: {}, name: 'link' })).status, 400);
  assert.equal(
    (await ask('milter-test', { settings: { hostname: 'x' } }, 'wrong-token-of-16-chars')).status,
    401,
  );
  const { secret: viewer, token } = JSON.parse(
    (await ask('tokens', { name: 'eyes', scope: 'operator' })).text,
  ) as {
    secret?: string;
    token?: string;
  };
  const bearer = viewer ?? token ?? '';
  assert.equal((await ask('milter-test', { name: 'link' }, bearer)).status, 403);
  assert.equal((await ask('dry-run', run({ message: 'x' }), bearer)).status, 403);
  assert.equal((await ask('milters/link/pause', { reason: 'r' }, bearer)).status, 200);
  assert.equal((await ask('milters/link/resume', {}, bearer)).status, 200);
  assert.equal((await ask('milters/link/resume', {}, bearer)).status, 409);
  assert.equal((await ask('milters/none/pause', { reason: 'r' })).status, 404);
});

test('the API runs messages dry and tries expressions, whatever is in them', async (t) => {
  const { ask } = await withApi(t);
  const message = 'Subject: <img src=x onerror=1>\n\nbody ü\n';
  const input = { message, client: '127.0.0.1', listener: 'smtp', to: ['b@in.test'] };
  const { status, text } = await ask('dry-run', { ...input, encoding: 'text' });
  assert.equal(status, 200, text);
  const result = JSON.parse(text) as { outcome: string; changes: { original: { body: string } } | null };
  assert.equal(result.outcome, 'tempfailed'); // its only filter cannot be reached
  const base64 = Buffer.from('Subject: raw\r\n\r\n\xff\r\n', 'latin1').toString('base64');
  assert.equal((await ask('dry-run', { ...input, message: base64, encoding: 'base64' })).status, 200);
  assert.equal((await ask('dry-run', { ...input, client: 'not an address' })).status, 400);
  assert.equal((await ask('dry-run', { ...input, to: [] })).status, 400);
  const check = await ask('expressions/check', { expression: "matches('(a+)+$(', rcpt)", for: 'enable' });
  assert.equal(check.status, 200);
  assert.match(check.text, /"code":"bad-regex"/);
  const evaluated = await ask('expressions/eval', {
    expression: 'rcpt',
    for: 'route',
    variables: { rcpt: 'x' },
  });
  assert.match(evaluated.text, /"value":"'x'"/);
  assert.equal((await ask('expressions/eval', { expression: 'x', variables: { nope: 1 } })).status, 400);
  assert.equal((await ask('expressions/eval', { expression: 'a'.repeat(70_000) })).status, 400);
});

test('with two workers a pause reaches both, and so does its end', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, { E: addHeader('X-F', 'y') + CONTINUE });
  const milters = [{ name: 'f', hostname: '127.0.0.1', port: filter.port }];
  const { gateway, folder, port, nextHopPort } = await mill(cleanup, { milters });
  const taken: string[] = [];
  await startNextHop(cleanup, nextHopPort, ({ content }) => {
    taken.push(content);
    return '250 2.0.0 taken';
  });
  const marked = async (): Promise<number> => {
    const before = taken.length;
    for (let n = 0; n < 4; n++) {
      const session = await SmtpSession.greeted(port);
      const { reply } = await session.transaction('a@out.test', ['b@in.test'], 'Subject: x\r\n\r\nx\r\n');
      assert.equal(reply.code, 250, reply.text);
      await session.quit();
    }
    await until('all to be delivered', 10_000, () => taken.length === before + 4);
    return taken.slice(before).filter((m) => m.includes('X-F: y')).length;
  };
  assert.equal(await marked(), 4);
  const paused = await millrace(
    folder,
    'milter',
    'pause',
    'f',
    '--reason',
    'trial',
    '--for',
    '10m',
    '--json',
  );
  assert.equal(paused.code, 0, paused.errors);
  const [health] = json<{ state: string; pausedBy: string }>(paused.out);
  assert.equal(health!.state, 'paused');
  assert.match(health!.pausedBy, /^operator:/);
  await until('both to know', 10_000, async () => (await marked()) === 0, 100);
  const listed = await millrace(folder, 'milter', 'list');
  assert.match(listed.out[0]!, /^f: paused by operator:\S+ until \S+: trial; mail passes without it/);
  assert.equal((await millrace(folder, 'milter', 'resume', 'f')).code, 0);
  await until('both to know', 10_000, async () => (await marked()) === 4, 100);
  assert.equal((await millrace(folder, 'milter', 'reset', 'f')).code, 0);
  const none = await millrace(folder, 'milter', 'pause', 'none', '--reason', 'x');
  assert.equal(none.code, 4);
  assert.match(none.errors, /^error: there is no filter none — milters — /m);
  assert.equal(said(gateway, 'milter.paused').length, 1);
  assert.ok(readdirSync(`${folder}/state`).includes('paused.json'));
  assert.equal(await gateway.stop(), 0);
  assert.equal((await millrace(folder, 'milter', 'list')).code, 5);
});
