/** Listeners: defaults, unique names and addresses. See resolve.ts for the promises. */
import { resolve as absolute } from 'node:path';
import { asciiLower, byteStringOf } from '#message';
import { parseBind, parseNetwork, type BindAddress, type Network } from './address.ts';
import type { ListenerConfig, RelayConfig } from './config.ts';
import { BOUNDS, DEFAULTS } from './defaults.ts';
import { invalid, Problem, type Issue } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import type { ListenerSettings } from './schema-listeners.ts';
import type { Settings } from './schema.ts';

const D = DEFAULTS.listener;

/** All listeners; the one of the defaults when none is written. */
export function resolveListeners(settings: Settings, cx: Resolving): readonly ListenerConfig[] {
  const written = settings.listeners ?? [{ name: D.name, bind: [parseBind(D.bind) as BindAddress] }];
  const listeners = written.map((l, i) => resolveListener(l, i, cx));
  const names = new Set<string>();
  const addresses = new Map<string, string>();
  for (const [i, listener] of listeners.entries()) {
    if (names.has(listener.name))
      cx.say(
        duplicate(
          ['listeners', i, 'name'],
          `another listener is named ${listener.name} too`,
          'give each its own name',
        ),
      );
    names.add(listener.name);
    for (const [b, address] of listener.bind.entries()) {
      const key = address.kind === 'unix' ? address.path : `${address.host} ${address.port}`;
      const taken = address.kind === 'tcp' && address.port === 0 ? undefined : addresses.get(key);
      if (taken !== undefined)
        cx.say(
          duplicate(
            ['listeners', i, 'bind', b],
            `listener ${taken} is bound there already`,
            'choose another port',
          ),
        );
      addresses.set(key, listener.name);
    }
  }
  return listeners;
}

function resolveListener(l: ListenerSettings, index: number, cx: Resolving): ListenerConfig {
  return {
    name: l.name,
    bind: l.bind.map((address, b) => {
      if (address.kind === 'tcp') return address;
      const path = absolute(cx.base, address.path);
      if (path.length > BOUNDS.socketPath)
        cx.say(
          invalid(
            ['listeners', index, 'bind', b],
            `the socket path is longer than ${BOUNDS.socketPath} bytes`,
            'choose a shorter path',
          ),
        );
      return { kind: 'unix', path };
    }),
    protocol: 'smtp',
    tls: l.tls ?? 'off',
    relay: resolveRelay(l.relay),
    maxMessageSize: l.maxMessageSize ?? D.maxMessageSize,
    maxRecipients: l.maxRecipients ?? D.maxRecipients,
    maxConnections: l.maxConnections ?? D.maxConnections,
    maxConnectionsPerClient: l.maxConnectionsPerClient ?? D.maxConnectionsPerClient,
    bareLineEnds: l.bareLineEnds ?? 'reject',
  };
}

/** Without `relay`: loopback to anywhere, everyone to localhost. With it, what it does not name is nobody and nothing. */
function resolveRelay(relay: ListenerSettings['relay']): RelayConfig {
  if (!relay)
    return {
      networks: D.relayNetworks.map(parseNetwork).filter((n): n is Network => !(n instanceof Problem)),
      domains: D.relayDomains,
    };
  return {
    networks: relay.networks ?? [],
    domains: (relay.domains ?? []).map((domain) => byteStringOf(asciiLower(domain))),
  };
}

function duplicate(path: Issue['path'], message: string, remedy: string): Issue {
  return { ...invalid(path, message, remedy), code: 'duplicate' };
}
