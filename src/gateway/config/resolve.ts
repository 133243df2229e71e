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
import type { Config } from './config.ts';
import { DEFAULTS } from './defaults.ts';
import { invalid, type DocPath, type Issue } from './diagnostics.ts';
import { resolveDelivery } from './resolve-delivery.ts';
import { resolveListeners } from './resolve-listeners.ts';
import { resolveMilters } from './resolve-milters.ts';
import { checkThrough } from './resolve-through.ts';
import { resolveTls } from './resolve-tls.ts';
import { resolveUsers } from './resolve-users.ts';
import { resolveAdmin } from './schema-admin.ts';
import { resolveDns } from './schema-dns.ts';
import { resolveJournal } from './schema-journal.ts';
import { resolveShedding } from './schema-limits.ts';
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
  checkThrough(settings, cx);
  const users = resolveUsers(settings, cx);
  const known = { listed: users.map(({ name }) => name), more: settings.usersFile !== undefined };
  return {
    hostname: hostNameOf(settings.hostname, cx),
    stateDir,
    workers: workersOf(settings, cx),
    drain: settings.drain ?? DEFAULTS.drain,
    listeners,
    tls: resolveTls(settings, cx),
    users,
    usersFile: settings.usersFile === undefined ? '' : readable(settings.usersFile, ['usersFile'], cx),
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
    dns: resolveDns(settings.dns),
    admin: resolveAdmin(settings.admin, stateDir, known, cx),
    journal: resolveJournal(settings.journal, spool.engine === 'memory'),
    shedding: resolveShedding(settings.shedding),
    log: { level: settings.log?.level ?? 'info', format: settings.log?.format ?? 'json' },
  };
}

/** Several processes share the spool, which one that is in memory cannot be. */
function workersOf({ workers = DEFAULTS.workers, spool }: Seen<Settings>, cx: Resolving): number {
  if (workers > 1 && spool?.engine === 'memory')
    cx.say(
      invalid(
        ['workers'],
        'several workers cannot share a spool in memory',
        'write engine: lmdb, or workers: 1',
      ),
    );
  return workers;
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
