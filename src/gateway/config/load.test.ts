import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { diagnosticLine, loadConfig, type Config, type ConfigDiagnostic } from '#gateway/config';
import { LIMIT_DEFAULTS } from './schema-limits.ts';

const fixture = (name: string): string => readFileSync(new URL(`fixtures/${name}`, import.meta.url), 'utf8');
/** The configuration contract, as it stands. */
/** With a hash where the contract only hints at one. */
const HASH = '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU';
const EXAMPLE = fixture('example.yaml.txt').replace('$scrypt$...', () => HASH);
/** The example of the specification, as it stands. */
const MILTERS = fixture('milters.json.txt');

const folder = mkdtempSync(join(tmpdir(), 'millrace-config-'));
mkdirSync(join(folder, 'tls'));
for (const name of ['cert.pem', 'key.pem']) writeFileSync(join(folder, 'tls', name), 'pem');
after(() => rmSync(folder, { recursive: true }));

const load = (text: string, env: Record<string, string> = {}) =>
  loadConfig({ text, name: 'c.yaml', base: folder }, { env });
function good(text: string, env?: Record<string, string>): Config {
  const loaded = load(text, env);
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.errors.map(diagnosticLine).join('\n'));
  return loaded.config;
}
function errors(text: string, env?: Record<string, string>): readonly ConfigDiagnostic[] {
  const loaded = load(text, env);
  assert.ok(!loaded.ok, 'it loaded');
  return loaded.errors;
}
/** `line:column path code` of each error. */
const marks = (text: string): string[] =>
  errors(text).map((d) => `${d.line}:${d.column} ${d.path} ${d.code}`);

test('what is not supported yet is refused at its line, with the way out', () => {
  const [found, ...more] = errors('workers: 1\nspool:\n  engine: postgres\n');
  assert.deepEqual(more, []);
  assert.equal(found!.code, 'not-supported-yet');
  assert.equal(
    diagnosticLine(found!),
    'c.yaml:3:3: spool.engine: the postgres engine is not supported yet — write lmdb or memory',
  );
});

test('the contract as it stands loads', () => {
  const c = good(EXAMPLE);
  assert.equal(c.hostname, 'mx.example.org');
  assert.equal(c.stateDir, join(folder, 'var'));
  assert.deepEqual(c.listeners[0], {
    name: 'smtp',
    bind: [
      { kind: 'tcp', host: '0.0.0.0', port: 25 },
      { kind: 'tcp', host: '::', port: 25 },
    ],
    protocol: 'smtp',
    dsn: true,
    tls: 'starttls',
    clientCertificates: 'off',
    auth: 'off',
    insecureAuth: false,
    relay: {
      networks: [
        { family: 4, address: '127.0.0.0', bits: 8 },
        { family: 6, address: '::1', bits: 128 },
      ],
      domains: ['example.org'],
      recipients: null,
      callAhead: false,
    },
    trustedProxies: [],
    xclient: [],
    maxMessageSize: 52_428_800,
    maxRecipients: 1000,
    maxConnections: 1000,
    maxConnectionsPerClient: 50,
    bareLineEnds: 'reject',
    refuseEarlyTalkers: false,
    limits: LIMIT_DEFAULTS,
  });
  const [certificate, key] = [join(folder, 'tls/cert.pem'), join(folder, 'tls/key.pem')];
  assert.deepEqual(c.tls, { certificate, key, clientCa: '', certificates: [], minVersion: 'TLSv1.2' });
  assert.deepEqual([c.listeners[1]!.auth, c.users[0]!.name], ['required', 'alice@example.org']);
  const [rspamd, clamav] = c.milters;
  assert.deepEqual([...rspamd!.stages], ['connect', 'ehlo', 'mail', 'rcpt', 'data']);
  assert.deepEqual(rspamd!.endpoint, { kind: 'tcp', host: '127.0.0.1', port: 11_332 });
  assert.deepEqual(rspamd!.offer, { version: 6, actions: 255, protocol: 66 });
  assert.equal(rspamd!.onError, 'tempfail');
  assert.equal(rspamd!.enable.constant, null);
  assert.ok(rspamd!.enable.reads.has('listener'));
  assert.deepEqual(clamav!.endpoint, { kind: 'unix', path: '/run/clamav/clamav-milter.ctl' });
  assert.equal(clamav!.onError, 'accept');
  assert.equal(clamav!.input, 'original');
  assert.equal(clamav!.enable.constant, true);
  assert.deepEqual(clamav!.offer, { version: 6, actions: 0x1ff, protocol: 0x1fffff });
  assert.deepEqual(
    c.delivery.routes.map((r) => r.via),
    ['lmtp', 'smtp', 'mx'],
  );
  const { match, ...route } = c.delivery.routes[1]!;
  assert.ok(match.reads.has('rcpt_domain'));
  assert.deepEqual(route, {
    concurrency: null,
    rate: null,
    via: 'smtp',
    to: [
      { host: '10.0.0.5', port: 25, path: '' },
      { host: '10.0.0.6', port: 25, path: '' },
    ],
    tls: 'opportunistic',
    tlsCa: '',
    balance: 'order',
    auth: null,
    source: '',
  });
  assert.deepEqual(c.delivery.retry.slice(0, 2), [120_000, 300_000]);
  assert.equal(c.delivery.expire, 432_000_000);
  assert.deepEqual(c.delivery.concurrency, { total: 200, perDestination: 20 });
  assert.deepEqual(c.spool, { engine: 'lmdb', dir: join(folder, 'var/spool'), inlineBodyMax: 65_536 });
});

/** Without the compiled blocks, which hold functions. */
const milters = (c: Config) =>
  c.milters.map(({ enable, ...m }) => ({ ...m, constant: enable.constant, reads: [...enable.reads] }));

test('the example of the specification loads, pasted in every way, and in both encodings', () => {
  const keyed = JSON.stringify({
    milters: {
      '1': {
        hostname: '127.0.0.1',
        port: 15_112,
        stages: { data: true, rcpt: false },
        enable: { match: { '0': { if: "listener == 'smtp'", then: 'true' } }, else: 'false' },
        timeoutConnect: 30_000,
        timeoutCommand: 30_000,
        timeoutData: 60_000,
        flagsAction: null,
      },
      '0': {
        hostname: '127.0.0.1',
        stages: { connect: true, ehlo: true, mail: true, rcpt: true, data: true },
        enable: { match: { '0': { if: "listener == 'smtp'", then: 'true' } }, else: 'false' },
      },
    },
  });
  const ways = [
    `milters: ${MILTERS}`,
    `milters:\n${MILTERS}`,
    `log: { level: warn }\nmilters:\n${MILTERS}\nstateDir: ./var\n`,
    `{"milters": ${MILTERS}}`,
    JSON.stringify({ milters: JSON.parse(MILTERS) as unknown }, null, '\t'),
    keyed,
  ];
  const first = milters(good(ways[0]!));
  assert.deepEqual(
    first.map((m) => [m.name, [...m.stages].join(), m.onError, m.constant, m.reads]),
    [
      ['127.0.0.1:11332', 'connect,ehlo,mail,rcpt,data', 'tempfail', null, ['listener']],
      ['127.0.0.1:15112', 'data', 'tempfail', null, ['listener']],
    ],
  );
  for (const way of ways) assert.deepEqual(milters(good(way)), first, way.slice(0, 60));
});

test('the options of the specification load, one by one and all together', () => {
  const options = {
    timeoutConnect: '30s',
    timeoutCommand: '30s',
    timeoutData: '60s',
    tempFailOnError: true,
    maxResponseSize: 52_428_800,
    protocolVersion: 'v6',
    flagsAction: 255,
    flagsProtocol: 66,
  };
  const at = (more: object) => good(JSON.stringify({ milters: [{ hostname: 'a', ...more }] })).milters[0]!;
  assert.deepEqual(at(options).offer, { version: 6, actions: 255, protocol: 66 });
  for (const [key, value] of Object.entries(options)) at({ [key]: value });
  assert.equal(at({ tempFailOnError: false }).onError, 'accept');
  assert.equal(at({ tempFailOnError: false, onError: 'quarantine' }).onError, 'quarantine');
  assert.deepEqual(at({ protocolVersion: 'v2' }).offer, { version: 2, actions: 0x3f, protocol: 0x7f });
  const none = { ca: '', certificate: '', key: '', serverName: '' };
  assert.deepEqual(at({ useTls: true }).tls, { allowInvalidCerts: false, ...none });
  assert.equal(at({ useTls: true, tlsServerName: 'Filter.test' }).tls?.serverName, 'filter.test');
  assert.deepEqual([at({}).reuse, at({}).parallel, at({}).nudge], [false, false, true]);
  const said = at({ reuse: true, parallel: true, nudge: false });
  assert.deepEqual([said.reuse, said.parallel, said.nudge], [true, true, false]);
  assert.equal(at({ flagsProtocol: 0x301f_ffff }).offer.protocol, 0x301f_ffff);
  const warned = load('milters: [{hostname: localhost, protocolVersion: v2, flagsAction: 255}]');
  assert.ok(warned.ok);
  assert.deepEqual(warned.config.milters[0]!.offer.actions, 0x3f);
  assert.match(
    diagnosticLine(warned.warnings[0]!),
    /^c\.yaml:1:\d+: warning: milters\[0\]\.flagsAction: bits 0xc0/,
  );
});

test('an empty configuration is a working one that only this machine may use', () => {
  const c = good('');
  assert.deepEqual(
    c.listeners.map((l) => [l.name, l.bind, l.tls]),
    [['smtp', [{ kind: 'tcp', host: '127.0.0.1', port: 2525 }], 'off']],
  );
  assert.deepEqual(c.listeners[0]!.relay.domains, ['localhost']);
  const route = c.delivery.routes[0]!;
  assert.equal(route.match.constant, true);
  assert.equal(route.via === 'maildir' && route.path, join(folder, 'var/mail'));
  assert.deepEqual(good('{}'), c);
});

test('errors are at their place, all at once, in the order of the file', () => {
  const text = [
    'hostnam: x',
    'listeners:',
    '  - name: a b',
    '    bind: ["0.0.0.0:25", "25"]',
    '    max-recipients: 3',
    '    tls: yes',
    'milters:',
    '  - stages: [data, dta]',
    '    timeoutData: 5 parsecs',
    '    port: 70000',
    '  - { stages: { rcpt: maybe }, maxResponseSize: 0 }',
    'log: [info]',
  ].join('\n');
  assert.deepEqual(marks(text), [
    '1:1 hostnam unknown-key',
    '3:11 listeners[0].name invalid',
    '4:26 listeners[0].bind[1] invalid',
    '5:5 listeners[0].max-recipients unknown-key',
    '6:10 listeners[0].tls invalid',
    '8:5 milters[0] missing',
    '8:20 milters[0].stages[1] invalid',
    '9:18 milters[0].timeoutData invalid',
    '10:11 milters[0].port invalid',
    '11:5 milters[1] missing',
    '11:23 milters[1].stages.rcpt invalid',
    '11:49 milters[1].maxResponseSize invalid',
    '12:6 log invalid',
  ]);
  const found = errors(text);
  assert.equal(found[0]!.remedy, 'did you mean hostname?');
  assert.equal(found[3]!.remedy, 'did you mean maxRecipients?');
  for (const d of found) assert.ok(d.file === 'c.yaml' && d.message && d.remedy, JSON.stringify(d));
});

test('values that are wrong together are refused', () => {
  const cases: [string, string][] = [
    ['milters: [{}]', '1:11 milters[0] missing'],
    ['milters: [{hostname: a, socket: /b}]', '1:12 milters[0].hostname'],
    ['milters: [{hostname: a, name: n}, {hostname: b, name: n}]', '1:55 milters[1].name duplicate'],
    ['listeners: [{name: a, bind: "[::]:1"}, {name: a, bind: "[::]:2"}]', '1:47 listeners[1].name duplicate'],
    [
      'listeners: [{name: a, bind: "[::]:1"}, {name: b, bind: "[::0]:1"}]',
      '1:56 listeners[1].bind duplicate',
    ],
    ['listeners: [{name: a, bind: "[::]:1", tls: implicit}]', '1:44 listeners[0].tls invalid'],
    ['listeners: [{name: a}]', '1:13 listeners[0].bind missing'],
    ['listeners: []', '1:12 listeners invalid'],
    ['tls: {certificate: tls/cert.pem, key: tls/none.pem}', '1:39 tls.key invalid'],
    ['tls: {certificate: tls, key: tls/key.pem}', '1:20 tls.certificate invalid'],
    ['delivery: {routes: [{via: discard}]}', '1:21 delivery.routes[0].match missing'],
    ['delivery: {routes: [{match: "true", via: smtp}]}', '1:21 delivery.routes[0] missing'],
    ['delivery: {routes: [{match: "true", via: smtp, to: "a:x"}]}', '1:52 delivery.routes[0].to'],
    ['delivery: {routes: [{match: "true", via: discard, to: a}]}', '1:51 delivery.routes[0].to'],
    ['delivery: {routes: [{match: "true", via: maildir}]}', '1:21 delivery.routes[0] missing'],
    ['delivery: {routes: [{match: "true", via: maildir, to: "a/{x}"}]}', '1:55 delivery.routes[0].to'],
    ['delivery: {routes: [{match: "true", via: maildir, to: a, tls: off}]}', '1:58 delivery.routes[0].tls'],
    ['delivery: {routes: [{match: , via: discard}]}', '1:29 delivery.routes[0].match'],
    ['delivery: {routes: []}', '1:20 delivery.routes invalid'],
    ['delivery: {retry: []}', '1:19 delivery.retry invalid'],
    ['{workers: 2, spool: {engine: memory}}', '1:11 workers invalid'],
    ['delivery: []', '1:11 delivery invalid'],
    ['delivery:', '1:10 delivery invalid'],
    ['[]', '1:1  invalid'],
    ['hostname: "a b"', '1:11 hostname invalid'],
    ['spool: {engine: postgres}', '1:9 spool.engine not-supported-yet'],
    ['delivery: {mode: through}', '1:18 delivery.mode missing'],
    [
      'delivery: {mode: through, routes: [{match: "true", via: discard}]}',
      '1:57 delivery.routes[0].via invalid',
    ],
    [
      'delivery: {mode: through, routes: [{match: "true", via: smtp, to: a, rate: 1/1s}]}',
      '1:70 delivery.routes[0].rate invalid',
    ],
    [
      'milters: [{hostname: a, onError: quarantine}]\ndelivery: {mode: through, routes: [{match: "true", via: smtp, to: a}]}',
      '1:34 milters[0].onError invalid',
    ],
    [
      'listeners: [{name: a, bind: "127.0.0.1:1", dsn: true}]\ndelivery: {mode: through, routes: [{match: "true", via: smtp, to: a}]}',
      '1:49 listeners[0].dsn invalid',
    ],
    ['milters: [{hostname: a, tlsCa: /x}]', '1:25 milters[0].tlsCa invalid'],
    ['milters: [{hostname: a, useTls: true, tlsCa: /no/such}]', '1:46 milters[0].tlsCa invalid'],
    ['milters: [{hostname: a, useTls: true, tlsKey: /etc/passwd}]', '1:11 milters[0] invalid'],
  ];
  for (const [text, mark] of cases) {
    const found = marks(text);
    assert.ok(found[0]?.startsWith(mark) && found.length === 1, `${text}\n${found.join('\n')}`);
  }
});

test('expressions are compiled at load; what is wrong in one is shown at its column', () => {
  const text = `milters:\n  - hostname: a\n    enable: { match: [{ if: "listner == 'smtp'", then: "true" }], else: "false" }\n`;
  const [d] = errors(text);
  assert.equal(d!.path, 'milters[0].enable.match[0].if');
  assert.equal(`${d!.line}:${d!.column}`, '3:30');
  assert.match(d!.message + d!.remedy, /listener/);
  assert.deepEqual(
    marks(
      `{"milters": {"0": {"hostname": "a", "enable": {"match": {"3": {"if": "1 +", "then": "true"}}, "else": "1"}}}}`,
    ).map((m) => m.split(' ')[1]),
    ['milters.0.enable.match.3.if'],
  );
  assert.equal(
    errors('delivery: {routes: [{match: "rcpt_domain = ", via: discard}]}')[0]!.path,
    'delivery.routes[0].match',
  );
});

test('values may stand in the environment or in a file, and never appear in messages', () => {
  writeFileSync(join(folder, 'name'), 'mx.file.test\n');
  writeFileSync(join(folder, 'long'), 'x'.repeat(65_537));
  assert.equal(good('hostname: {file: ./name}').hostname, 'mx.file.test');
  const c = good(
    '{milters: [{hostname: {env: H}, port: {env: P}, stages: {env: S}, enable: {env: E}, nudge: {env: N}}]}',
    {
      H: 'filter',
      P: '99',
      S: 'rcpt',
      E: "listener == 'x'",
      N: 'false',
    },
  );
  assert.deepEqual(c.milters[0]!.endpoint, { kind: 'tcp', host: 'filter', port: 99 });
  assert.deepEqual(
    [[...c.milters[0]!.stages], c.milters[0]!.nudge, c.milters[0]!.enable.constant],
    [['rcpt'], false, null],
  );
  const bad: [string, RegExp][] = [
    ['hostname: {env: GONE}', /environment variable GONE is not set/],
    ['hostname: {env: toString}', /environment variable toString is not set/],
    ['hostname: {file: ./gone}', /file \.\/gone cannot be read \(ENOENT\)/],
    ['hostname: {file: ./tls}', /not a plain file/],
    ['hostname: {file: ./long}', /larger than 65536 bytes/],
    ['milters: [{hostname: a, port: {env: SECRET}}]', /value from environment variable SECRET is not valid/],
    ['delivery: {env: SECRET}', /must be a group of keys/],
  ];
  for (const [text, message] of bad) {
    const found = errors(text, { SECRET: 'hunter2' });
    assert.match(found[0]!.message, message, text);
    assert.doesNotMatch(JSON.stringify(found), /hunter2/);
  }
});

test('keys named like parts of every object are keys like any other', () => {
  for (const key of ['constructor', 'toString', 'hasOwnProperty', '__defineGetter__', 'valueOf'])
    for (const text of [
      `${key}: 1`,
      `milters: [{hostname: a, ${key}: 1}]`,
      `listeners: {"0": {name: a, bind: "[::]:1", ${key}: {}}}`,
    ])
      assert.equal(errors(text)[0]!.code, 'unknown-key', text);
  assert.match(errors('{"__proto__": {"hostname": "x"}}')[0]!.message, /not allowed/);
  assert.match(errors('milters: {"__proto__": {"hostname": "x"}}')[0]!.message, /not allowed/);
  assert.equal(errors('milters: {constructor: {hostname: x}}')[0]!.code, 'invalid');
});

test('limits hold at their edges', () => {
  const listener = (more: string) => `listeners: [{name: a, bind: "[::]:1", ${more}}]`;
  for (const ok of [
    'maxRecipients: 1',
    'maxRecipients: 1000000',
    'maxMessageSize: 1',
    'maxMessageSize: 2147483647',
  ])
    good(listener(ok));
  for (const bad of [
    'maxRecipients: 0',
    'maxRecipients: 1000001',
    'maxRecipients: 1.5',
    'maxMessageSize: 0',
    'maxMessageSize: 2GB',
    'maxMessageSize: -1',
  ])
    assert.equal(errors(listener(bad)).length, 1, bad);
  const milter = (more: string) => `milters: [{hostname: a, ${more}}]`;
  for (const ok of [
    'port: 1',
    'port: 65535',
    'timeoutData: 1',
    'timeoutData: 365d',
    'timeoutMessage: 0',
    'flagsAction: 0',
    'flagsProtocol: 4294967295',
    'maxResponseSize: 1',
  ])
    good(milter(ok));
  for (const bad of [
    'port: 0',
    'port: 65536',
    'timeoutData: 0',
    'timeoutData: 366d',
    'timeoutMessage: -1',
    'flagsAction: -1',
    'flagsProtocol: 4294967296',
    'maxResponseSize: 0',
  ])
    assert.equal(errors(milter(bad)).length, 1, bad);
  good(milter(`socket: /${'x'.repeat(106)}`).replace('hostname: a, ', ''));
  assert.equal(errors(milter(`socket: /${'x'.repeat(107)}`).replace('hostname: a, ', '')).length, 1);
});

test('one process unless more are asked for, up to 64', () => {
  const workers = (text: string): number | string => {
    const loaded = loadConfig({ text, name: 'test' }, { env: {} });
    return loaded.ok ? loaded.config.workers : loaded.errors.map((e) => e.path).join();
  };
  assert.equal(workers(''), 1);
  for (const n of [1, 2, 64]) assert.equal(workers(`workers: ${n}`), n);
  for (const n of ['0', '65', '-1', '1.5', 'two', '[]']) assert.equal(workers(`workers: ${n}`), 'workers');
  assert.equal(workers('{workers: 1, spool: {engine: memory}}'), 1);
});

test('a file is read from its own folder; what cannot be read is said', () => {
  const file = join(folder, 'millrace.yaml');
  writeFileSync(file, 'stateDir: state\n');
  const loaded = loadConfig({ file }, { env: {} });
  assert.ok(loaded.ok && loaded.config.stateDir === join(folder, 'state'));
  writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('hostname: \xe9', 'latin1'));
  for (const [name, message] of [
    ['none.yaml', /no such file/],
    ['tls', /is a folder/],
    ['latin1.yaml', /not UTF-8/],
  ] as const) {
    const bad = loadConfig({ file: join(folder, name) }, { env: {} });
    assert.ok(!bad.ok);
    assert.match(bad.errors[0]!.message, message);
    assert.equal(bad.errors[0]!.file, join(folder, name));
  }
});

test('whatever stands behind the keys, loading answers with a Config or with placed errors', () => {
  const value = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.constantFrom(
      '127.0.0.1:25',
      'smtp',
      'maildir',
      'true',
      '30s',
      '5MB',
      'data',
      'off',
      1,
      true,
      ['data'],
      { data: true },
      { '0': 'data' },
      { env: 'X' },
      { file: 'x' },
    ),
  );
  const some = (...keys: string[]) =>
    fc.record(Object.fromEntries(keys.map((key) => [key, value])), { requiredKeys: [] });
  const document = fc.record(
    {
      hostname: value,
      tls: some('certificate', 'key'),
      listeners: fc.array(some('name', 'bind', 'tls', 'relay', 'auth', 'maxRecipients'), { maxLength: 2 }),
      milters: fc.array(
        some('name', 'hostname', 'port', 'socket', 'stages', 'enable', 'timeoutData', 'flagsAction'),
        { maxLength: 2 },
      ),
      spool: some('engine', 'inlineBodyMax'),
      delivery: fc.record(
        { routes: fc.array(some('match', 'via', 'to', 'tls'), { maxLength: 2 }), retry: value },
        { requiredKeys: [] },
      ),
      log: value,
    },
    { requiredKeys: [] },
  );
  fc.assert(
    fc.property(document, (d) => {
      const loaded = load(JSON.stringify(d), { X: 'x' });
      if (loaded.ok) return;
      assert.ok(loaded.errors.length > 0);
      for (const e of loaded.errors)
        assert.ok(e.line === 1 && e.column >= 1 && e.message && e.remedy, JSON.stringify(e));
    }),
    { numRuns: 150 },
  );
});

test('LMTP loads, and on port 25 with a warning', () => {
  const at = (bind: string) => {
    const loaded = loadConfig({
      text: `listeners: [{name: a, bind: ["${bind}"], protocol: lmtp, dsn: false}]`,
      name: 'c.yaml',
    });
    assert.ok(loaded.ok);
    assert.deepEqual(
      loaded.config.listeners.map((l) => [l.protocol, l.dsn]),
      [['lmtp', false]],
    );
    return loaded.warnings.map((w) => `${w.path} ${w.severity}`);
  };
  assert.deepEqual(at('127.0.0.1:24'), []);
  assert.deepEqual(at('unix:/run/lmtp'), []);
  assert.deepEqual(at('127.0.0.1:25'), ['listeners[0].bind[0] warning']);
});
