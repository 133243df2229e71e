import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { effectiveSettings, HIDDEN } from './effective.ts';
import { configJsonSchema } from './json-schema.ts';
import { loadConfig } from './load.ts';

const fixture = (name: string): string =>
  readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8');
const load = (text: string) => {
  const loaded = loadConfig({ text, name: 'test', base: '/srv' }, { env: { P: 'secret words' } });
  assert.ok(loaded.ok, loaded.ok ? '' : JSON.stringify(loaded.errors));
  return loaded.config;
};
const MORE = `
listeners: [{ name: a, bind: '[::1]:25', xclient: 10.0.0.0/8, relay: { domains: [é.test], recipients: ['@é.test'] }, limits: { maxErrors: 3 } }]
users: [{ name: ü, password: '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU', senders: '@é.test' }]
milters: [{ socket: f.sock, enable: [{ if: "listener == 'a'", then: false }, { else: true }] }, { hostname: h.test, useTls: true, tlsServerName: n.test }]
delivery: { routes: [{ match: "rcpt_domain == 'a'", via: smtp, to: [a.test, '[::1]:26'], auth: { user: u, password: { env: P } }, rate: 10/1m },
  { match: 'true', via: mx, source: 192.0.2.1 }, { match: 'true', via: lmtp, to: 'unix:/x' }, { match: 'true', via: maildir, to: ./m }, { match: 'true', via: discard }], timeouts: { dot: 1m } }
admin: { token: a-token-of-the-test-1, names: A.test }
journal: { history: { rows: 5000, age: 2d }, conversations: { size: 8MiB, client: 192.0.2.0/24, sender: '*@é.test', body: 0, slowerThan: 2s }, changes: { size: 9MiB } }
`;

for (const text of [
  '',
  'journal: false',
  MORE,
  fixture('example.yaml.txt').includes('tls:') ? '' : fixture('example.yaml.txt'),
])
  test(`what is in force, written down, loads as the same (${text.length} characters)`, () => {
    const once = effectiveSettings(load(text), true);
    assert.deepEqual(effectiveSettings(load(stringify(once)), true), once);
  });

test('no key of the configuration is forgotten', () => {
  const { properties } = configJsonSchema() as { properties: object };
  const shown = effectiveSettings(load(MORE), false);
  // These two name files, and there are none here.
  const absent = Object.keys(properties).filter((key) => !(key in shown));
  assert.deepEqual(absent.toSorted(), ['tls', 'usersFile']);
});

test('secrets are told only to those who ask for them', () => {
  const shown = JSON.stringify(effectiveSettings(load(MORE), false));
  for (const secret of ['secret words', '$scrypt', 'a-token-of']) assert.ok(!shown.includes(secret), secret);
  assert.equal(shown.split(HIDDEN).length, 4);
});

test('the JSON Schema knows every key, its values and what stands elsewhere', () => {
  const schema = configJsonSchema() as {
    properties: Record<string, { anyOf?: { items?: { properties: Record<string, unknown> } }[] }>;
  };
  const milter = schema.properties['milters']!.anyOf![0]!.items!.properties;
  const elsewhere = { $ref: '#/$defs/elsewhere' };
  assert.deepEqual(milter['onError'], {
    anyOf: [{ enum: ['tempfail', 'reject', 'accept', 'quarantine'] }, elsewhere],
  });
  assert.deepEqual(milter['useTls'], { anyOf: [{ type: 'boolean' }, elsewhere] });
  assert.deepEqual(milter['port'], { anyOf: [{ type: 'integer', minimum: 1, maximum: 65_535 }, elsewhere] });
  assert.ok(Object.keys(schema.properties).includes('shedding'));
});
