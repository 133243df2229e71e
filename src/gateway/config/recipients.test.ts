import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadConfig } from '#gateway/config';

const load = (relay: string, base = '.') =>
  loadConfig(
    { text: `listeners: [{ name: smtp, bind: 127.0.0.1:0, relay: ${relay} }]`, name: 'c.yaml', base },
    { env: { WHO: 'who@in.test' } },
  );

/** The relay of a configuration that loads. */
function relayOf(relay: string, base?: string) {
  const loaded = load(relay, base);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  return loaded.config.listeners[0]!.relay;
}

/** The one thing that is wrong with it. */
function wrong(relay: string): { path: string; message: string } {
  const loaded = load(relay);
  assert.ok(!loaded.ok && loaded.errors.length === 1, JSON.stringify(loaded));
  const { path, message } = loaded.errors[0]!;
  return { path, message };
}

test('without the keys there is no list, and nobody is asked', () => {
  const { recipients, callAhead } = relayOf('{ domains: [in.test] }');
  assert.deepEqual([recipients, callAhead], [null, false]);
  assert.equal(relayOf('{ callAhead: true }').callAhead, true);
});

test('a list is the recipients, in both encodings, from the environment too, as bytes', () => {
  const entries = ['a@in.test', '@all.test', '"b c"@in.test', 'gr\xc3\xbc\xc3\x9fe@in.test'];
  const written = `[a@in.test, '@all.test', '"b c"@in.test', 'grüße@in.test']`;
  assert.deepEqual(relayOf(`{ recipients: ${written} }`).recipients, { entries });
  assert.deepEqual(relayOf(`{ recipients: { '1': b@in.test, '0': a@in.test } }`).recipients, {
    entries: ['a@in.test', 'b@in.test'],
  });
  assert.deepEqual(relayOf('{ recipients: [{ env: WHO }] }').recipients, { entries: ['who@in.test'] });
  assert.deepEqual(relayOf('{ recipients: [] }').recipients, { entries: [] });
});

test('a text is the path of a file, from the folder of the configuration', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-config-'));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, 'list'), '');
  assert.deepEqual(relayOf('{ recipients: ./list }', folder).recipients, { file: join(folder, 'list') });
});

test('what is neither is refused at its place', () => {
  const path = 'listeners[0].relay.recipients';
  assert.match(wrong('{ recipients: ./nowhere }').message, /nowhere cannot be read \(ENOENT\)$/);
  assert.deepEqual(wrong('{ recipients: 5 }'), { path, message: 'must be a path or a list, not 5' });
  assert.deepEqual(wrong('{ recipients: { a: b } }').path, path);
  for (const bad of ['info', '@', 'a@', 'a b@in.test', '<a@in.test>', 'a@in..test', '5', 'null', '[x]'])
    assert.equal(
      wrong(
        `{ recipients: [ok@in.test, ${bad === '5' || bad === 'null' || bad === '[x]' ? bad : JSON.stringify(bad)}] }`,
      ).path,
      `${path}[1]`,
      bad,
    );
  assert.match(wrong('{ callAhead: maybe }').message, /^must be true or false/);
});
