/** Peers of a listener that may speak for others: proxies and XCLIENT clients, by the networks of the configuration. */
import { BlockList, isIP } from 'node:net';
import type { ListenerConfig } from '#gateway/config';
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

/** Whether an address in canonical text is in one of the networks. */
export function among(networks: ListenerConfig['trustedProxies']): (address: string) => boolean {
  const listed = new BlockList();
  for (const { family, address, bits } of networks)
    listed.addSubnet(address, bits, family === 6 ? 'ipv6' : 'ipv4');
  return (address) => {
    const version = isIP(address);
    return version !== 0 && listed.check(address, version === 6 ? 'ipv6' : 'ipv4');
  };
}
