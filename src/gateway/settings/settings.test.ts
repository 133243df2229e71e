import assert from 'node:assert/strict';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ManualClock } from '#clock';
import { loadConfig } from '#gateway/config';
import type { NoticeFields, NoticeName } from '#notices';
import { MAX_HISTORY } from './history.ts';
import { changeOf, itemsIn, type ItemChange } from './items.ts';
import { saysOf } from './says.ts';
import { Settings, type Outcome } from './settings.ts';

const TEXT = `stateDir: ./state
# The filters.
milters:
  - name: one   # first
    hostname: 127.0.0.1
  - socket: ./two.sock
    onError: accept
users:
  - name: a
    password: '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU'
`;

/** Settings of a file in a folder of its own; `refuses`: what the gateway says to a new text. */
function rig(t: TestContext, text: string | null = TEXT) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-settings-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'millrace.yaml');
  if (text !== null) writeFileSync(file, text, { mode: 0o640 });
  const loaded = loadConfig({ text: text ?? '', name: 'test', base: folder });
  assert.ok(loaded.ok);
  const said: { name: NoticeName; fields: NoticeFields }[] = [];
  const gateway = { refuses: null as string | null, reloads: 0, saw: '' };
  const reload = (): Promise<string | null> => {
    gateway.reloads++;
    gateway.saw = readFileSync(file, 'utf8');
    return Promise.resolve(gateway.refuses);
  };
  const clock = new ManualClock(1000);
  const settings = new Settings({
    home: { file: text === null ? null : file, reload },
    config: () => loaded.config,
    clock,
    notices: (name, fields) => void said.push({ name, fields }),
  });
  const change = (what: ItemChange, ifMatch: string | null = null): Promise<Outcome> =>
    settings.apply(
      changeOf('milters', what, (s) => settings.load(s)),
      { ifMatch, by: 'operator:eva', summary: 'test' },
    );
  return { settings, file, folder, gateway, said, clock, change, textNow: () => readFileSync(file, 'utf8') };
}

const put = (port: number): ItemChange => ({
  kind: 'put',
  name: 'one',
  settings: { name: 'one', hostname: '127.0.0.1', port },
});

test('a change is checked, written with its file mode, taken over, told, and kept', async (t) => {
  const { settings, file, folder, gateway, said, change, textNow } = rig(t);
  const before = await settings.read();
  const done = await change(put(1), before.revision);
  assert.equal(done.kind, 'done');
  const next = TEXT.replace('127.0.0.1\n', '127.0.0.1\n    port: 1\n');
  assert.equal(textNow(), next);
  assert.equal(gateway.saw, next);
  assert.equal(statSync(file).mode & 0o777, 0o640);
  assert.equal(
    done.diff
      .split('\n')
      .filter((l) => /^[+-] /.test(l))
      .join(),
    '+    port: 1',
  );
  assert.equal(said.at(-1)!.name, 'admin.changed');
  assert.deepEqual(
    (await settings.history()).map(({ by, summary, revision }) => [by, summary, revision]),
    [
      ['operator:eva', 'test', done.revision],
      ['', 'as it was found', before.revision],
    ],
  );
  assert.deepEqual(readdirSync(folder).toSorted(), ['millrace.yaml', 'state']);
  for (const name of readdirSync(join(folder, 'state/config-history')))
    assert.equal(statSync(join(folder, 'state/config-history', name)).mode & 0o777, 0o600);
  const back = await settings.rollback(before.revision.slice(0, 8), { ifMatch: null, by: 'x' });
  assert.equal(back.kind, 'done');
  assert.equal(textNow(), TEXT);
  assert.equal((await settings.history())[0]!.summary, `back to ${before.revision.slice(0, 12)}`);
  assert.equal((await settings.rollback('000000', { ifMatch: null, by: 'x' })).kind, 'impossible');
});

test('of changes that begin from the same text one wins, and a change by hand in between is seen', async (t) => {
  const { settings, file, change, gateway } = rig(t);
  const { revision } = await settings.read();
  const all = await Promise.all(Array.from({ length: 8 }, (_, i) => change(put(i + 1), revision)));
  assert.deepEqual(all.map(({ kind }) => kind).toSorted(), [
    'done',
    ...Array.from({ length: 7 }, () => 'stale'),
  ]);
  assert.equal(gateway.reloads, 1);
  const now = await settings.read();
  writeFileSync(file, `${now.text}# by hand\n`);
  assert.equal((await change(put(9), now.revision)).kind, 'stale');
  assert.equal((await change(put(9))).kind, 'done', 'whoever does not care may');
});

test('what the gateway refuses is put back, byte by byte', async (t) => {
  const { settings, gateway, change, textNow } = rig(t);
  gateway.refuses = 'restart it';
  assert.deepEqual(await change(put(1)), { kind: 'refused', reason: 'restart it' });
  assert.equal(textNow(), TEXT);
  assert.equal(gateway.saw.includes('port: 1'), true);
  assert.equal((await settings.history()).length, 1);
});

test('what is wrong is told with its place and changes nothing; so is what cannot be found', async (t) => {
  const { settings, gateway, change, textNow } = rig(t);
  const wrong = await change(put(70_000));
  assert.ok(wrong.kind === 'invalid');
  assert.deepEqual([wrong.errors[0]!.path, wrong.errors[0]!.line], ['milters[0].port', 6]);
  assert.equal(
    (await change({ kind: 'add', settings: { name: 'one', hostname: 'h' }, at: null })).kind,
    'invalid',
  );
  const absent = await change({ kind: 'remove', name: 'three' });
  assert.ok(absent.kind === 'impossible' && absent.absent);
  assert.equal((await change({ kind: 'order', names: ['one'] })).kind, 'impossible');
  assert.equal((await settings.consider(() => ({ text: 'milters: [' }), { ifMatch: null })).kind, 'invalid');
  assert.equal(gateway.reloads, 0);
  assert.equal(textNow(), TEXT);
});

test('without a file, or where it cannot be replaced, the text to put there by hand is told', async (t) => {
  const bare = rig(t, null);
  const now = await bare.settings.read();
  assert.deepEqual([now.file, now.writable], [null, false]);
  assert.match(now.readOnly, /there is no configuration file/);
  const added = await bare.change({ kind: 'add', settings: { name: 'x', hostname: '127.0.0.1' }, at: 0 });
  assert.ok(added.kind === 'read-only');
  const loaded = loadConfig({ text: added.text, name: 'pasted', base: bare.folder });
  assert.ok(loaded.ok && loaded.config.milters[0]!.name === 'x');
  const { folder, change, textNow, gateway } = rig(t);
  mkdirSync(join(folder, '.millrace.yaml.new'));
  const stuck = await change(put(1));
  assert.ok(stuck.kind === 'read-only' && stuck.text.includes('port: 1'));
  assert.equal(textNow(), TEXT);
  assert.equal(gateway.reloads, 0);
});

test('a link stays a link, and what a crash left beside the file is in nobody’s way', async (t) => {
  const { folder, file, change } = rig(t);
  const real = join(folder, 'real.yaml');
  writeFileSync(real, TEXT);
  rmSync(file);
  symlinkSync(real, file);
  writeFileSync(join(folder, '.real.yaml.new'), 'half of');
  assert.equal((await change(put(1))).kind, 'done');
  assert.match(readFileSync(real, 'utf8'), /port: 1/);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.new')),
    [],
  );
});

test('the history is bounded and forgets the oldest', async (t) => {
  const { settings, change, folder } = rig(t);
  for (let n = 1; n <= MAX_HISTORY + 5; n++) assert.equal((await change(put(n))).kind, 'done');
  const versions = await settings.history();
  assert.equal(versions.length, MAX_HISTORY);
  assert.equal(readdirSync(join(folder, 'state/config-history')).length, MAX_HISTORY);
  writeFileSync(
    join(folder, 'state/config-history', readdirSync(join(folder, 'state/config-history')).at(-1)!),
    '{',
  );
  assert.equal((await settings.history()).length, MAX_HISTORY - 1);
});

test('items have names, defaults and a sentence, and no secrets', (t) => {
  const { settings } = rig(t);
  const load = (text: string) => settings.load(text);
  const milters = itemsIn(TEXT, 'milters', load);
  assert.ok(!('trouble' in milters));
  assert.deepEqual(
    milters.map(({ name }) => name),
    ['one', join(rigFolder(milters[1]!.effective), 'two.sock')],
  );
  assert.match(milters[0]!.says, /451 4\.7\.1/);
  assert.match(milters[1]!.says, /passes unfiltered/);
  const users = itemsIn(TEXT, 'users', load);
  assert.ok(!('trouble' in users));
  assert.deepEqual(users[0]!.settings, { name: 'a', password: null });
  const kept = changeOf(
    'users',
    { kind: 'put', name: 'a', settings: { name: 'a', password: null, senders: ['@x.test'] } },
    load,
  )(TEXT);
  assert.ok('text' in kept && kept.text.includes('$scrypt$') && kept.text.includes('@x.test'));
  const all = changeOf(
    'milters',
    {
      kind: 'all',
      settings: [
        { name: 'new', hostname: 'h' },
        { name: 'one', hostname: '127.0.0.1' },
      ],
    },
    load,
  )(TEXT);
  assert.ok('text' in all);
  const after = itemsIn(all.text, 'milters', load);
  assert.ok(!('trouble' in after));
  assert.deepEqual(
    after.map(({ name }) => name),
    ['new', 'one'],
  );
  assert.ok(all.text.includes('name: one   # first'));
});

/** The folder that a socket's path begins with. */
function rigFolder(effective: unknown): string {
  return String((effective as { socket: string }).socket).replace(/\/two\.sock$/, '');
}

test('the sentence of a filter that is never or not always asked says so', () => {
  const of = (text: string): string => {
    const loaded = loadConfig({ text: `milters: [{ hostname: h, ${text} }]`, name: 'test' });
    assert.ok(loaded.ok);
    return saysOf(loaded.config.milters[0]!);
  };
  assert.match(of('onError: quarantine'), /mail is held/);
  assert.match(of('onError: reject'), /refused for good/);
  assert.match(of('tempFailOnError: false'), /passes unfiltered\.$/);
  assert.match(of('enable: "false"'), /^No mail goes through/);
  assert.match(of('enable: "listener == \'a\'"'), /as far as it would go through it/);
});
