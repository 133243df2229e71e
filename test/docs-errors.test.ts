/** docs/errors.md has every code that the program can throw or report, and no other; and replies to clients give nothing away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, readText, tablesIn } from './support/documents.ts';
import { codeIn, sourceFiles } from './support/sources.ts';

const tables = tablesIn(readText('docs/errors.md')).filter(({ columns }) => columns[0] === 'Code');
const documented = (mark: string): readonly string[] => {
  const table = tables.find((t) => t.mark === `codes: ${mark}`);
  assert.ok(table, `docs/errors.md has no table "codes: ${mark}"`);
  return table.rows.map(([cell]) => codeOf(cell!)).toSorted();
};

const literals = (text: string): string[] => [...text.matchAll(/'([\w-]+)'/g)].map(([, word]) => word!);

/** Members of a union of words that a file declares under a name. */
function unionIn(file: string, name: string): string[] {
  const declared = new RegExp(`type ${name} =([^;]*);`).exec(codeIn(file));
  assert.ok(declared, `${file} declares no ${name}`);
  return literals(declared[1]!);
}

/** Every error class of the program: where it is, and the codes it can have. */
function errorClasses(): readonly { file: string; name: string; codes: readonly string[] }[] {
  return sourceFiles().flatMap((file) => {
    const code = codeIn(file);
    return [...code.matchAll(/class (\w+) extends \w*(?:Error|Fault)\b([^]*?)\n\}/g)].map(
      ([, name, body]) => {
        const [, type, value] = /readonly code(?:: ([^;=]+))?(?: = ([^;]+))?;/.exec(body!) ?? [];
        const said = type ?? value;
        assert.ok(said, `${name} in ${file} has no code`);
        const alias = /^\w+$/.exec(said.trim())?.[0];
        return { file, name: name!, codes: alias ? unionIn(file, alias) : literals(said) };
      },
    );
  });
}

test('every error class stands in the document under its name, with just the codes it can have', () => {
  const classes = errorClasses();
  assert.ok(classes.length >= 10);
  for (const { file, name, codes } of classes) {
    assert.deepEqual(documented(file), codes.toSorted(), `${name} in ${file}`);
    assert.equal(tables.find((t) => t.mark === `codes: ${file}`)!.heading, name);
  }
  const files = tables.map((t) => /^codes: (src\/\S+)$/.exec(t.mark)?.[1]).filter((f) => f !== undefined);
  assert.deepEqual(files.toSorted(), classes.map((c) => c.file).toSorted());
});

test('codes put on plain errors are in the document', () => {
  const found = sourceFiles().flatMap((file) =>
    [...codeIn(file).matchAll(/Object\.assign\(new Error\([^]*?\{\s*code: '([\w-]+)'/g)].map(
      ([, code]) => code!,
    ),
  );
  const ours = found.filter((code) => /^[A-Z_]+$/.test(code));
  assert.deepEqual(documented('objects'), [...new Set(ours)].toSorted());
});

test('an error without a code is thrown only where it is known to stay inside, or is a RangeError', () => {
  const known = [
    'src/cli/queue/reach.ts', // the built-in defaults do not load: cannot happen
    'src/cli/starter.ts', // said by serve in its own words
    'src/gateway/listeners.ts', // the loader has refused this before
    'src/spool/draft.ts', // becomes a SpoolError
  ];
  for (const file of sourceFiles()) {
    const thrown = [...codeIn(file).matchAll(/(?:throw|reject\() ?new (Error|TypeError)\(/g)];
    assert.ok(thrown.length === 0 || known.includes(file), `${file} throws an error without a code`);
  }
});

test('every code of a configuration finding is in the document', () => {
  const found = new Set<string>();
  for (const file of sourceFiles('src/gateway/config')) {
    const code = codeIn(file);
    for (const [, word] of code.matchAll(/\bcode(?::| =(?!=))([^,;]*)/g))
      for (const w of literals(word!)) found.add(w);
    for (const [, word] of code.matchAll(/#refuse\((?:[^()]|\([^()]*\))*'([\w-]+)',?\s*\)/g))
      if (!word!.includes(' ')) found.add(word!);
  }
  found.delete('custom'); // between the leaves and the loader (zod's word)
  assert.deepEqual(documented('configuration'), [...found].toSorted());
});

test('every code of the expression checker is in the document, errors and warnings apart', () => {
  const file = 'src/expressions/diagnostics.ts';
  for (const name of ['ErrorCode', 'WarningCode'])
    assert.deepEqual(documented(`${file} ${name}`), unionIn(file, name).toSorted());
});

/** Folders whose statuses an SMTP client reads. */
const TO_CLIENTS = [
  'src/smtp/server',
  'src/smtp/protocol',
  'src/intake',
  'src/stages',
  'src/milter/protocol',
];
/** What may stand in a reply besides fixed words. */
const FILLED = new Set([
  'id', // the queue id
  'whose', // sender or recipient
  'what', // what is wrong with an address, in words of the parser
  'hostname', // our own name, in greeting and EHLO
  "protocol === 'lmtp' ? 'LMTP' : 'ESMTP'",
]);

/** Texts of statuses made in a file, with what fills them. */
function replyTexts(file: string): readonly string[] {
  const code = codeIn(file);
  const made = [
    ...code.matchAll(/\b(?:status|refuse)\(\s*(?:\d{3}|[^,()]*),\s*[^,]*,\s*('(?:[^'\\]|\\.)*'|`[^`]*`)/g),
    ...code.matchAll(/\blines: \[('[^']*')\]/g),
    ...code.matchAll(/return code < 500 \? ('[^']*') : ('[^']*')/g),
  ];
  return made.flatMap(([, ...texts]) => texts.map((text) => text.slice(1, -1)));
}

const SETTINGS: ReadonlySet<string> = new Set(
  tablesIn(readText('docs/configuration.md'))
    .filter(({ columns }) => columns[0] === 'Key')
    .flatMap(({ rows }) => rows.flatMap(([key]) => codeOf(key!).split(/[.[\]]+/)))
    .filter((word) => /[a-z][A-Z]/.test(word)),
);

/** What a reply text gives away, or null. */
function leakIn(text: string): string | null {
  for (const [, filling] of text.matchAll(/\$\{([^}]*)\}/g)) if (!FILLED.has(filling!)) return filling!;
  const words = text.replace(/\$\{[^}]*\}/g, '');
  if (/(?:^|[\s'"(])\.{0,2}\/\w|\\\w|\.(?:ts|js|ya?ml|sock|pem|mdb)\b/.test(words)) return 'a file';
  if (/\b[a-z0-9-]+\.(?:[a-z0-9-]+\.)*[a-z]{2,}\b/i.test(words)) return 'a host';
  if (/\b\d+\.\d+\.\d+\.\d+\b|\[[\da-f:]+\]/i.test(words)) return 'an address';
  if (/\bE[A-Z]{4,}\b/.test(words)) return 'a code of the system';
  return words.split(/\W+/).find((word) => SETTINGS.has(word)) ?? null;
}

test('no reply that a client reads names a file, a host, a setting or a reason of ours', () => {
  const texts = TO_CLIENTS.flatMap((folder) => sourceFiles(folder)).flatMap((file) =>
    replyTexts(file).map((text) => [file, text] as const),
  );
  assert.ok(texts.length >= 60, `${texts.length} texts`);
  assert.ok(texts.some(([, text]) => text === 'Relay access denied'));
  for (const [file, text] of texts) assert.equal(leakIn(text), null, `${file}: ${text}`);
});

test('a reply that gives something away is noticed', () => {
  for (const text of [
    'cannot write /var/lib/millrace/spool',
    'see millrace.yaml',
    'no connection to filter.example.org',
    'no connection to 10.0.0.1',
    'ENOSPC',
    'larger than maxMessageSize',
    'failed: ${error.message}',
  ])
    assert.notEqual(leakIn(text), null, text);
});
