/** Hostile input at the admin interface and in the configuration, and secrets that must show nowhere (reliability A12, A13, A18). */
import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { ensureProgram } from './support/gateway.ts';
import { millrace, send } from './support/operator.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause, until } from './support/wait.ts';
import { ADMIN, administered, ask, raw, TOKEN } from './support/web.ts';

const TOKENS = '/api/v1/tokens';

test('A12: a configuration file with traps is refused with its place, and the program ends with code 3', async (t) => {
  const cleanup = new Cleanup(t);
  await ensureProgram();
  const folder = await tempFolder(cleanup);
  const file = join(folder, 'millrace.yaml');
  const traps: readonly (readonly [string, RegExp])[] = [
    ['{"__proto__": {"x": 1}}', /:1:\d+: .*__proto__/],
    ['{"listeners": [{"name": "a", "bind": "127.0.0.1:0", "__proto__": {"x": 1}}]}', /:1:\d+: /],
    ['{"constructor": {"prototype": {"x": 1}}}', /:1:\d+: constructor: there is no key/],
    ['{"hostname": "a.test", "hostname": "b.test"}', /:1:\d+: .*twice/],
    ['['.repeat(100_000), /:1:1: .*nested/],
    [`{"a": ${'{"a": '.repeat(5000)}`, /:1:1: .*nested/],
    ['{"workers": NaN}', /:1:\d+: workers/],
    ['{"workers": 1e999}', /:1:\d+: workers/],
    ['{"workers": 99999999999999999999}', /:1:\d+: workers/],
    ['{"workers": true, "milters": 5, "log": []}', /workers[^]*milters[^]*log|log|milters/],
    ['{"unknown": 1}', /:1:2: unknown: there is no key/],
    [`hostname: "${'x'.repeat(50 << 20)}"`, /too large/],
    ['\u0000\u0001', /:1:\d+: /],
    ['a: &a [*a]', /:1:\d+: /],
  ];
  for (const [text, says] of traps) {
    await writeFile(file, text);
    const { code, out, errors } = await millrace(folder, 'config', 'check');
    assert.equal(code, 3, text.slice(0, 60));
    assert.match([...out, errors].join('\n'), says, text.slice(0, 60));
  }
  await writeFile(file, traps[0]![0]);
  assert.equal((await millrace(folder, 'serve')).code, 3);
});

test('A12: the same in requests is refused with its place, and reaches no other request', async (t) => {
  const { admin } = await administered(new Cleanup(t));
  const post = (path: string, body: string) => ask(admin, 'POST', path, { headers: ADMIN, body });
  const bodies: readonly (readonly [string, RegExp])[] = [
    ['{"name":"a","scope":"viewer","__proto__":{"x":1}}', /__proto__.*at 29/],
    ['{"name":"a","scope":"viewer","constructor":{"prototype":{"x":1}}}', /constructor/],
    ['{"name":"a","name":"b","scope":"viewer"}', /twice, at 12/],
    ['{"name":"a","scope":"viewer","more":1}', /more/],
    ['{"name":1e999,"scope":"viewer"}', /name/],
    ['{"name":NaN,"scope":"viewer"}', /not understood|JSON/],
    ['{"name":"\\u0000","scope":"viewer"}', /name/],
    ['{"name":["a"],"scope":"viewer"}', /name/],
    ['{"name":"a","scope":"root"}', /scope/],
    ['['.repeat(100_000), /nested/],
    [`{"name":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)},"scope":"viewer"}`, /nested/],
    ['"a"', /./],
    ['null', /./],
    ['', /./],
    ['{', /./],
  ];
  for (const [body, says] of bodies) {
    const answer = await post(TOKENS, body);
    assert.equal(answer.status, 400, `${body.slice(0, 60)}: ${answer.text.slice(0, 200)}`);
    assert.match(answer.headers['content-type'] ?? '', /^application\/problem\+json/);
    assert.match((answer.json() as { detail: string }).detail, says, body.slice(0, 60));
  }
  assert.equal((await post(TOKENS, JSON.stringify({ name: 'a', scope: 'x'.repeat(2 << 20) }))).status, 413);
  const huge = connect(admin, '127.0.0.1');
  huge.on('error', () => undefined);
  huge.write(
    `POST ${TOKENS} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\nContent-Length: 52428800\r\n\r\n{`,
  );
  assert.match(
    await new Promise<string>((resolve) => huge.once('data', (d) => resolve(String(d)))),
    /^HTTP\/1\.1 413/,
  );
  huge.destroy();
  for (const query of [
    'a[__proto__][x]=1',
    '__proto__=1',
    'where[__proto__]=1',
    'limit=NaN',
    'limit=1e9',
    'where=__proto__%3Dx',
    'after=__proto__',
  ]) {
    const { status } = await ask(admin, 'GET', `/api/v1/queue?${query}`, { headers: ADMIN });
    assert.ok(status === 400 || status === 200, `${query}: ${status}`);
  }
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty']) {
    assert.ok(
      (await ask(admin, 'GET', '/api/v1/queue', { headers: { ...ADMIN, [name]: 'x' } })).status < 500,
    );
    for (const list of ['milters', 'listeners', 'routes', 'users'])
      assert.equal((await ask(admin, 'GET', `/api/v1/${list}/${name}`, { headers: ADMIN })).status, 404);
    assert.equal((await ask(admin, 'DELETE', `${TOKENS}/${name}`, { headers: ADMIN })).status, 404);
  }
  const settings = await post(
    '/api/v1/milters',
    '{"settings":{"hostname":"127.0.0.1","constructor":{"prototype":{"x":1}}}}',
  );
  assert.equal(settings.status, 422);
  assert.match((settings.json() as { path: string }).path, /^milters\[0\]\.constructor$/);
  // The probe: an unrelated request behaves as ever, and has no property that nobody gave it.
  const after = await ask(admin, 'GET', TOKENS, { headers: ADMIN });
  assert.deepEqual(
    (after.json() as { name: string }[]).map((token) => Object.keys(token).toSorted()),
    [['created', 'lastUsed', 'name', 'scope']],
  );
  assert.ok(!after.text.includes('"x"'));
});

test('A13: noise, halves and floods at the admin port are cut off; mail goes on', async (t) => {
  const { admin, smtp, gateway } = await administered(new Cleanup(t));
  const pid = gateway.process.pid;
  const head = `Host: 127.0.0.1\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Type: application/json\r\n`;
  const chunked = `POST ${TOKENS} HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\n`;
  const noise: readonly (readonly [string, RegExp])[] = [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03' + '\xff'.repeat(500), /^HTTP\/1\.1 400/],
    ['\x00'.repeat(1000), /^HTTP\/1\.1 400/],
    ['PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', /^HTTP\/1\.1 (?:400|505)/],
    [`GET / HTTP/1.1\r\nHost: x\r\nX: ${'x'.repeat(100_000)}\r\n\r\n`, /^HTTP\/1\.1 431/],
    [`GET /${'x'.repeat(100_000)} HTTP/1.1\r\n\r\n`, /^HTTP\/1\.1 431/],
    [`GET / HTTP/1.1\r\nHost: x\r\n${'X: y\r\n'.repeat(20_000)}\r\n`, /^HTTP\/1\.1 431/],
    [`${chunked}\r\nzz\r\n{}\r\n0\r\n\r\n`, /^(?:HTTP\/1\.1 400|$)/],
    [`${chunked}\r\n${'f'.repeat(20)}\r\n{}\r\n0\r\n\r\n`, /^(?:HTTP\/1\.1 4\d\d|$)/],
    [`${chunked}Content-Length: 5\r\n\r\n0\r\n\r\nGET ${TOKENS} HTTP/1.1\r\n${head}\r\n`, /^HTTP\/1\.1 400/],
    [`POST ${TOKENS} HTTP/1.1\r\n${head}Content-Length: 5\r\nContent-Length: 6\r\n\r\n{}`, /^HTTP\/1\.1 400/],
    [`GET ${TOKENS} HTTP/1.1\r\nHost : x\r\n\r\n`, /^HTTP\/1\.1 400/],
    [`GET ${TOKENS} HTTP/1.1\nHost: 127.0.0.1\n\n`, /^HTTP\/1\.1 (?:400|401)/],
    ['EHLO client.test\r\nMAIL FROM:<a@b.test>\r\n', /^HTTP\/1\.1 400/],
  ];
  for (const [bytes, says] of noise)
    assert.match(await raw(admin, bytes), says, JSON.stringify(bytes.slice(0, 80)));
  const sockets: Socket[] = [];
  t.after(() => sockets.forEach((socket) => socket.destroy()));
  let cut = 0;
  for (let n = 0; n < 1000; n++) {
    const socket = connect(admin, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.once('close', () => cut++);
    socket.resume();
    if (n % 3 === 0) socket.write('GET /api/v1/queue HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow:');
    if (n % 3 === 1) socket.write(`POST ${TOKENS} HTTP/1.1\r\n${head}Content-Length: 100\r\n\r\n{`);
    sockets.push(socket);
  }
  await until('further connections to be closed', 5000, () => cut >= 850);
  const begin = performance.now();
  assert.equal((await send(smtp, 3)).length, 3);
  assert.ok(performance.now() - begin < 3000, 'mail does not wait for it');
  // A header that comes drop by drop has its time, and no more.
  const slow = sockets[0]!;
  const dripping = setInterval(() => slow.write('x'), 500);
  t.after(() => clearInterval(dripping));
  await until('the slow header to be given up', 15_000, () => cut >= 930, 200);
  clearInterval(dripping);
  assert.equal((await ask(admin, 'GET', '/api/v1/queue', { headers: ADMIN })).status, 200);
  assert.equal(gateway.process.pid, pid);
  assert.equal(gateway.log.filter(({ event }) => event === 'gateway.fault').length, 0);
  await (await SmtpSession.greeted(smtp)).quit();
});

test('A18: secrets show in no log, answer, error, process list or file that others may read', async (t) => {
  const cleanup = new Cleanup(t);
  const hash = '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU';
  const next = 'password-for-the-next-hop';
  const { admin, folder, gateway, smtp } = await administered(cleanup, {
    users: [{ name: 'eva', password: hash }],
    log: { level: 'debug' },
    delivery: {
      routes: [{ match: 'true', via: 'smtp', to: '127.0.0.1:9', auth: { user: 'u', password: next } }],
    },
  });
  const fresh = 'a-new-password-in-words';
  const made = await ask(admin, 'POST', '/api/v1/users', {
    headers: ADMIN,
    body: { settings: { name: 'adam', password: fresh } },
  });
  assert.equal(made.status, 200, made.text);
  const token = (
    (await ask(admin, 'POST', TOKENS, { headers: ADMIN, body: { name: 'x', scope: 'viewer' } })).json() as {
      token: string;
    }
  ).token;
  const secrets = [hash, next, fresh, TOKEN, token, 'QUJDREVG', '$scrypt$'];
  const seen: string[] = [made.text];
  const described = await ask(admin, 'GET', '/api/openapi.json', { headers: ADMIN });
  for (const path of Object.keys((described.json() as { paths: object }).paths).filter(
    (p) => p !== '/api/v1/config',
  )) {
    for (const method of ['GET', 'POST', 'PUT', 'DELETE']) {
      const url = path.replace('{name}', 'eva').replace(/\{\w+\}/g, 'x');
      if (method === 'DELETE' && /users|tokens/.test(path)) continue;
      seen.push(
        (
          await ask(admin, method, url, {
            headers: ADMIN,
            ...(method !== 'GET' && { body: { text: next, token: TOKEN, settings: { password: 5 } } }),
          })
        ).text,
      );
    }
  }
  for (const list of ['users', 'routes'])
    seen.push((await ask(admin, 'GET', `/api/v1/${list}`, { headers: ADMIN })).text);
  // A change whose diff stands beside the secret shows what it must, and its error nothing.
  const broken = await ask(admin, 'PUT', '/api/v1/users/eva', {
    headers: ADMIN,
    body: { settings: { name: 'eva', password: '$scrypt$nonsense' } },
  });
  assert.equal(broken.status, 422);
  await send(smtp, 1);
  await pause(300);
  const processes = await Promise.all(
    (await readdir('/proc'))
      .filter((name) => /^\d+$/.test(name))
      .map((id) => readFile(`/proc/${id}/cmdline`, 'latin1').catch(() => '')),
  );
  const ours = processes.filter((line) => line.includes(folder));
  assert.ok(ours.length > 0);
  const shown = (await millrace(folder, 'config', 'show')).out.join('\n');
  for (const secret of secrets) {
    assert.ok(!JSON.stringify(gateway.log).includes(secret), `log: ${secret}`);
    assert.ok(!gateway.process.output.includes(secret), `output: ${secret}`);
    assert.ok(!seen.some((text) => text.includes(secret)), `answers: ${secret}`);
    assert.ok(!ours.some((line) => line.includes(secret)), `processes: ${secret}`);
    assert.ok(!shown.includes(secret), `config show: ${secret}`);
  }
});
