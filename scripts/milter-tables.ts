// Rewrites the tables of docs/milter.md from the constants of src/milter/protocol, so that the document cannot say another
// number than the program. Run it after a change there:  node --conditions=source --import tsx scripts/milter-tables.ts
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  ACTION_OF,
  DATA_SIZE,
  DEFAULT_MACROS,
  DEFAULT_REPLIES,
  LAW,
  RIGHT_FOR,
  SMFIC,
  SMFIF,
  SMFIM,
  SMFIP,
  SMFIR,
  VERSION,
  actionsOf,
  codeName,
  flagNames,
  macroStageNumber,
  protocolOf,
  type EventLaw,
  type MacroStage,
  type Meaning,
  type VerdictKind,
} from '#milter/protocol';

const DOCUMENT = fileURLToPath(new URL('../docs/milter.md', import.meta.url));

const hex = (n: number, digits = 2): string => '0x' + n.toString(16).padStart(digits, '0');
const code = (text: string): string => `\`${text}\``;
const letter = (n: number): string => code(String.fromCharCode(n));
const listed = (names: readonly string[]): string => names.map(code).join(' ') || '–';

function table(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)].join('\n');
}

const laws = (): readonly EventLaw[] => Object.values(LAW);

/** How a verdict's meaning reads: `refuse recipient`. */
function meaningText(meaning: Meaning | undefined): string {
  if (!meaning) return '–';
  return meaning.does === 'close' ? 'close' : `${meaning.does} ${meaning.about}${meaning.open ? ' *' : ''}`;
}

/** Events whose verdicts mean the same stand in one column. */
function verdictTable(): string {
  const columns: { names: string[]; law: EventLaw }[] = [];
  for (const law of laws().filter((l) => l.answered)) {
    const same = columns.find((c) => JSON.stringify(c.law.verdicts) === JSON.stringify(law.verdicts));
    if (same) same.names.push(law.name);
    else columns.push({ names: [law.name], law });
  }
  const kinds = [...new Set(laws().flatMap((law) => Object.keys(law.verdicts)))] as VerdictKind[];
  return table(
    ['Verdict', ...columns.map((c) => c.names.join(', '))],
    kinds.map((kind) => [code(kind), ...columns.map((c) => meaningText(c.law.verdicts[kind]))]),
  );
}

function numbers(of: Readonly<Record<string, number>>, digits: number): string {
  return table(
    ['Name', 'Bit'],
    Object.entries(of).map(([name, bit]) => [code(name), hex(bit, digits)]),
  );
}

/** Every table by the name it has in the document. */
export const TABLES: Readonly<Record<string, () => string>> = {
  commands: () =>
    table(
      ['Code', 'Number', 'Name', 'Event'],
      Object.entries(SMFIC).map(([name, n]) => [
        letter(n),
        hex(n),
        code(name),
        laws().find((law) => law.code === n)?.name ?? '–',
      ]),
    ),
  responses: () =>
    table(
      ['Code', 'Number', 'Name'],
      Object.entries(SMFIR).map(([name, n]) => [letter(n), hex(n), code(name)]),
    ),
  actions: () => numbers(SMFIF, 3),
  protocol: () => numbers(SMFIP, 6),
  versions: () =>
    table(
      ['Version', 'Actions', 'Protocol bits'],
      Array.from({ length: VERSION.MAX - VERSION.MIN + 1 }, (_, i) => VERSION.MIN + i).map((v) => [
        String(v),
        hex(actionsOf(v), 3),
        hex(protocolOf(v), 6),
      ]),
    ),
  sizes: () =>
    table(
      ['Name', 'Bytes of payload'],
      Object.entries(DATA_SIZE).map(([name, bytes]) => [code(name), String(bytes)]),
    ),
  macros: () =>
    table(
      ['Stage', 'Number', 'Sent unless the filter names its own list'],
      (Object.keys(DEFAULT_MACROS) as MacroStage[])
        .toSorted((a, b) => macroStageNumber(a) - macroStageNumber(b))
        .map((stage) => {
          const n = macroStageNumber(stage);
          return [`${stage} (${code(codeName(n, SMFIM))})`, String(n), listed(DEFAULT_MACROS[stage])];
        }),
    ),
  events: () =>
    table(
      ['Event', 'Command', 'Since', 'Left out by', 'Not answered with', 'Answered', 'Macros', 'Edits'],
      laws().map((law) => [
        law.name,
        `${letter(law.code)} ${code(codeName(law.code, SMFIC))}`,
        String(law.since),
        listed(flagNames(law.skip, SMFIP)),
        listed(flagNames(law.noReply, SMFIP)),
        law.answered ? 'yes' : 'no',
        law.macros === null ? '–' : law.macrosAlways ? `${law.macros}, always` : law.macros,
        law.edits ? 'yes' : 'no',
      ]),
    ),
  verdicts: verdictTable,
  rights: () =>
    table(
      ['Response', 'Granted by any of'],
      [...RIGHT_FOR].map(([n, bits]) => [
        `${letter(n)} ${code(codeName(n, SMFIR))}`,
        listed(flagNames(bits, SMFIF)),
      ]),
    ),
  asks: () =>
    table(
      ['Edit', 'Asked for'],
      Object.entries(ACTION_OF).map(([kind, bits]) => [code(kind), listed(flagNames(bits, SMFIF))]),
    ),
  replies: () =>
    table(
      ['Verdict', 'Reply'],
      Object.entries(DEFAULT_REPLIES).map(([kind, { code: n, enhanced, lines }]) => [
        code(kind),
        `${n} ${enhanced} ${lines.join(' / ')}`,
      ]),
    ),
};

/** The document with every table made anew between its marks. Throws for a mark without a table and a table without a mark. */
export function filled(document: string): string {
  const seen = new Set<string>();
  const text = document.replace(
    /(<!-- table: (\w+) -->\n)[^]*?(<!-- end -->)/g,
    (_, open: string, name: string, close: string) => {
      const make = TABLES[name];
      if (!make || seen.has(name)) throw new Error(`no table ${name}, or twice`);
      seen.add(name);
      return `${open}\n${make()}\n\n${close}`;
    },
  );
  for (const name of Object.keys(TABLES)) if (!seen.has(name)) throw new Error(`no place for table ${name}`);
  return text;
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(DOCUMENT, filled(readFileSync(DOCUMENT, 'utf8')));
