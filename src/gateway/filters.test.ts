import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';
import { silent } from '#notices';
import { systemClock } from './clock.ts';
import { Filters } from './filters.ts';

test('a filter whose TLS files were renewed is another one after a reload; one left as it is stays', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'filters-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const files = { tlsCa: 'ca.pem', tlsCertificate: 'cert.pem', tlsKey: 'key.pem' };
  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  for (const name of Object.values(files)) write(name, `first ${name}`);
  const filters = new Filters({ clock: systemClock, notices: silent });
  t.after(() => filters.close());
  const read = () => {
    const milters = [
      { name: 'plain', hostname: '127.0.0.1', port: 1 },
      { name: 'secured', hostname: '127.0.0.1', port: 2, useTls: true, ...files },
    ];
    const text = JSON.stringify({
      hostname: 'mx.test',
      stateDir: folder,
      listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test'] } }],
      delivery: { routes: [{ match: 'true', via: 'discard' }] },
      milters,
    });
    const loaded = loadConfig({ text, name: 'test', base: folder });
    assert.ok(loaded.ok);
    const found = filters.of(loaded.config.milters, () => assert.fail('nothing is evaluated'));
    filters.settle();
    return found;
  };
  let [plain, secured] = read();
  for (const [key, name] of [
    ['ca', 'ca.pem'],
    ['certificate', 'cert.pem'],
    ['key', 'key.pem'],
  ] as const) {
    assert.deepEqual(read(), [plain, secured], 'nothing has changed');
    write(name, `renewed ${name}`);
    const [stays, renewed] = read();
    assert.equal(stays, plain);
    assert.notEqual(renewed, secured);
    assert.equal(renewed!.settings.client.tls![key], `renewed ${name}`);
    [plain, secured] = [stays, renewed];
  }
});
