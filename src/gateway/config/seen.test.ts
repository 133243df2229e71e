import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { diagnosticLine, loadConfig, type ConfigDiagnostic } from '#gateway/config';

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
mkdirSync(join(folder, 'tls'));
for (const name of ['cert.pem', 'key.pem']) writeFileSync(join(folder, 'tls', name), 'pem');
after(() => rmSync(folder, { recursive: true }));

const load = (text: string) => loadConfig({ text, name: 'c.yaml', base: folder }, { env: {} });
function errors(text: string): readonly ConfigDiagnostic[] {
  const loaded = load(text);
  assert.ok(!loaded.ok, 'it loaded');
  return loaded.errors;
}

test('an error hides none that stands beside it, whatever finds it', () => {
  const text = [
    'hostname: a b',
    'hostname: twice',
    'users: [{ name: a, password: b }]',
    'listeners:',
    '  - { name: 1.5, bind: "0.0.0.0:25", auth: required }',
    '  - 7',
    '  - { name: b, bind: [25, "127.0.0.1:25"], tls: starttls }',
    'milters:',
    '  - hostname: f',
    '    timeoutData: 5x',
    `    enable: "listner == 'smtp'"`,
    'delivery:',
    '  notifyDelay: 4x',
    '  retry: [1m, soon]',
    '  routes:',
    '    - { match: "rcpt_domian == 1", via: pigeon, to: [""] }',
    '    - { match: "true", via: smtp, to: ["", "a:x"] }',
    '    - { via: maildir, to: "{x}" }',
    '    - { match: "true", via: mx, to: [a] }',
  ].join('\n');
  const marks = errors(text).map((d) => `${d.line}:${d.column} ${d.path} ${d.code}`);
  assert.deepEqual(marks, [
    '1:11 hostname invalid',
    '2:1 hostname duplicate',
    '3:30 users[0].password invalid',
    '5:13 listeners[0].name invalid',
    '6:5 listeners[1] invalid',
    '7:23 listeners[2].bind[0] invalid',
    '7:27 listeners[2].bind[1] duplicate',
    '7:49 listeners[2].tls invalid',
    '10:18 milters[0].timeoutData invalid',
    '11:14 milters[0].enable unknown-variable',
    '13:16 delivery.notifyDelay invalid',
    '14:15 delivery.retry[1] invalid',
    '16:17 delivery.routes[0].match unknown-variable',
    '16:41 delivery.routes[0].via invalid',
    '16:54 delivery.routes[0].to[0] invalid',
    '17:40 delivery.routes[1].to[0] invalid',
    '17:44 delivery.routes[1].to[1] invalid',
    '18:7 delivery.routes[2].match missing',
    '18:27 delivery.routes[2].to invalid',
    '19:33 delivery.routes[3].to invalid',
  ]);
});

test('what only follows from an error is not said', () => {
  const tls = 'tlsCertificate: tls/cert.pem';
  const cases = [
    'milters: [{hostname: "a b"}]',
    'milters: [{socket: 5}]',
    'milters: [{hostnme: a}]',
    'milters: [5]',
    `milters: [{hostname: localhost, useTls: perhaps, ${tls}, tlsKey: tls/key.pem}]`,
    `milters: [{hostname: localhost, useTls: true, ${tls}, tlsKey: 5}]`,
    `milters: [{hostname: localhost, useTls: true, ${tls}, tlsKye: tls/key.pem}]`,
    'milters: [{hostname: localhost, protocolVersion: v3, flagsAction: 4294967295}]',
    `milters: [{hostname: localhost, stages: [connec], enable: "rcpt == 'a'"}]`,
    'listeners: [{name: a, bind: "[::]:1", tls: starttls}]\ntls: 5',
    'listeners: [{name: a, bind: "[::]:1", tls: starttls}]\ntsl: {certificate: tls/cert.pem, key: tls/key.pem}',
    'listeners: [{name: a, bind: "[::]:1", tls: starttls}]\ntls: {certificate: 5, key: tls/key.pem}',
    'listeners: [{name: a, bind: 25}, {name: b, bind: 25}]',
    'listeners: [{name: "a b", bind: "[::]:1"}, {name: "", bind: "[::]:2"}]',
    'listeners: [{nam: a, bind: "[::]:1"}]',
    'listeners: 5',
    'delivery: {routes: [{match: "true", via: smtp, to: 5}]}',
    'delivery: {routes: [{match: "true", via: maildir, to: [""]}]}',
    'delivery: {routes: [{match: "true", via: maildir, too: a}]}',
    'delivery: {routes: [{match: "true", vai: maildir, to: "{x}", tls: off}]}',
    'delivery: {routes: [5]}',
    'delivery: {routes: 5}',
  ];
  for (const text of cases) {
    const loaded = load(text);
    assert.ok(!loaded.ok, text);
    const found = [...loaded.errors, ...loaded.warnings].map(diagnosticLine);
    assert.equal(found.length, /name: b|name: "",/.test(text) ? 2 : 1, `${text}\n${found.join('\n')}`);
  }
});

test('two addresses that the system would not open together are refused', () => {
  const listening = (...binds: string[]) => JSON.stringify({ listeners: [{ name: 'a', bind: binds }] });
  const apart = (...binds: string[]) =>
    JSON.stringify({ listeners: binds.map((bind, i) => ({ name: `l${i}`, bind })) });
  for (const [one, other] of [
    ['0.0.0.0:25', '127.0.0.1:25'],
    ['127.0.0.1:25', '0.0.0.0:25'],
    ['[::]:25', '[::1]:25'],
    ['127.0.0.1:25', 'localhost:25'],
    ['[::ffff:0.0.0.0]:25', '10.0.0.1:25'],
    ['unix:s', 'unix:./s'],
  ] as const)
    for (const text of [listening(one, other), apart(one, other)]) {
      const found = errors(text);
      assert.deepEqual([found.length, found[0]!.code], [1, 'duplicate'], text);
    }
  for (const [one, other] of [
    ['0.0.0.0:25', '[::]:25'],
    ['0.0.0.0:25', '[::1]:25'],
    ['0.0.0.0:25', '127.0.0.1:26'],
    ['127.0.0.1:25', '127.0.0.2:25'],
    ['0.0.0.0:0', '127.0.0.1:0'],
    ['127.0.0.1:0', '127.0.0.1:0'],
    ['unix:0.0.0.0:25', '0.0.0.0:25'],
  ] as const)
    for (const text of [listening(one, other), apart(one, other)]) assert.ok(load(text).ok, text);
  assert.equal(
    diagnosticLine(errors('listeners: [{name: a, bind: ["0.0.0.0:2525", "127.0.0.1:2525"]}]')[0]!),
    'c.yaml:1:46: listeners[0].bind[1]: listener a is bound there already, on 0.0.0.0 port 2525 — keep one of them, or choose another port',
  );
});
