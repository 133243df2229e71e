/** Delivery: routes compiled, destinations parsed. See resolve.ts for the promises. */
import { resolve as absolute } from 'node:path';
import { parseHostPort, type HostPort } from './address.ts';
import { blockOf } from './blocks.ts';
import type { DeliveryConfig, RouteConfig, RouteTarget } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { invalid, Problem, type DocPath } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import type { DeliverySettings, RouteSettings } from './schema-delivery.ts';
import type { Seen } from './seen.ts';

const D = DEFAULTS.delivery;
const PLACEHOLDERS = ['local', 'domain', 'address'];

/** The delivery part; without routes everything goes to the maildir under `stateDir`. */
export function resolveDelivery(d: Seen<DeliverySettings>, stateDir: string, cx: Resolving): DeliveryConfig {
  return {
    mode: 'queue',
    routes: d.routes?.flatMap((route, i) => resolveRoute(route, ['delivery', 'routes', i], cx)) ?? [
      {
        match: blockOf('true', { path: ['delivery', 'routes'], variables: 'route' }, cx),
        via: 'maildir',
        path: absolute(stateDir, 'mail'),
      },
    ],
    retry: d.retry?.filter((wait) => wait !== undefined) ?? D.retry,
    expire: d.expire ?? D.expire,
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
  return [{ match, ...targetOf(route, path, cx) }];
}

function targetOf(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): RouteTarget {
  if (route.via === undefined) return { via: 'discard' }; // refused
  if (route.tls !== undefined && route.via !== 'smtp')
    cx.say({ ...invalid([...path, 'tls'], `has no meaning with via: ${route.via}`, 'remove it'), at: 'key' });
  switch (route.via) {
    case 'smtp':
      return { via: 'smtp', to: hopsOf(route, path, cx), tls: route.tls ?? 'opportunistic' };
    case 'maildir':
      return { via: 'maildir', path: maildirOf(route, path, cx) };
    case 'discard':
    case 'mx':
    case 'lmtp': // refused by unsupported.ts; the value is not used
      if (route.to !== undefined && route.via !== 'lmtp')
        cx.say({
          ...invalid([...path, 'to'], `has no meaning with via: ${route.via}`, 'remove it'),
          at: 'key',
        });
      return { via: 'discard' };
  }
}

function hopsOf(route: Seen<RouteSettings>, path: DocPath, cx: Resolving): readonly HostPort[] {
  if (!route.to && !cx.refused([...path, 'to']))
    cx.say({
      ...invalid(path, 'has no to', 'add to with one or several next hops, such as 10.0.0.5:25'),
      code: 'missing',
    });
  return (route.to ?? []).flatMap((text, i) => {
    if (text === undefined) return [];
    const hop = parseHostPort(text, D.smtpPort);
    if (!(hop instanceof Problem)) return [hop];
    cx.say(invalid([...path, 'to', i], hop.message, hop.remedy));
    return [];
  });
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
