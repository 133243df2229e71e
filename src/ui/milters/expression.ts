/** An expression as rows of if and then with an else, from and to the ways it is written. Pure. */

export interface Branch {
  readonly if: string;
  readonly then: string;
}
export interface BlockRows {
  readonly rows: readonly Branch[];
  readonly otherwise: string;
}

const written = (value: unknown): string =>
  typeof value === 'string'
    ? value
    : typeof value === 'boolean' || typeof value === 'number'
      ? String(value)
      : '';

/** The rows of a setting in any of its forms: a text, a block, a block with keys in place of a list. */
export function blockOf(setting: unknown): BlockRows {
  if (typeof setting !== 'object' || setting === null) return { rows: [], otherwise: written(setting) };
  const { match = [], else: otherwise = '' } = setting as { match?: unknown; else?: unknown };
  const list = Array.isArray(match)
    ? match
    : typeof match === 'object' && match !== null
      ? Object.values(match)
      : [];
  const rows = list.map((row: unknown): Branch => {
    const { if: condition, then } = (row ?? {}) as { if?: unknown; then?: unknown };
    return { if: written(condition), then: written(then) };
  });
  return { rows, otherwise: written(otherwise) };
}

/** What is written in the configuration; undefined leaves the default. */
export function settingOf({ rows, otherwise }: BlockRows): unknown {
  if (rows.length > 0)
    return {
      match: rows.map((row) => ({ if: row.if, then: row.then })),
      else: otherwise === '' ? 'true' : otherwise,
    };
  return otherwise === '' ? undefined : otherwise;
}
