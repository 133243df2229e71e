/** Who may send to where through one listener, and which recipients there are. See resolve.ts for the promises. */
import { asciiLower, byteStringOf } from '#message';
import { parseNetwork, type Network } from './address.ts';
import type { RelayConfig } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { Problem } from './diagnostics.ts';
import { readable, type Resolving } from './resolve.ts';
import type { ListenerSettings } from './schema-listeners.ts';
import type { Seen } from './seen.ts';

/** Without `relay`: loopback to anywhere, everyone to localhost. With it, what it does not name is nobody and nothing. */
export function resolveRelay(
  relay: Seen<ListenerSettings>['relay'],
  listener: number,
  cx: Resolving,
): RelayConfig {
  const { relayNetworks, relayDomains } = DEFAULTS.listener;
  if (!relay)
    return {
      networks: relayNetworks.map(parseNetwork).filter((n): n is Network => !(n instanceof Problem)),
      domains: relayDomains,
      recipients: null,
      callAhead: false,
    };
  const { recipients } = relay;
  return {
    networks: relay.networks?.filter((network) => network !== undefined) ?? [],
    domains: relay.domains?.map((domain) => byteStringOf(asciiLower(domain ?? ''))) ?? [],
    recipients:
      recipients && 'file' in recipients
        ? { file: readable(recipients.file, ['listeners', listener, 'relay', 'recipients'], cx) }
        : (recipients ?? null),
    callAhead: relay.callAhead ?? false,
  };
}
