/**
 * A configuration as one would write it with every default filled in: for people who want to see what is in force, and for those
 * who run without a file and want to begin one. Pure; never throws.
 */
import type { BlockSource } from '#expressions';
import { utf8Of } from '#message';
import type { BindAddress, Network } from './address.ts';
import type {
  Config,
  DeliveryConfig,
  HopConfig,
  ListenerConfig,
  MilterConfig,
  RouteConfig,
} from './config.ts';
import { isMapping, readDocument } from './document.ts';
import type { JournalConfig } from './schema-journal.ts';
import { passwordHashText, type PasswordHash } from './password.ts';

type Plain = Readonly<Record<string, unknown>>;

/** What stands for a secret that is not to be shown. */
export const HIDDEN = '********';

/** Every setting in force, by the keys of the configuration. `secrets`: passwords, hashes and tokens as they are. */
export function effectiveSettings(config: Config, secrets: boolean): Plain {
  const { hostname, stateDir, workers, tls, users, usersFile, spool, dns, journal, admin, shedding, log } =
    config;
  return {
    hostname,
    stateDir,
    workers,
    drain: config.drain,
    listeners: config.listeners.map(effectiveListener),
    ...(tls && { tls: written({ ...tls }) }),
    ...(users.length > 0 && {
      users: users.map(({ name, password, senders }) => ({
        name: utf8Of(name),
        password: secrets ? hashText(password) : HIDDEN,
        ...(senders && { senders: senders.map(utf8Of) }),
      })),
    }),
    ...(usersFile !== '' && { usersFile }),
    milters: config.milters.map(effectiveMilter),
    spool: spool.engine === 'lmdb' ? { engine: spool.engine, inlineBodyMax: spool.inlineBodyMax } : spool,
    delivery: effectiveDelivery(config.delivery, secrets),
    dns: { ...(dns.servers.length > 0 && { servers: dns.servers }), timeout: dns.timeout },
    shedding: written({ ...shedding }),
    journal: journal === null ? false : effectiveJournal(journal),
    ...(admin && {
      admin: {
        bind: admin.bind.map(bindText),
        token: 'file' in admin.token ? admin.token : secrets ? admin.token.text : HIDDEN,
        ...(admin.names.length > 0 && { names: admin.names }),
        ...(admin.metrics !== null && { metrics: admin.metrics }),
        ...(admin.users.length > 0 && {
          users: admin.users.map(({ name, scope }) => ({ name: utf8Of(name), scope })),
        }),
      },
    }),
    log,
  };
}

/** Of settings in force those that are written in `text`, by key; a list is written as a whole. */
export function writtenIn(effective: Plain, text: string): Plain {
  const document = readDocument(text, { env: {}, base: '/' });
  return 'issues' in document ? {} : common(effective, document.value);
}

function common(effective: Plain, document: unknown): Plain {
  if (!isMapping(document)) return {};
  const entries = Object.entries(effective).filter(([key]) => Object.hasOwn(document, key));
  return Object.fromEntries(
    entries.map(([key, value]) => {
      const isGroup = typeof value === 'object' && value !== null && !Array.isArray(value);
      return [key, isGroup ? common(value as Plain, document[key]) : value];
    }),
  );
}

/** A filter with every default filled in, by its keys. */
export function effectiveMilter(m: MilterConfig): Plain {
  const { endpoint, tls, offer } = m;
  return {
    name: m.name,
    ...(endpoint.kind === 'unix'
      ? { socket: endpoint.path }
      : { hostname: endpoint.host, port: endpoint.port }),
    stages: [...m.stages],
    enable: blockText(m.enable.source),
    ...(endpoint.kind === 'tcp' && { useTls: tls !== null }),
    ...(tls && {
      allowInvalidCerts: tls.allowInvalidCerts,
      ...written({
        tlsCa: tls.ca,
        tlsCertificate: tls.certificate,
        tlsKey: tls.key,
        tlsServerName: tls.serverName,
      }),
    }),
    timeoutConnect: m.timeoutConnect,
    timeoutCommand: m.timeoutCommand,
    timeoutData: m.timeoutData,
    timeoutMessage: m.timeoutMessage,
    onError: m.onError,
    maxResponseSize: m.maxResponseSize,
    protocolVersion: offer.version === 2 ? 'v2' : 'v6',
    flagsAction: offer.actions,
    flagsProtocol: offer.protocol,
    input: m.input,
    reuse: m.reuse,
    pipeline: m.pipeline,
    parallel: m.parallel,
    nudge: m.nudge,
  };
}

/** A listener with every default filled in, by its keys. */
export function effectiveListener(l: ListenerConfig): Plain {
  const { name, relay, limits, bind, trustedProxies, xclient, ...same } = l;
  const { recipients } = relay;
  return {
    name,
    bind: bind.map(bindText),
    ...same,
    relay: {
      networks: relay.networks.map(networkText),
      domains: relay.domains.map(utf8Of),
      ...(recipients && {
        recipients: 'file' in recipients ? recipients.file : recipients.entries.map(utf8Of),
      }),
      callAhead: relay.callAhead,
    },
    ...(trustedProxies.length > 0 && { trustedProxies: trustedProxies.map(networkText) }),
    ...(xclient.length > 0 && { xclient: xclient.map(networkText) }),
    limits: Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== Infinity)),
  };
}

function effectiveDelivery({ routes, ...delivery }: DeliveryConfig, secrets: boolean): Plain {
  const { timeouts, ...same } = delivery;
  return {
    ...same,
    ...(Object.keys(timeouts).length > 0 && { timeouts }),
    routes: routes.map((route) => effectiveRoute(route, secrets)),
  };
}

/** A route with every default filled in, by its keys. */
export function effectiveRoute(route: RouteConfig, secrets: boolean): Plain {
  const { match, via, rate, concurrency } = route;
  const common = {
    match: blockText(match.source),
    via,
    ...written({ concurrency, rate: rate && `${rate.messages}/${rate.ms}` }),
  };
  switch (route.via) {
    case 'discard':
      return common;
    case 'maildir':
      return { ...common, to: [route.path] };
    case 'mx':
      return {
        ...common,
        tls: route.tls,
        ...written({ source: route.source }),
        allowLoopback: route.allowLoopback,
      };
    case 'smtp':
    case 'lmtp': {
      const auth = route.via === 'smtp' ? route.auth : null;
      return {
        ...common,
        to: route.to.map(hopText),
        tls: route.tls,
        balance: route.balance,
        ...written({ source: route.source }),
        ...(auth && {
          auth: { user: utf8Of(auth.user), password: secrets ? utf8Of(auth.password) : HIDDEN },
        }),
      };
    }
  }
}

function effectiveJournal({ rows, age, conversations, policy, changes }: JournalConfig): Plain {
  return {
    history: { rows, age },
    conversations: { size: conversations, ...policy },
    changes: { size: changes },
  };
}

/** Without what is not set. */
function written(group: Plain): Plain {
  return Object.fromEntries(
    Object.entries(group).filter(
      ([, value]) => value !== '' && value !== null && !(Array.isArray(value) && value.length === 0),
    ),
  );
}

/** A block in the shortest encoding that says it. */
function blockText({ match, else: otherwise }: BlockSource): unknown {
  if (!match) return otherwise;
  return [...Object.values(match), { else: otherwise }];
}

function hashText({ scrypt, scram }: PasswordHash): string {
  return [scrypt, scram].flatMap((hash) => (hash ? [passwordHashText(hash)] : [])).join(' ');
}

const networkText = ({ address, bits }: Network): string => `${address}/${bits}`;

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function bindText(at: BindAddress): string {
  return at.kind === 'unix' ? `unix:${at.path}` : hostPort(at.host, at.port);
}

function hopText({ path, host, port }: HopConfig): string {
  return path === '' ? hostPort(host, port) : `unix:${path}`;
}
