/**
 * Names, arities and literals of a parsed expression (reference 9 and 13): the errors that the grammar cannot see.
 *
 * Reports all of them, not only the first. Never throws.
 */
import type { Findings, Span } from './diagnostics.ts';
import { SYSTEM_NAMES, type Service } from './environment.ts';
import { FUNCTIONS, SPECIAL_FORMS } from './functions/index.ts';
import { placeInRaw } from './lexer.ts';
import { nearest } from './nearest.ts';
import { isBad, patternOf, type Pattern } from './regex.ts';
import { nodesOf, partsOf, type Tree, type TreeOf } from './tree.ts';
import { existsSomewhere, variablesOf, type VariableSet } from './variables.ts';

/** Where the expression stands and what it may use. */
export interface Place {
  readonly source: string;
  readonly variables: VariableSet;
  readonly available: ReadonlySet<Service>;
}

/** What compiling needs besides the tree. */
export interface Checked {
  readonly tree: Tree;
  /** The compiled pattern of each `matches`. */
  readonly patterns: ReadonlyMap<Tree, Pattern>;
  /** Variables by name, with the place where each is first read. */
  readonly reads: ReadonlyMap<string, Span>;
  /** Whether a capture is read. */
  readonly captures: boolean;
}

/** Checks every node; null when an error was reported. */
export function check(tree: Tree, place: Place, findings: Findings): Checked | null {
  const patterns = new Map<Tree, Pattern>();
  const reads = new Map<string, Span>();
  let captures = false;
  for (const node of nodesOf(tree)) {
    if (node.kind === 'capture') captures = true;
    else if (node.kind === 'call') checkCall(node, place, patterns, findings);
    else if (node.kind === 'variable') {
      checkVariable(node, place, findings);
      if (!reads.has(node.name)) reads.set(node.name, node);
    }
  }
  if (!findings.failed) return { tree, patterns, reads, captures };
  suspectWords(tree, findings);
  return null;
}

function checkVariable(node: TreeOf<'variable'>, place: Place, findings: Findings): void {
  const { name } = node;
  const known = variablesOf(place.variables);
  if (known.has(name)) return;
  if (existsSomewhere(name)) {
    const where = place.variables === 'enable' ? 'a milter is asked' : 'a route is chosen';
    findings.error('variable-not-available', node, `\`${name}\` is not available when ${where}`);
  } else if (FUNCTIONS.has(name) || SPECIAL_FORMS.has(name))
    findings.error(
      'unknown-variable',
      node,
      `\`${name}\` is a function, not a variable`,
      `call it: ${name}(…)`,
    );
  else {
    const near = nearest(name, known.keys());
    const hint = near ? `did you mean \`${near}\`?` : `if the word itself is meant, quote it: '${name}'`;
    findings.error('unknown-variable', node, `there is no variable \`${name}\``, hint);
  }
}

function checkCall(
  node: TreeOf<'call'>,
  place: Place,
  patterns: Map<Tree, Pattern>,
  findings: Findings,
): void {
  const { name, named, inputs } = node;
  const form = SPECIAL_FORMS.get(name);
  const row = FUNCTIONS.get(name);
  if (form === undefined && row === undefined) return unknownFunction(name, named, place, findings);
  const least = form ?? (row!.kind === 'plain' ? row!.arity : row!.least);
  const most = form ?? (row!.kind === 'plain' ? row!.arity : row!.most);
  if (inputs.length < least || inputs.length > most) {
    const wanted = least === most ? `${least}` : `${least} or ${most}`;
    findings.error('arity', named, `\`${name}\` takes ${wanted} argument(s), not ${inputs.length}`);
  } else if (form !== undefined) checkForm(node, place, patterns, findings);
  const service = row?.kind === 'late' ? row.service : name === 'metric' ? 'metrics' : null;
  if (service !== null && !place.available.has(service))
    findings.error('unsupported-function', named, `\`${name}\` is not available here`, LACKING[service]);
}

const LACKING: Readonly<Record<Service, string>> = {
  dns: 'no DNS resolver is at hand where this is evaluated',
  store: 'no key or counter store is at hand where this is evaluated',
  sql: 'no SQL store is configured',
  local: 'local domains and addresses are not known where this is evaluated',
  metrics: 'no figures of the gateway are at hand where this is evaluated',
};

function unknownFunction(name: string, named: Span, place: Place, findings: Findings): void {
  if (name === 'config_get') {
    const hint = 'settings cannot be read from expressions; write the value itself';
    return findings.error('unsupported-function', named, '`config_get` is not supported', hint);
  }
  if (variablesOf(place.variables).has(name))
    return findings.error('unknown-function', named, `\`${name}\` is a variable, not a function`);
  const near = nearest(name, [...FUNCTIONS.keys(), ...SPECIAL_FORMS.keys()]);
  const hint = near ? `did you mean \`${near}\`?` : '';
  findings.error('unknown-function', named, `there is no function \`${name}\``, hint);
}

/** Dotted ids of the specification, and Prometheus names (its data model) without labels. */
const METRIC = /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)+|[A-Za-z_:][A-Za-z0-9_:]*)$/;

/** The special forms of reference 9.1: their first argument is read now, not when evaluated. */
function checkForm(
  node: TreeOf<'call'>,
  place: Place,
  patterns: Map<Tree, Pattern>,
  findings: Findings,
): void {
  const [first] = node.inputs;
  if (first?.kind !== 'literal' || first.raw === null) {
    const span = first ?? node.named;
    findings.error('literal-required', span, `the first argument of \`${node.name}\` must be a quoted text`);
  } else if (node.name === 'matches') {
    const pattern = patternOf(first.raw);
    if (!isBad(pattern)) {
      patterns.set(node, pattern);
      return;
    }
    const start = placeInRaw(place.source, first, pattern.at);
    const end = Math.max(
      start,
      Math.min(first.end - 1, placeInRaw(place.source, first, pattern.at + pattern.length)),
    );
    findings.error('bad-regex', { start, end }, `bad regular expression: ${pattern.reason}`, pattern.hint);
  } else if (node.name === 'system') {
    if (SYSTEM_NAMES.some((known) => known === first.value)) return;
    findings.error('unknown-variable', first, 'no such system name', `one of ${SYSTEM_NAMES.join(', ')}`);
  } else if (typeof first.value !== 'string' || !METRIC.test(first.value))
    findings.error(
      'unknown-variable',
      first,
      'not the name of a metric',
      "dotted ids, such as 'queue.count'",
    );
}

/** Unknown words where a text is likely meant: compared with something, or alone in the clause. */
function suspectWords(tree: Tree, findings: Findings): void {
  const unknown = new Set(
    findings.list.filter((d) => d.code === 'unknown-variable').map((d) => d.column - 1),
  );
  const suspect = (node: Tree): void => {
    if (node.kind !== 'variable' || !unknown.has(node.start) || !/^[\w.]+$/.test(node.name)) return;
    if (FUNCTIONS.has(node.name) || SPECIAL_FORMS.has(node.name)) return;
    findings.warn(
      'unquoted-word',
      node,
      `\`${node.name}\` looks like a text without quotes`,
      `'${node.name}'`,
    );
  };
  suspect(tree);
  for (const node of nodesOf(tree))
    if (node.kind === 'binary' && (node.operator === '==' || node.operator === '!='))
      partsOf(node).forEach(suspect);
}
