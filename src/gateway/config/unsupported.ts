/**
 * What the contract knows and this version cannot do yet: refused with "not supported yet", never ignored.
 *
 * One row per key or value; a row goes when its feature comes. Pure.
 */
import type { DocPath, Issue } from './diagnostics.ts';
import type { ListenerSettings } from './schema-listeners.ts';
import type { RouteSettings } from './schema-delivery.ts';
import type { Settings } from './schema.ts';
import type { Seen } from './seen.ts';

interface Row<T> {
  readonly path: DocPath;
  /** Whether this part of the configuration asks for what is not there yet. */
  readonly asked: (part: T) => boolean;
  /** The thing, as the subject of "is not supported yet". */
  readonly what: string;
  readonly remedy: string;
}

const TOP: readonly Row<Seen<Settings>>[] = [
  {
    path: ['spool', 'engine'],
    asked: (s) => s.spool?.engine === 'postgres',
    what: 'the postgres engine',
    remedy: 'write lmdb or memory',
  },
  {
    path: ['spool', 'url'],
    asked: (s) => s.spool?.url !== undefined && s.spool.engine !== 'postgres',
    what: 'a spool elsewhere',
    remedy: 'remove url',
  },
];

const LISTENER: readonly Row<Seen<ListenerSettings>>[] = [];

const ROUTE: readonly Row<Seen<RouteSettings>>[] = [];

/** An issue for everything asked for that is not there yet, in the order of the rows. */
export function unsupported(settings: Seen<Settings>): readonly Issue[] {
  return [
    ...refusals(TOP, settings, []),
    ...(settings.listeners ?? []).flatMap((l, i) => refusals(LISTENER, l, ['listeners', i])),
    ...(settings.delivery?.routes ?? []).flatMap((r, i) => refusals(ROUTE, r, ['delivery', 'routes', i])),
  ];
}

function refusals<T>(rows: readonly Row<T>[], part: T | undefined, above: DocPath): Issue[] {
  if (part === undefined) return [];
  return rows
    .filter((row) => row.asked(part))
    .map((row) => ({
      severity: 'error',
      path: [...above, ...row.path],
      at: 'key',
      code: 'not-supported-yet',
      message: `${row.what} is not supported yet`,
      remedy: row.remedy,
    }));
}
