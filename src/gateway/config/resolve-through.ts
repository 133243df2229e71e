/**
 * `delivery.mode: through` held against the rest: mail that is not kept can only go to next hops, and nowhere to be held.
 * See resolve.ts for the promises.
 */
import { invalid, type DocPath } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import type { Settings } from './schema.ts';
import type { Seen } from './seen.ts';

/** Says what cannot be had in this mode. */
export function checkThrough({ delivery, milters, listeners }: Seen<Settings>, cx: Resolving): void {
  if (delivery?.mode !== 'through') return;
  if (!delivery.routes && !cx.refused(['delivery', 'routes']))
    cx.say({
      ...invalid(
        ['delivery', 'mode'],
        'through needs routes to next hops',
        'add delivery.routes with via: smtp or via: lmtp',
      ),
      code: 'missing',
    });
  for (const [i, route] of (delivery.routes ?? []).entries()) {
    const at: DocPath = ['delivery', 'routes', i];
    if (route?.via !== undefined && route.via !== 'smtp' && route.via !== 'lmtp')
      cx.say(
        invalid(
          [...at, 'via'],
          'mode through hands mail to next hops only',
          'write smtp or lmtp, or mode: queue',
        ),
      );
    if (route?.rate !== undefined)
      cx.say({ ...invalid([...at, 'rate'], 'has no meaning with mode: through', 'remove it'), at: 'key' });
  }
  for (const [i, milter] of (milters ?? []).entries())
    if (milter?.onError === 'quarantine')
      cx.say(
        invalid(
          ['milters', i, 'onError'],
          'mode through has no place to hold mail',
          'write tempfail, reject or accept',
        ),
      );
  for (const [i, listener] of (listeners ?? []).entries())
    if (listener?.dsn === true)
      cx.say(
        invalid(
          ['listeners', i, 'dsn'],
          'mode through cannot send notices for a next hop that does not',
          'remove it',
        ),
      );
}
