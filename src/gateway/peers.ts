/** Peers of a listener that may speak for others: proxies and XCLIENT clients, by the networks of the configuration. */
import type { ListenerConfig } from '#gateway/config';
import { among } from '#intake';
import type { SmtpServerOptions } from '#smtp/server';

/** Who is trusted with what on this listener. A client on a UNIX socket has no address and is never one of them. */
export function trustedPeers({
  trustedProxies,
  xclient,
}: Pick<ListenerConfig, 'trustedProxies' | 'xclient'>): Pick<
  SmtpServerOptions,
  'isTrustedProxy' | 'mayXclient'
> {
  return {
    ...(trustedProxies.length > 0 && { isTrustedProxy: among(trustedProxies) }),
    ...(xclient.length > 0 && { mayXclient: among(xclient) }),
  };
}
