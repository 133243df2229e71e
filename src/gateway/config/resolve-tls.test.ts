import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadConfig } from '#gateway/config';

const folder = mkdtempSync(join(tmpdir(), 'resolve-tls-'));
after(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, 'tls'));
for (const name of ['a.pem', 'a.key', 'b.pem', 'b.key', 'ca.pem'])
  writeFileSync(join(folder, 'tls', name), 'pem');
const at = (name: string): string => join(folder, 'tls', name);

const load = (text: string) => loadConfig({ text, name: 'c.yaml', base: folder });
const PAIR = 'certificate: tls/a.pem, key: tls/a.key';
const listener = (keys: string): string => `listeners: [{ name: a, bind: "[::]:1", ${keys} }]\n`;

function config(text: string) {
  const loaded = load(text);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config;
}

/** Errors as `path message`. */
function errors(text: string): string[] {
  const loaded = load(text);
  return loaded.ok ? [] : loaded.errors.map((d) => `${d.path} ${d.message}`);
}

test('more certificates and the oldest version are taken, paths made absolute', () => {
  const more = 'certificates: [{ certificate: tls/b.pem, key: tls/b.key }], minVersion: TLSv1.3';
  assert.deepEqual(config(`tls: { ${PAIR}, ${more} }`).tls, {
    certificate: at('a.pem'),
    key: at('a.key'),
    clientCa: '',
    certificates: [{ certificate: at('b.pem'), key: at('b.key') }],
    minVersion: 'TLSv1.3',
  });
});

test('each further pair must be whole and readable, and the version a known one', () => {
  for (const [keys, path] of [
    ['certificates: [{ certificate: tls/b.pem }]', 'tls.certificates[0].key'],
    ['certificates: [{ certificate: tls/b.pem, key: tls/c.key }]', 'tls.certificates[0].key'],
    ['certificates: [{ certificate: tls, key: tls/b.key }]', 'tls.certificates[0].certificate'],
    ['certificates: tls/b.pem', 'tls.certificates'],
    ['minVersion: TLSv1.1', 'tls.minVersion'],
  ] as const) {
    const found = errors(`tls: { ${PAIR}, ${keys} }`);
    assert.deepEqual(
      found.map((e) => e.split(' ')[0]),
      [path],
      keys,
    );
  }
});

test('clients are asked for a certificate where there is TLS and there are authorities, unless something else is written', () => {
  const withCa = `tls: { ${PAIR}, clientCa: tls/ca.pem }`;
  for (const [keys, tls, mode] of [
    ['tls: starttls', withCa, 'ask'],
    ['tls: off', withCa, 'off'],
    ['tls: starttls', `tls: { ${PAIR} }`, 'off'],
    ['tls: implicit, clientCertificates: off', withCa, 'off'],
    ['tls: implicit, clientCertificates: ask', withCa, 'ask'],
    ['tls: starttls, clientCertificates: require', withCa, 'require'],
    ['clientCertificates: off', '', 'off'],
  ] as const)
    assert.equal(config(listener(keys) + tls).listeners[0]!.clientCertificates, mode, `${keys} ${tls}`);
});

test('asking for certificates needs TLS and authorities; one mistake is said once', () => {
  const asks = 'clientCertificates: require';
  const path = 'listeners[0].clientCertificates';
  for (const [keys, tls, said] of [
    [asks, `tls: { ${PAIR}, clientCa: tls/ca.pem }`, [`${path} require needs TLS`]],
    [`tls: starttls, ${asks}`, `tls: { ${PAIR} }`, [`${path} require needs authorities`]],
    [`tls: starttls, ${asks}`, '', ['listeners[0].tls starttls needs a certificate']],
    [
      `tls: perhaps, ${asks}`,
      `tls: { ${PAIR}, clientCa: tls/ca.pem }`,
      ['listeners[0].tls must be one of off, starttls, require, implicit, not "perhaps"'],
    ],
    [`tls: starttls, ${asks}`, `tls: { ${PAIR}, clientCa: 5 }`, ['tls.clientCa must be a text, not 5']],
  ] as const)
    assert.deepEqual(errors(listener(keys) + tls), said, `${keys} ${tls}`);
});
