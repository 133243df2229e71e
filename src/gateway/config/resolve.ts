/**
 * From Settings (every value right by itself) to Config: defaults that depend on others, paths made absolute, files looked
 * at, values held against each other.
 *
 * Every trouble is said to `say`; the caller uses the result only when no error was said, here or before. What was refused
 * before is lacking in the Settings, and nothing is said that would only follow from that. Never throws on any Settings.
 */
import { accessSync, constants, statSync } from 'node:fs';
import { hostname as machineName } from 'node:os';
import { resolve as absolute } from 'node:path';
import { canonicalAddress, isHostName } from './address.ts';
import type { Config, TlsConfig } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { invalid, type DocPath, type Issue } from './diagnostics.ts';
import { resolveDelivery } from './resolve-delivery.ts';
import { resolveListeners } from './resolve-listeners.ts';
import { resolveMilters } from './resolve-milters.ts';
import type { Settings } from './schema.ts';
import type { Seen } from './seen.ts';

/** What every resolving step needs. */
export interface Resolving {
  /** Folder that relative paths start from. */
  readonly base: string;
  /** Whether an error about the value at that place was said already. */
  readonly refused: (path: DocPath) => boolean;
  readonly say: (issue: Issue) => void;
}

/** Resolves the whole configuration. */
export function resolveConfig(settings: Seen<Settings>, cx: Resolving): Config {
  const stateDir = absolute(cx.base, settings.stateDir ?? DEFAULTS.stateDir);
  const listeners = resolveListeners(settings, cx);
  const spool = settings.spool ?? {};
  return {
    hostname: hostNameOf(settings.hostname, cx),
    stateDir,
    listeners,
    tls: tlsOf(settings, cx),
    milters: resolveMilters(settings.milters ?? [], Math.max(...listeners.map((l) => l.maxMessageSize)), cx),
    spool:
      spool.engine === 'memory'
        ? { engine: 'memory' }
        : {
            engine: 'lmdb',
            dir: absolute(stateDir, 'spool'),
            inlineBodyMax: spool.inlineBodyMax ?? DEFAULTS.spool.inlineBodyMax,
          },
    delivery: resolveDelivery(settings.delivery ?? {}, stateDir, cx),
    log: { level: settings.log?.level ?? 'info', format: settings.log?.format ?? 'json' },
  };
}

function hostNameOf(written: string | undefined, cx: Resolving): string {
  if (written === undefined) {
    const own = machineName();
    return isHostName(own) ? own : 'localhost';
  }
  const literal = /^\[(?:IPv6:)?(.+)\]$/i.exec(written)?.[1];
  if (literal !== undefined ? canonicalAddress(literal) === null : !isHostName(written))
    cx.say(
      invalid(
        ['hostname'],
        `${JSON.stringify(written)} is not a host name`,
        'write the full name of this machine, such as mx.example.org',
      ),
    );
  return written;
}

function tlsOf(settings: Seen<Settings>, cx: Resolving): TlsConfig | null {
  const { tls } = settings;
  if (!tls) {
    if (cx.refused(['tls'])) return null;
    for (const [i, listener] of (settings.listeners ?? []).entries())
      if (listener?.tls !== undefined && listener.tls !== 'off')
        cx.say(
          invalid(
            ['listeners', i, 'tls'],
            `${listener.tls} needs a certificate`,
            'add tls: { certificate: FILE, key: FILE } at the top level, or write off',
          ),
        );
    return null;
  }
  const file = (key: keyof typeof tls): string =>
    tls[key] === undefined ? '' : readable(tls[key], ['tls', key], cx);
  return { certificate: file('certificate'), key: file('key'), clientCa: file('clientCa') };
}

/** The absolute path of a PEM file; says so when it cannot be read now. */
export function readable(path: string, at: DocPath, cx: Resolving): string {
  const file = absolute(cx.base, path);
  try {
    accessSync(file, constants.R_OK);
    if (!statSync(file).isFile()) throw Object.assign(new Error('not a file'), { code: 'not a file' });
  } catch (error) {
    const why = (error as NodeJS.ErrnoException).code ?? 'unreadable';
    cx.say(invalid(at, `${file} cannot be read (${why})`, 'create it, or correct the path'));
  }
  return file;
}
