/** Delivery: routes compiled, destinations parsed. See resolve.ts for the promises. */
import { resolve as absolute } from 'node:path';
import { blockOf } from './blocks.ts';
import type { DeliveryConfig, RouteConfig, RouteTarget } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { invalid, type DocPath } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import { lmtpTarget, mxTarget, refuseForeignKeys, smtpTarget } from './resolve-hops.ts';
import type { DeliverySettings, RouteSettings } from './schema-delivery.ts';
import type { Seen } from './seen.ts';

const D = DEFAULTS.delivery;
const PLACEHOLDERS = ['local', 'domain', 'address'];

/** The delivery part; without routes everything goes to the maildir under `stateDir`. */
export function resolveDelivery(d: Seen<DeliverySettings>, stateDir: string, cx: Resolving): DeliveryConfig {
  return {
    mode: d.mode ?? 'queue',
    routes: d.routes?.flatMap((route, i) => resolveRoute(route, ['delivery', 'routes', i], cx)) ?? [
      {
        match: blockOf('true', { path: ['delivery', 'routes'], variables: 'route' }, cx),
        concurrency: null,
        rate: null,
        via: 'maildir',
        path: absolute(stateDir, 'mail'),
      },
    ],
    retry: d.retry?.filter((wait) => wait !== undefined) ?? D.retry,
    expire: d.expire ?? D.expire,
    holdExpire: d.holdExpire ?? D.holdExpire,
    holdExpired: d.holdExpired ?? D.holdExpired,
    notifyDelay: d.notifyDelay ?? D.notifyDelay,
    dsn: { return: d.dsn?.return ?? D.dsnReturn, maxSize: d.dsn?.maxSize ?? D.dsnMaxSize },
    timeouts: Object.fromEntries(Object.entries(d.timeouts ?? {}).filter(([, ms]) => ms !== undefined)),
    concurrency: {
      total: d.concurrency?.total ?? D.concurrencyTotal,
      perDestination: d.concurrency?.perDestination ?? D.concurrencyPerDestination,
    },
  };
}

function resolveRoute(
  route: Seen<RouteSettings> | undefined,
  path: DocPath,
  cx: Resolving,
): readonly RouteConfig[] {
  if (!route) return [];
  const at = [...path, 'match'];
  const match = blockOf(cx.refused(at) ? 'false' : route.match, { path: at, variables: 'route' }, cx);
  const { concurrency = null, rate = null } = route;
  return [{ match, concurrency, rate, ...targetOf(route, path, cx) }];
}

function targetOf(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): RouteTarget {
  if (route.via === undefined) return { via: 'discard' }; // refused
  refuseForeignKeys(route, path, cx);
  switch (route.via) {
    case 'smtp':
      return smtpTarget(route, path, cx);
    case 'lmtp':
      return lmtpTarget(route, path, cx);
    case 'maildir':
      return { via: 'maildir', path: maildirOf(route, path, cx) };
    case 'mx':
      return mxTarget(route, path, cx);
    case 'discard':
      return { via: 'discard' };
  }
}

function maildirOf(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): string {
  if (cx.refused([...path, 'to']) || route.to?.includes(undefined)) return '';
  const [folder, ...more] = route.to ?? [];
  if (folder === undefined || more.length)
    cx.say({
      ...invalid(
        folder === undefined ? path : [...path, 'to'],
        folder === undefined ? 'has no to' : 'a maildir route has one folder',
        'add to with one folder, such as ./var/mail or /var/mail/{domain}/{local}',
      ),
      code: folder === undefined ? 'missing' : 'invalid',
    });
  for (const [whole, name] of (folder ?? '').matchAll(/\{([^}]*)\}?/g))
    if (!PLACEHOLDERS.includes(name ?? '') || !whole.endsWith('}'))
      cx.say(
        invalid([...path, 'to'], `${whole} is no placeholder`, 'use {local}, {domain} or {address} only'),
      );
  return absolute(cx.base, folder ?? '');
}
