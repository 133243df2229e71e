/** Settings changed while mail flows: all or nothing, one at a time, in every process, whatever kills the gateway. */
import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { json, millrace } from './support/operator.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';
import { ADMIN, administered, ask } from './support/web.ts';

interface Changed {
  readonly revision: string;
  readonly diff: string;
}

/** A filter that nobody can reach and nobody waits for. */
const filter = (name: string, more: object = {}) => ({
  name,
  hostname: '127.0.0.1',
  port: 9,
  onError: 'accept',
  enable: 'false',
  ...more,
});

/** What a listener says in EHLO about the largest message. */
async function sizeSaid(port: number): Promise<string> {
  const session = SmtpSession.open(port);
  await session.expect(220, await session.reply());
  const { text } = await session.command('EHLO client.test');
  await session.quit();
  return /^SIZE (\d+)/m.exec(text)![1]!;
}

test('a filter is added, changed, put in order and removed; sessions go on; comments stay', async (t) => {
  const { admin, gateway, smtp } = await administered(new Cleanup(t));
  const yaml = `# Ours.
hostname: mx.test
stateDir: ./state
listeners:
  - { name: smtp, bind: '127.0.0.1:${smtp}', relay: { networks: 127.0.0.0/8 } }
delivery: { routes: [ { match: 'true', via: maildir, to: ./mail } ] }   # all of it
admin: { bind: '127.0.0.1:${admin}', token: '${ADMIN['authorization']!.slice(7)}' }
`;
  await writeFile(gateway.configFile, yaml);
  assert.equal(
    (await ask(admin, 'POST', '/api/v1/config/reload', { headers: ADMIN, body: {} })).text,
    '{"trouble":""}',
  );
  const open = await SmtpSession.greeted(smtp);
  const call = async (method: string, path: string, body?: unknown, more = {}): Promise<Changed> => {
    const answer = await ask(admin, method, path, {
      headers: { ...ADMIN, ...more },
      ...(body !== undefined && { body }),
    });
    assert.equal(answer.status, 200, answer.text);
    return answer.json() as Changed;
  };
  const { revision } = (await ask(admin, 'GET', '/api/v1/milters', { headers: ADMIN })).json() as Changed;
  const dry = await call('POST', '/api/v1/milters?dryRun=true', { settings: filter('a') });
  assert.match(dry.diff, /^\+ {2}- name: a$/m);
  assert.equal(await readFile(gateway.configFile, 'utf8'), yaml, 'a dry run writes nothing');
  const first = await call(
    'POST',
    '/api/v1/milters',
    { settings: filter('a') },
    { 'if-match': `"${revision}"` },
  );
  await call('POST', '/api/v1/milters', { settings: filter('b'), index: 0 });
  await call('PUT', '/api/v1/milters/a', { settings: filter('a', { port: 10 }) });
  await call('PUT', '/api/v1/milters-order', { names: ['a', 'b'] });
  const listed = (await ask(admin, 'GET', '/api/v1/milters', { headers: ADMIN })).json() as {
    milters: { name: string; says: string; settings: { port: number }; effective: { timeoutData: number } }[];
  };
  assert.deepEqual(
    listed.milters.map(({ name, settings }) => [name, settings.port]),
    [
      ['a', 10],
      ['b', 9],
    ],
  );
  assert.equal(listed.milters[0]!.effective.timeoutData, 60_000);
  assert.match(listed.milters[0]!.says, /^No mail goes through this filter/);
  const text = await readFile(gateway.configFile, 'utf8');
  assert.ok(text.startsWith(yaml.trimEnd()), 'what was there is there, byte by byte');
  await call('DELETE', '/api/v1/milters/a');
  await call('DELETE', '/api/v1/milters/b');
  assert.equal(await readFile(gateway.configFile, 'utf8'), `${yaml}milters: []\n`);
  const { reply } = await open.transaction('a@out.test', ['b@in.test'], 'Subject: x\r\n\r\nb\r\n');
  assert.equal(reply.code, 250, 'a session from before goes on');
  const back = await call('POST', '/api/v1/config/rollback', { revision: first.revision });
  assert.match(back.diff, /^\+ {2}- name: a$/m);
  const history = (await ask(admin, 'GET', '/api/v1/config/history', { headers: ADMIN })).json() as {
    summary: string;
    by: string;
  }[];
  assert.deepEqual(
    history.map(({ summary }) => summary),
    [
      `back to ${first.revision.slice(0, 12)}`,
      'milters: removed b',
      'milters: removed a',
      'milters: new order',
      'milters: changed a',
      'milters: added b',
      'milters: added a',
      'as it was found',
    ],
  );
  const logged = gateway.log.filter(({ event }) => event === 'admin.changed');
  assert.deepEqual(new Set(logged.map(({ by }) => by)), new Set(['operator:default']));
  await open.quit();
});

test('of twenty changes at once from one revision one wins; what is wrong or refused changes nothing', async (t) => {
  const { admin, gateway, folder } = await administered(new Cleanup(t));
  const before = await readFile(gateway.configFile, 'utf8');
  const read = await ask(admin, 'GET', '/api/v1/config', { headers: ADMIN });
  const headers = { ...ADMIN, 'if-match': String(read.headers['etag']) };
  const all = await Promise.all(
    Array.from({ length: 20 }, (_, n) =>
      ask(admin, 'POST', '/api/v1/milters', { headers, body: { settings: filter(`f${n}`) } }),
    ),
  );
  assert.equal(all.filter(({ status }) => status === 200).length, 1);
  assert.equal(all.filter(({ status }) => status === 412).length, 19);
  const now = await readFile(gateway.configFile, 'utf8');
  const put = (text: string, more: object = {}) =>
    ask(admin, 'PUT', '/api/v1/config', { headers: { ...ADMIN, ...more }, body: { text } });
  assert.equal((await put(before)).status, 428);
  assert.equal((await put(before, { 'if-match': headers['if-match'] })).status, 412);
  const wrong = await put('milters:\n  - hostname: 127.0.0.1\n    timeoutData: soon\n', { 'if-match': '*' });
  assert.equal(wrong.status, 422);
  const problem = wrong.json() as { path: string; errors: { line: number; remedy: string }[] };
  assert.deepEqual([problem.path, problem.errors[0]!.line], ['milters[0].timeoutData', 3]);
  for (const [key, value] of [
    ['workers', 2],
    ['stateDir', './elsewhere'],
    ['admin', { bind: '127.0.0.1:1' }],
  ] as const) {
    const other = JSON.stringify({ ...(JSON.parse(now) as object), [key]: value });
    const refused = await put(other, { 'if-match': '*' });
    assert.equal(refused.status, 409, key);
    assert.match((refused.json() as { detail: string }).detail, /restart it/);
  }
  const taken = JSON.parse(now) as { listeners: { bind: string }[] };
  taken.listeners.push({ ...taken.listeners[0]!, name: 'second', bind: `127.0.0.1:${admin}` } as never);
  assert.equal(
    (await put(JSON.stringify(taken), { 'if-match': '*' })).status,
    409,
    'an address that is taken',
  );
  assert.equal(await readFile(gateway.configFile, 'utf8'), now);
  await writeFile(gateway.configFile, `${now}\n`);
  assert.equal(
    (await put(before, { 'if-match': String(all.find(({ status }) => status === 200)!.headers['etag']) }))
      .status,
    412,
    'changed by hand',
  );
  const history = await millrace(folder, 'config', 'history', '--json');
  const [, oldest] = json<{ revision: string }>(history.out);
  const back = await millrace(folder, 'config', 'rollback', oldest!.revision.slice(0, 10));
  assert.equal(back.code, 0, back.errors);
  assert.equal(await readFile(gateway.configFile, 'utf8'), before);
});

test('with two workers both take a change over, or neither does', async (t) => {
  const { admin, gateway, smtp } = await administered(new Cleanup(t), { workers: 2 });
  const sizes = async (): Promise<string[]> => [
    ...new Set(await Promise.all(Array.from({ length: 12 }, () => sizeSaid(smtp)))),
  ];
  assert.deepEqual(await sizes(), [String(50 * 2 ** 20)]);
  const listener = async (change: object) => {
    const { settings } = (await ask(admin, 'GET', '/api/v1/listeners/smtp', { headers: ADMIN })).json() as {
      settings: object;
    };
    return ask(admin, 'PUT', '/api/v1/listeners/smtp', {
      headers: ADMIN,
      body: { settings: { ...settings, ...change } },
    });
  };
  const done = await listener({ maxMessageSize: '1MB' });
  assert.equal(done.status, 200, done.text);
  assert.deepEqual(await sizes(), [String(2 ** 20)]);
  const before = await readFile(gateway.configFile, 'utf8');
  const refused = await listener({
    maxMessageSize: '2MB',
    bind: [`127.0.0.1:${smtp}`, `127.0.0.1:${admin}`],
  });
  assert.equal(refused.status, 409, refused.text);
  assert.deepEqual(await sizes(), [String(2 ** 20)]);
  assert.equal(await readFile(gateway.configFile, 'utf8'), before);
  assert.equal(gateway.log.filter(({ event }) => event === 'gateway.worker-ended').length, 0);
});

test('killed at any moment of a change, the file is the old text or the new one, and the gateway starts from it', async (t) => {
  const { admin, gateway, opened } = await administered(new Cleanup(t));
  const known = new Set([await readFile(gateway.configFile, 'utf8')]);
  for (let round = 0; round < 12; round++) {
    let sent = 0;
    const state = { on: true };
    const changing = (async () => {
      while (state.on) {
        const settings = filter('a', { port: 1 + ((round * 100 + sent++) % 60_000) });

        await ask(admin, 'PUT', '/api/v1/milters', { headers: ADMIN, body: { milters: [settings] } }).catch(
          () => undefined,
        );
      }
    })();
    await until('changes to flow', 10_000, () => sent >= 2, 1);
    await pause(5 + Math.floor(Math.random() * 60));
    await gateway.kill();
    state.on = false;
    await changing;
    const text = await readFile(gateway.configFile, 'utf8');
    const value = JSON.parse(text) as { hostname: string; milters?: { name: string; onError: string }[] };
    assert.equal(value.hostname, 'mx.test', 'the file is whole');
    for (const milter of value.milters ?? []) assert.equal(milter.onError, 'accept');
    known.add(text);
    await gateway.start();
    await opened();
  }
  assert.ok(known.size > 2, 'changes were made');
  const history = (await ask(admin, 'GET', '/api/v1/config/history', { headers: ADMIN })).json() as unknown[];
  assert.ok(history.length > 2 && history.length <= 50);
});

test('a connection that sends half a change and dies changes nothing', async (t) => {
  const { admin, gateway } = await administered(new Cleanup(t));
  const before = await readFile(gateway.configFile, 'utf8');
  const body = JSON.stringify({ settings: filter('a') });
  for (const part of [0, 1, 10, body.length - 1]) {
    const socket = connect(admin, '127.0.0.1');
    socket.on('error', () => undefined);
    const head = `POST /api/v1/milters HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: ${ADMIN['authorization']!}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
    await new Promise<void>((resolve) => socket.write(head + body.slice(0, part), () => resolve()));
    await pause(20);
    socket.resetAndDestroy();
  }
  await pause(200);
  assert.equal(await readFile(gateway.configFile, 'utf8'), before);
  assert.equal((await ask(admin, 'GET', '/api/v1/milters', { headers: ADMIN })).status, 200);
  assert.equal(
    gateway.log.filter(({ event }) => event === 'admin.fault' || event === 'gateway.fault').length,
    0,
  );
});
