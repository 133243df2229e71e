/** docs/configuration.md knows every key, its default is the default, its examples load, and so does every YAML block we print. */
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { before, after, test } from 'node:test';
import { rootCertificates } from 'node:tls';
import { parse, stringify } from 'yaml';
import { loadConfig, type Config } from '#gateway/config';
import { settingsSchema } from '../src/gateway/config/schema.ts';
import { codeOf, documents, fencesIn, readText, tablesIn } from './support/documents.ts';
import { Cleanup, tempFolder } from './support/folders.ts';

const cleanup = new Cleanup();
let base = '';

/** A folder with the certificate files that the documents name. */
before(async () => {
  base = await tempFolder(cleanup, 'millrace-docs');
  await mkdir(join(base, 'tls'));
  for (const name of ['cert.pem', 'key.pem']) await writeFile(join(base, 'tls', name), rootCertificates[0]!);
});
after(() => cleanup.run());

const load = (text: string) => loadConfig({ text, name: 'document', base }, { env: { NAME: 'x' } });

/** What zod knows of a schema, as far as it is looked at here. */
interface Def {
  readonly type: string;
  readonly out?: { readonly _zod: { readonly def: Def } };
  readonly innerType?: { readonly _zod: { readonly def: Def } };
  readonly element?: { readonly _zod: { readonly def: Def } };
  readonly shape?: Readonly<Record<string, { readonly _zod: { readonly def: Def } }>>;
}

/** Every key of a schema as the document writes it: `listeners[].name`. */
function keysOf(def: Def, path: string): string[] {
  if (def.type === 'pipe') return keysOf(def.out!._zod.def, path);
  if (def.type === 'optional') return keysOf(def.innerType!._zod.def, path);
  const own = path === '' ? [] : [path];
  if (def.type === 'array') return [...own, ...keysOf(def.element!._zod.def, `${path}[]`).slice(1)];
  if (def.type !== 'object') return own;
  return [
    ...own,
    ...Object.entries(def.shape!).flatMap(([key, value]) =>
      keysOf(value._zod.def, path === '' ? key : `${path}.${key}`),
    ),
  ];
}

interface Row {
  readonly key: string;
  /** As YAML, or null when it is told in words. */
  readonly fallback: string | null;
  readonly required: boolean;
  readonly meaning: string;
  readonly example: string;
}

const rows: readonly Row[] = tablesIn(readText('docs/configuration.md'))
  .filter(({ columns }) => columns[0] === 'Key')
  .flatMap((table) => table.rows)
  .map(([key = '', fallback = '', meaning = '', example = '']) => ({
    key: codeOf(key),
    fallback: fallback.startsWith('`') ? codeOf(fallback) : null,
    required: fallback === '*required*',
    meaning,
    example: codeOf(example),
  }));

/** A small configuration in which every key has its place; keys without a default that others need are there. */
const BASE = `
hostname: mx.example.org
listeners: [{ name: smtp, bind: 127.0.0.1:2525, relay: {} }]
milters: [{ hostname: 127.0.0.1, name: f }]
delivery: { routes: [{ match: 'true', via: smtp, to: 10.0.0.1 }] }
`;

const HASH = '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU';

const PEM = './tls/cert.pem';

/** BASE with `yaml` at `key`; without `yaml`, with nothing there. */
function withKey(key: string, yaml: string | null): string {
  const settings = parse(BASE) as Record<string, unknown>;
  const steps = key.replaceAll('[]', '.0').split('.');
  const last = steps.pop()!;
  let at = settings;
  for (const step of steps) at = (at[step] ??= step === 'users' ? [{}] : {}) as Record<string, unknown>;
  if (yaml === null) delete at[last];
  else at[last] = parse(yaml);
  if (key.startsWith('admin.users[].'))
    settings['admin'] = { users: [{ name: 'a', scope: 'viewer', ...(at as object) }] };
  if (key.startsWith('users[].')) settings['users'] = [{ name: 'a', password: HASH, ...at }];
  if (key.startsWith('tls.')) {
    const pair = { certificate: PEM, key: './tls/key.pem' };
    const own = key.includes('[]') ? { certificates: [{ ...pair, ...at }] } : at;
    settings['tls'] = { ...pair, ...own };
  }
  if (key.includes('routes[].auth.')) Object.assign(at, { user: 'a', password: 'b', [last]: at[last] });
  if (key === 'delivery.routes[].allowLoopback') {
    at['via'] = 'mx';
    delete at['to'];
  }
  if (key === 'delivery.routes[].tlsCa') at['tls'] = 'require';
  if (key === 'milters[].socket') delete at['hostname'];
  if (/^milters\[\]\.tls/.test(key))
    Object.assign(at, { useTls: true }, /Cert|Key/.test(key) && { tlsCertificate: PEM, tlsKey: PEM });
  return stringify(settings);
}

/** The configuration as values that can be compared: expressions by their source. */
function comparable(config: Config): unknown {
  return JSON.parse(
    JSON.stringify(config, (_, value: unknown) => {
      if (value instanceof Set) return [...value];
      if (typeof value === 'object' && value !== null && 'holds' in value)
        return { constant: (value as { constant?: unknown }).constant };
      return value;
    }),
  );
}

test('every key of the schema is documented, and no other', () => {
  const keys = keysOf((settingsSchema as unknown as { _zod: { def: Def } })._zod.def, '');
  assert.ok(keys.includes('listeners[].relay.networks') && keys.includes('delivery.routes[].match'));
  assert.deepEqual(rows.map(({ key }) => key).toSorted(), keys.toSorted());
});

test('the example of every key loads, or is refused as not supported yet where the document says so', () => {
  for (const { key, example, meaning } of rows) {
    const loaded = load(withKey(key, example));
    const refused = /\*\*Not yet\*\*/.test(meaning);
    const codes = loaded.ok ? [] : [...new Set(loaded.errors.map((e) => e.code))];
    assert.deepEqual(
      codes,
      refused ? ['not-supported-yet'] : [],
      `${key}: ${example} ${JSON.stringify(loaded.ok ? [] : loaded.errors)}`,
    );
  }
});

test('each word that a key names as not there yet is refused', () => {
  let tried = 0;
  for (const { key, meaning } of rows) {
    if (!/\*\*not yet\*\*/.test(meaning)) continue;
    const [, before] = /(?:^|[;.] )([^;.]*)\*\*not yet\*\*/.exec(meaning)!;
    for (const [, word] of before!.matchAll(/`([^`]+)`/g)) {
      tried++;
      const loaded = load(withKey(key, word!));
      assert.ok(!loaded.ok && loaded.errors.some((e) => e.code === 'not-supported-yet'), `${key}: ${word}`);
    }
  }
  assert.ok(tried >= 1, `${tried} words`);
});

test('writing a default down changes nothing', () => {
  let compared = 0;
  for (const { key, fallback } of rows) {
    if (fallback === null) continue;
    const [without, written] = [load(withKey(key, null)), load(withKey(key, fallback))];
    assert.ok(without.ok && written.ok, `${key}: ${fallback} ${JSON.stringify(written)}`);
    assert.deepEqual(comparable(written.config), comparable(without.config), key);
    compared++;
  }
  assert.ok(compared >= 30, `${compared} defaults`);
});

test('a required key is missed when it is not there', () => {
  const required = rows.filter((r) => r.required && !/^(?:users|admin\.users|tls)|\.auth\./.test(r.key));
  for (const { key } of required) assert.equal(load(withKey(key, null)).ok, false, key);
  assert.ok(required.length >= 4);
});

test('every YAML block of every document loads, or fails as its mark says', () => {
  let blocks = 0;
  for (const path of documents())
    for (const { info, text, line } of fencesIn(readText(path))) {
      if (!/^ya?ml\b/.test(info)) continue;
      blocks++;
      const expected = /fails: ([\w -]+)$/.exec(info)?.[1]?.split(' ') ?? [];
      const loaded = load(text);
      const found = loaded.ok ? [] : loaded.errors;
      assert.deepEqual(
        [...new Set(found.map((e) => e.code))],
        expected,
        `${path}:${line} ${JSON.stringify(found, null, 1)}`,
      );
      assert.deepEqual(loaded.ok ? loaded.warnings : [], [], `${path}:${line}`);
    }
  assert.ok(blocks >= 5, `${blocks} blocks`);
});

test('the example of a refusal is what the loader says', () => {
  const text = readText('docs/configuration.md');
  const [, said] = /says `FILE:(.*)`/.exec(text)!;
  const block = fencesIn(text).find(({ info }) => info.endsWith('unknown-key'))!;
  const loaded = load(block.text);
  const [error] = loaded.ok ? [] : loaded.errors;
  assert.ok(error);
  assert.equal(`${error.line}:${error.column}: ${error.path}: ${error.message} — ${error.remedy}`, said);
});
