/**
 * The expression tester: what is wrong with an expression, what it comes to with given variables, and what the language has.
 *
 * The same checks and the same evaluation as in the gateway's own work. Takes plain data from people; never rejects for what an
 * expression says.
 */
import {
  compileBlock,
  explainBlock,
  ExpressionFault,
  functionWords,
  toText,
  truthy,
  variablesOf,
  variableWords,
  type Diagnostic,
  type FunctionWord,
  type Value,
  type VariableSet,
  type VariableType,
  type VariableWord,
} from '#expressions';
import { environmentFor } from '../environment.ts';

/** One finding, its place as an offset from 0 within the clause at `path` ('' for an expression alone). */
export interface Finding {
  readonly path: string;
  readonly at: number;
  readonly length: number;
  readonly severity: 'error' | 'warning';
  readonly code: string;
  readonly message: string;
  readonly remedy: string;
}

/** What checking found. */
export interface Checked {
  readonly ok: boolean;
  readonly diagnostics: readonly Finding[];
  /** What it always comes to, when that is known without evaluating; null when it depends. */
  readonly constant: boolean | null;
}

/** What evaluating came to. Values as an expression would write them. */
export interface Evaluated extends Checked {
  readonly value: string;
  /** Whether the value counts as true; null with errors. */
  readonly holds: boolean | null;
  /** The parts that were evaluated, in that order. */
  readonly steps: readonly {
    readonly path: string;
    readonly at: number;
    readonly length: number;
    readonly text: string;
    readonly value: string;
  }[];
}

/** A value given for a variable. */
export type Given = string | number | boolean | readonly string[];

/** What an empty block means where it stands. */
const EMPTY: Readonly<Record<VariableSet, string>> = { enable: 'true', route: 'true' };

/** Longest value that is shown, in characters. */
const SHOWN = 2000;

/** What is wrong with an expression, or a block in any of its forms. */
export function checkExpression(expression: unknown, set: VariableSet, stages?: readonly string[]): Checked {
  const options = { variables: set, defaultTo: EMPTY[set], ...(stages && { stages }) };
  const { block, diagnostics } = compileBlock(expression, options);
  return { ok: block !== null, diagnostics: diagnostics.map(findingOf), constant: block?.constant ?? null };
}

/** What it comes to. Variables that are not given are empty; a name that is no variable is an answer with `trouble`. */
export async function evaluateExpression(
  expression: unknown,
  set: VariableSet,
  variables: Readonly<Record<string, Given>>,
  hostname: string,
): Promise<Evaluated | { readonly trouble: string }> {
  const known = variablesOf(set);
  const given = new Map<string, Value>();
  for (const [name, value] of Object.entries(variables)) {
    const row = known.get(name);
    if (!row)
      return {
        trouble: `there is no variable ${name.slice(0, 64)} in ${set}; there are ${[...known.keys()].join(', ')}`,
      };
    const read = valueOf(value, row.type);
    if (read === null) return { trouble: `${name} holds ${ARTICLE[row.type]}` };
    given.set(name, read);
  }
  const empty = (name: string): Value => EMPTY_VALUES[known.get(name)?.type ?? 'text'];
  const environment = environmentFor(hostname, () => 0)((name) => given.get(name) ?? empty(name));
  const checked = checkExpression(expression, set);
  const nothing = { ...checked, value: '', holds: null, steps: [] };
  if (!checked.ok) return nothing;
  try {
    const { value, parts } = await explainBlock(
      expression,
      { variables: set, defaultTo: EMPTY[set] },
      environment,
    );
    const steps = parts.map(({ path, column, length, text, value: part }) => ({
      path,
      at: column - 1,
      length,
      text,
      value: written(part),
    }));
    return { ...checked, value: written(value!), holds: truthy(value!), steps };
  } catch (error) {
    if (!(error instanceof ExpressionFault)) throw error;
    const fault = {
      path: '',
      at: 0,
      length: 0,
      severity: 'error',
      code: error.code,
      message: error.message,
      remedy: 'make the result smaller',
    } as const;
    return { ...nothing, ok: false, diagnostics: [...checked.diagnostics, fault] };
  }
}

/** Variables and functions. */
export function language(): {
  readonly variables: Readonly<Record<VariableSet, readonly VariableWord[]>>;
  readonly functions: readonly FunctionWord[];
} {
  return {
    variables: { enable: variableWords('enable'), route: variableWords('route') },
    functions: functionWords(),
  };
}

function findingOf({ path, column, length, severity, code, message, hint }: Diagnostic): Finding {
  return { path, at: column - 1, length, severity, code, message, remedy: hint };
}

const EMPTY_VALUES: Readonly<Record<VariableType, Value>> = { text: '', integer: 0, array: [] };
const ARTICLE: Readonly<Record<VariableType, string>> = {
  text: 'a text',
  integer: 'a whole number',
  array: 'a list of texts',
};

/** A given value as one of the variable's type; null when it is none. */
function valueOf(value: Given, type: VariableType): Value | null {
  switch (type) {
    case 'text':
      return typeof value === 'string' ? value : null;
    case 'array':
      return typeof value === 'string' ? [value] : typeof value === 'object' ? value : null;
    case 'integer': {
      if (typeof value === 'boolean') return value ? 1 : 0;
      const number = typeof value === 'string' && /^-?\d{1,15}$/.test(value) ? Number(value) : value;
      return Number.isSafeInteger(number) ? number : null;
    }
  }
}

/** A value as an expression would write it. */
function written(value: Value): string {
  const text = whole(value);
  return text.length > SHOWN ? `${text.slice(0, SHOWN)}…` : text;
}

function whole(value: Value): string {
  if (typeof value === 'string')
    return `'${value.replace(/[\\']/g, '\\$&').replaceAll('\n', '\\n').replaceAll('\r', '\\r')}'`;
  if (Array.isArray(value))
    return `[${value
      .slice(0, 1000)
      .map((v: Value) => whole(v))
      .join(', ')}]`;
  return toText(value);
}
