/** docs/milter-support.md has a row for everything there is to support, and every row names tests that exist. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SMFIF, SMFIP, SMFIR } from '#milter/protocol';
import { milterSettings, STAGES } from '../src/gateway/config/schema-milters.ts';
import { readText, tablesIn } from './support/documents.ts';
import { hasTest } from './support/titles.ts';

const PATH = 'docs/milter-support.md';

/** The actions of the specification, with their codes, in its order. */
const ACTIONS = [
  ...['ADDRCPT +', 'DELRCPT -', 'ADDRCPT_PAR 2', 'SHUTDOWN 4', 'ACCEPT a', 'REPLBODY b', 'CONTINUE c'],
  ...['DISCARD d', 'CHGFROM e', 'CONN_FAIL f', 'ADDHEADER h', 'INSHEADER i', 'SETSYMLIST l'],
  ...['CHGHEADER m', 'PROGRESS p', 'QUARANTINE q', 'REJECT r', 'SKIP s', 'TEMPFAIL t', 'REPLYCODE y'],
];

/** The macros of the specification, in its order. */
const MACROS = [
  ...['i', 'j', '_', '{auth_authen}', '{auth_author}', '{auth_type}', '{client_addr}'],
  ...['{client_connections}', '{client_name}', '{client_port}', '{client_ptr}', '{cert_issuer}'],
  ...['{cert_subject}', '{cipher_bits}', '{cipher}', '{daemon_addr}', '{daemon_name}', '{daemon_port}'],
  ...['{mail_addr}', '{mail_host}', '{mail_mailer}', '{rcpt_addr}', '{rcpt_host}', '{rcpt_mailer}'],
  ...['{tls_version}', '{v}'],
];

/** What zod knows of a schema, as far as it is looked at here. */
interface Def {
  readonly type: string;
  readonly out?: { readonly _zod: { readonly def: Def } };
  readonly shape?: Readonly<Record<string, unknown>>;
}

function fieldsOf(schema: unknown): readonly string[] {
  let { def } = (schema as { readonly _zod: { readonly def: Def } })._zod;
  while (def.out) ({ def } = def.out._zod);
  return Object.keys(def.shape ?? {});
}

/** First column by the heading of the table, as the table must have it. */
const EXPECTED: Readonly<Record<string, readonly string[]>> = {
  Actions: ACTIONS.map((action) => '`' + action.replace(' ', '` (`') + '`)'),
  Macros: MACROS.map(code),
  'Action flags': Object.keys(SMFIF).map(code),
  'Protocol flags': Object.keys(SMFIP).map(code),
  Stages: STAGES.map(code),
  'Configuration fields': fieldsOf(milterSettings).map(code),
};

function code(text: string): string {
  return '`' + text + '`';
}

/** What is wrong with a text of the document, one line each. */
function complaints(document: string): readonly string[] {
  const tables = tablesIn(document);
  const found: string[] = [];
  for (const [heading, names] of Object.entries(EXPECTED)) {
    const rows = tables.filter((table) => table.heading === heading).flatMap((table) => table.rows);
    const there = rows.map(([name = '']) => name);
    for (const name of names) if (!there.includes(name)) found.push(`${heading}: no row for ${name}`);
    for (const [i, name] of there.entries())
      if (!names.includes(name) || there.indexOf(name) !== i) found.push(`${heading}: a stray row ${name}`);
    for (const [name = '', how = '', shown = ''] of rows) {
      if (how === '') found.push(`${heading}: ${name} says nothing`);
      for (const named of shown.split(/; (?=`)/)) {
        const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(named) ?? [];
        if (!hasTest(file, title)) found.push(`${heading}: ${name} names no test: ${named}`);
      }
    }
  }
  return found;
}

test('the lists of the specification are those of the protocol’s constants', () => {
  const { OPTNEG: _, ...answers } = SMFIR;
  assert.deepEqual(
    Object.entries(answers).map(([name, byte]) => `${name} ${String.fromCharCode(byte)}`),
    ACTIONS,
  );
  assert.equal(MACROS.length, 26);
  assert.equal(new Set(MACROS).size, 26);
});

test('every action, macro, flag, stage and field has its row, and every row names tests that exist', () => {
  assert.equal(complaints(readText(PATH)).join('\n'), '');
});

test('a row that is missing, doubled, made up, or names a test that is not there is noticed', () => {
  const document = readText(PATH);
  const row = /^\| `REPLYCODE` .*\n/m.exec(document)![0];
  for (const [tampered, complaint] of [
    [document.replace(row, ''), /^Actions: no row for `REPLYCODE` \(`y`\)$/],
    [document.replace(row, row + row), /^Actions: a stray row `REPLYCODE` \(`y`\)$/],
    [document.replace('| `{v}` |', '| `{w}` |'), /^Macros: no row for `\{v\}`\nMacros: a stray row `\{w\}`$/],
    [document.replace('many5 at rcpt', 'many6 at rcpt'), /^Actions: .* names no test: .*many6 at rcpt$/],
    [
      document.replace('test/flags.test.ts', 'test/flag.test.ts'),
      /^\w[\w ]+: .* names no test: `test\/flag\./,
    ],
    [document.replace(/\| `test\/macros[^|]+\|\n/, '| – |\n'), /names no test: –$/m],
  ] as const) {
    assert.notEqual(tampered, document);
    assert.match(complaints(tampered).join('\n'), complaint);
  }
});
