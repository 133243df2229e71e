/** Expression blocks of the configuration (`enable`, `match`): compiled once at load, their diagnostics as Issues. */
import { compileBlock, type Block } from '#expressions';
import { invalid, Problem, type DocPath } from './diagnostics.ts';
import { isMapping } from './document.ts';
import type { Resolving } from './resolve.ts';
import { Secret } from './secret.ts';

/** What a block is for. */
export interface BlockPurpose {
  readonly path: DocPath;
  readonly variables: 'enable' | 'route';
  /** What an absent or empty block means. */
  readonly defaultTo?: string;
  /** The moments at which it will be evaluated, to warn of variables that are never known then. */
  readonly stages?: readonly string[];
}

/** The compiled block; a block that never holds when it has errors (which were said). */
export function blockOf(value: unknown, purpose: BlockPurpose, cx: Resolving): Block {
  const { path, ...options } = purpose;
  const { block, diagnostics } = compileBlock(opened(value, path, cx), { ...options, path: '' });
  for (const d of diagnostics)
    cx.say({
      severity: d.severity,
      path: [...path, ...segments(d.path)],
      at: 'value',
      code: d.code,
      message: d.message,
      remedy: d.hint || (d.severity === 'error' ? 'correct the expression' : 'make sure that this is meant'),
      offset: Math.max(0, d.column - 1),
      keyed: 'number',
    });
  return block ?? compileBlock('false', { variables: purpose.variables, path: '' }).block!;
}

/** `.match[0].if` as a path. */
function segments(path: string): DocPath {
  return [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? key! : Number(index),
  );
}

/** The value with secrets read in. */
function opened(value: unknown, path: DocPath, cx: Resolving): unknown {
  if (value instanceof Secret) {
    const found = value.open();
    if (!(found instanceof Problem)) return found;
    cx.say(invalid(path, found.message, found.remedy));
    return 'false';
  }
  if (Array.isArray(value)) return value.map((item, i) => opened(item, [...path, i], cx));
  if (!isMapping(value)) return value;
  const out = Object.create(null) as Record<string, unknown>;
  for (const [key, item] of Object.entries(value)) out[key] = opened(item, [...path, key], cx);
  return out;
}
