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
  { path: ['users'], asked: (s) => s.users !== undefined, what: 'authentication', remedy: 'remove users' },
  {
    path: ['admin'],
    asked: (s) => s.admin !== undefined,
    what: 'the admin interface',
    remedy: 'remove admin',
  },
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
  {
    path: ['delivery', 'mode'],
    asked: (s) => s.delivery?.mode === 'through',
    what: 'mode through',
    remedy: 'write queue',
  },
  {
    path: ['delivery', 'notifyDelay'],
    asked: (s) => (s.delivery?.notifyDelay ?? 0) > 0,
    what: 'the delayed-mail notice',
    remedy: 'write 0, or remove notifyDelay',
  },
];

const LISTENER: readonly Row<Seen<ListenerSettings>>[] = [
  {
    path: ['protocol'],
    asked: (l) => l.protocol === 'lmtp',
    what: 'receiving by LMTP',
    remedy: 'write smtp',
  },
  {
    path: ['auth'],
    asked: (l) => l.auth !== undefined && l.auth !== 'off',
    what: 'authentication',
    remedy: 'write off, or remove auth',
  },
  {
    path: ['insecureAuth'],
    asked: (l) => l.insecureAuth !== undefined,
    what: 'authentication',
    remedy: 'remove insecureAuth',
  },
  {
    path: ['trustedProxies'],
    asked: (l) => l.trustedProxies !== undefined,
    what: 'the PROXY protocol',
    remedy: 'remove trustedProxies',
  },
];

const ROUTE: readonly Row<Seen<RouteSettings>>[] = [
  {
    path: ['via'],
    asked: (r) => r.via === 'mx' || r.via === 'lmtp',
    what: 'delivery of this kind',
    remedy: 'write smtp, maildir or discard',
  },
];

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
