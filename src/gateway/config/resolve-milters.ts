/**
 * Milters: the MtaMilter object to what a conversation and a chain need. See resolve.ts for the promises; the meaning of each
 * field is in the milter reference, section 17.
 */
import { resolve as absolute } from 'node:path';
import { VERSION, makeOffer } from '#milter/protocol';
import { adviceFor } from './advice.ts';
import { blockOf } from './blocks.ts';
import type { MilterConfig } from './config.ts';
import { BOUNDS, DEFAULTS } from './defaults.ts';
import { invalid, type DocPath } from './diagnostics.ts';
import { readable, type Resolving } from './resolve.ts';
import type { MilterSettings } from './schema-milters.ts';
import type { Seen } from './seen.ts';

const D = DEFAULTS.milter;

/** The words for the versions. */
const VERSIONS = { v2: VERSION.MIN, v6: VERSION.MAX } as const;

/** All milters in chain order. `maxBodySize` bounds what a filter may put in place of a body. */
export function resolveMilters(
  written: readonly (Seen<MilterSettings> | undefined)[],
  maxBodySize: number,
  cx: Resolving,
): readonly MilterConfig[] {
  const given = new Set<string>();
  for (const [i, m] of written.entries()) {
    const name = m?.name;
    if (name !== undefined && given.has(name))
      cx.say({
        ...invalid(['milters', i, 'name'], `another milter is named ${name} too`, 'give each its own name'),
        code: 'duplicate',
      });
    if (name !== undefined) given.add(name);
  }
  return written.flatMap((m, i) => {
    if (!m) return [];
    const at = ['milters', i];
    const endpoint = endpointOf(m, at, cx);
    const name = m.name ?? freeName(endpoint, given);
    given.add(name);
    const stages = m.stages ?? D.stages;
    const purpose = { path: [...at, 'enable'], variables: 'enable', defaultTo: 'true' } as const;
    // Which variables are known depends on the stages.
    const enable = cx.refused([...at, 'stages']) ? purpose : { ...purpose, stages };
    const milter: MilterConfig = {
      name,
      endpoint,
      stages: new Set(stages),
      enable: blockOf(m.enable ?? 'true', enable, cx),
      tls: tlsOf(m, at, cx),
      timeoutConnect: m.timeoutConnect ?? D.timeoutConnect,
      timeoutCommand: m.timeoutCommand ?? D.timeoutCommand,
      timeoutData: m.timeoutData ?? D.timeoutData,
      timeoutMessage: m.timeoutMessage ?? D.timeoutMessage,
      onError: m.onError ?? ((m.tempFailOnError ?? true) ? 'tempfail' : 'accept'),
      maxResponseSize: m.maxResponseSize ?? D.maxResponseSize,
      maxBodySize,
      maxEdits: D.maxEdits,
      offer: offerOf(m, i, cx),
      input: m.input ?? 'chained',
      pipeline: m.pipeline ?? true,
      nudge: m.nudge ?? true,
      reuse: m.reuse ?? false,
      parallel: m.parallel ?? false,
    };
    if (!['hostname', 'timeoutData', 'useTls'].some((key) => cx.refused([...at, key])))
      for (const issue of adviceFor(milter, at)) cx.say(issue);
    return [milter];
  });
}

const TLS_FILES = ['tlsCa', 'tlsCertificate', 'tlsKey'] as const;

function tlsOf(m: Seen<MilterSettings>, path: DocPath, cx: Resolving): MilterConfig['tls'] {
  const refused = (key: keyof MilterSettings): boolean => cx.refused([...path, key]);
  if (!m.useTls) {
    if (refused('useTls')) return null;
    for (const key of [...TLS_FILES, 'tlsServerName'] as const)
      if (m[key] !== undefined)
        cx.say({
          ...invalid([...path, key], 'has no meaning without TLS', 'add useTls: true, or remove it'),
          at: 'key',
        });
    return null;
  }
  const half = (m.tlsCertificate === undefined) !== (m.tlsKey === undefined);
  if (half && !refused('tlsCertificate') && !refused('tlsKey'))
    cx.say(
      invalid(
        path,
        'has a client certificate without its key, or a key alone',
        'write both tlsCertificate and tlsKey',
      ),
    );
  const [ca, certificate, key] = TLS_FILES.map((k) =>
    m[k] === undefined ? '' : readable(m[k], [...path, k], cx),
  );
  return {
    allowInvalidCerts: m.allowInvalidCerts ?? false,
    ca: ca!,
    certificate: certificate!,
    key: key!,
    serverName: m.tlsServerName ?? '',
  };
}

function endpointOf(m: Seen<MilterSettings>, path: DocPath, cx: Resolving): MilterConfig['endpoint'] {
  if (m.socket === undefined) {
    if (m.hostname === undefined && !['hostname', 'socket'].some((key) => cx.refused([...path, key])))
      cx.say({
        ...invalid(path, 'names no address', 'write hostname (and port), or socket'),
        code: 'missing',
      });
    return { kind: 'tcp', host: m.hostname ?? '', port: m.port ?? D.port };
  }
  for (const key of ['hostname', 'port', 'useTls', 'allowInvalidCerts', 'tlsServerName'] as const)
    if (m[key] !== undefined && m[key] !== false)
      cx.say({
        ...invalid([...path, key], 'does not go together with socket', 'remove one of them'),
        at: 'key',
      });
  const socket = absolute(cx.base, m.socket.replace(/^(?:unix|local):/, ''));
  if (socket.length > BOUNDS.socketPath)
    cx.say(
      invalid(
        [...path, 'socket'],
        `the path is longer than ${BOUNDS.socketPath} bytes`,
        'choose a shorter path for the socket',
      ),
    );
  return { kind: 'unix', path: socket };
}

/** `host:port` or the socket's path; with `#2` and so on for the same address again. */
function freeName(endpoint: MilterConfig['endpoint'], given: ReadonlySet<string>): string {
  const name = endpoint.kind === 'unix' ? endpoint.path : hostPort(endpoint.host, endpoint.port);
  let free = name;
  for (let n = 2; given.has(free); n++) free = `${name}#${n}`;
  return free;
}

function hostPort(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

/** What the version knows, or as much of that as is written; the larger data sizes only when they are (milter reference 5.7). */
function offerOf(m: Seen<MilterSettings>, index: number, cx: Resolving): MilterConfig['offer'] {
  const word = m.protocolVersion ?? 'v6';
  const offer = makeOffer(VERSIONS[word], m.flagsAction ?? undefined, m.flagsProtocol ?? undefined);
  const warn = (key: 'flagsAction' | 'flagsProtocol', known: number): void => {
    const flags = m[key] ?? known;
    if (known === flags || cx.refused(['milters', index, 'protocolVersion'])) return;
    cx.say({
      ...invalid(
        ['milters', index, key],
        `bits 0x${((flags & ~known) >>> 0).toString(16)} do not exist in ${word} and are not offered`,
        `write ${known}, or remove ${key} to offer everything`,
      ),
      severity: 'warning',
    });
  };
  warn('flagsAction', offer.actions);
  warn('flagsProtocol', offer.protocol);
  return { ...offer, version: VERSIONS[word] };
}
