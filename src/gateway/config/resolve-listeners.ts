/** Listeners: defaults, unique names and addresses. See resolve.ts for the promises. */
import { resolve as absolute } from 'node:path';
import { parseBind, type BindAddress, type Network } from './address.ts';
import type { ListenerConfig, RelayConfig } from './config.ts';
import { BOUNDS, DEFAULTS } from './defaults.ts';
import { invalid, type Issue } from './diagnostics.ts';
import type { Resolving } from './resolve.ts';
import { clientCertificatesOf } from './resolve-tls.ts';
import { resolveRelay } from './resolve-relay.ts';
import { resolveLimits } from './schema-limits.ts';
import type { ListenerSettings } from './schema-listeners.ts';
import type { Settings } from './schema.ts';
import type { Seen } from './seen.ts';

const D = DEFAULTS.listener;

/** All listeners; the one of the defaults when none is written. */
export function resolveListeners(settings: Seen<Settings>, cx: Resolving): readonly ListenerConfig[] {
  const written = settings.listeners ?? [{ name: D.name, bind: [parseBind(D.bind) as BindAddress] }];
  const names = new Set<string>();
  const taken: Taken[] = [];
  return written.flatMap((l, i) => {
    if (!l) return [];
    const { name } = l;
    if (name !== undefined && names.has(name))
      cx.say(
        duplicate(
          ['listeners', i, 'name'],
          `another listener is named ${name} too`,
          'give each its own name',
        ),
      );
    if (name !== undefined) names.add(name);
    const clientCertificates = clientCertificatesOf(l, i, settings, cx);
    const relay = resolveRelay(l.relay, i, cx);
    return [resolveListener(l, bindsOf(l, i, cx, taken), relay, clientCertificates)];
  });
}

/** An address, and who has it. */
interface Taken {
  readonly address: BindAddress;
  readonly by: string;
}

/** The addresses of one listener, held against those in `taken` and added to them. */
function bindsOf(l: Seen<ListenerSettings>, index: number, cx: Resolving, taken: Taken[]): BindAddress[] {
  return (l.bind ?? []).flatMap((written, b) => {
    if (!written) return [];
    const path = ['listeners', index, 'bind', b];
    const address: BindAddress =
      written.kind === 'tcp' ? written : { kind: 'unix', path: absolute(cx.base, written.path) };
    if (address.kind === 'unix' && address.path.length > BOUNDS.socketPath)
      cx.say(
        invalid(path, `the socket path is longer than ${BOUNDS.socketPath} bytes`, 'choose a shorter path'),
      );
    if (l.protocol === 'lmtp' && address.kind === 'tcp' && address.port === 25) cx.say(lmtpOn25(path));
    const other = taken.find((t) => collide(t.address, address));
    if (other) cx.say(collision(path, other));
    taken.push({ address, by: l.name === undefined ? 'another listener' : `listener ${l.name}` });
    return [address];
  });
}

/**
 * Whether the system would refuse to open both. An address for all of a family takes its port from every single one; IPv6
 * sockets are opened for IPv6 alone, so the two families never meet. Port 0 is a free one each time.
 */
function collide(a: BindAddress, b: BindAddress): boolean {
  if (a.kind === 'unix') return b.kind === 'unix' && a.path === b.path;
  if (b.kind === 'unix') return false;
  if (a.port !== b.port || a.port === 0 || a.host.includes(':') !== b.host.includes(':')) return false;
  return a.host === b.host || [a.host, b.host].some((host) => host === '0.0.0.0' || host === '::');
}

function collision(path: Issue['path'], { address, by }: Taken): Issue {
  const all = address.kind === 'tcp' ? `, on ${address.host} port ${address.port}` : '';
  return duplicate(path, `${by} is bound there already${all}`, 'keep one of them, or choose another port');
}

/** A warning: who connects to port 25 expects SMTP (RFC 2033 5). */
function lmtpOn25(path: Issue['path']): Issue {
  const remedy = 'choose another port, such as 24, or a unix socket';
  return { ...invalid(path, 'LMTP does not belong on port 25', remedy), severity: 'warning' };
}

function resolveListener(
  l: Seen<ListenerSettings>,
  bind: readonly BindAddress[],
  relay: RelayConfig,
  clientCertificates: ListenerConfig['clientCertificates'],
): ListenerConfig {
  return {
    name: l.name ?? '',
    bind,
    protocol: l.protocol ?? 'smtp',
    dsn: l.dsn ?? true,
    tls: l.tls ?? 'off',
    clientCertificates,
    auth: l.auth ?? 'off',
    insecureAuth: l.insecureAuth ?? false,
    relay,
    trustedProxies: networksOf(l.trustedProxies),
    xclient: networksOf(l.xclient),
    maxMessageSize: l.maxMessageSize ?? D.maxMessageSize,
    maxRecipients: l.maxRecipients ?? D.maxRecipients,
    maxConnections: l.maxConnections ?? D.maxConnections,
    maxConnectionsPerClient: l.maxConnectionsPerClient ?? D.maxConnectionsPerClient,
    bareLineEnds: l.bareLineEnds ?? 'reject',
    refuseEarlyTalkers: l.refuseEarlyTalkers ?? false,
    limits: resolveLimits(l.limits, l.maxRecipients ?? D.maxRecipients),
  };
}

/** Those that could be read. */
function networksOf(written: readonly (Network | undefined)[] | undefined): readonly Network[] {
  return written?.filter((network) => network !== undefined) ?? [];
}

function duplicate(path: Issue['path'], message: string, remedy: string): Issue {
  return { ...invalid(path, message, remedy), code: 'duplicate' };
}
