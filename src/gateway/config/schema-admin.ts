/**
 * `admin`: where the interface for operators listens, and the token that opens it.
 *
 * A token in a file is not read here: the gateway makes the file when it is not there.
 */
import { isIPv4 } from 'node:net';
import { resolve as absolute } from 'node:path';
import { z } from 'zod';
import { isHostName, parseBind, type BindAddress } from './address.ts';
import { invalid, Problem, shown } from './diagnostics.ts';
import { group, leaf, list, oneOf, text } from './leaves.ts';
import type { Resolving } from './resolve.ts';
import { Secret } from './secret.ts';
import { nameLeaf as userLeaf } from './users.ts';
import type { Seen } from './seen.ts';

/** A token as it stands, or the absolute path of the file that has it. */
export type AdminToken = { readonly text: string } | { readonly file: string };

/** What the interface lets somebody do: each includes those before it. */
export const SCOPES = ['viewer', 'operator', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

/** A user of the gateway who may sign in with name and password. */
export interface AdminUser {
  /** Byte string. */
  readonly name: string;
  readonly scope: Scope;
}

/** The HTTP interface. */
export interface AdminConfig {
  /** At least one. */
  readonly bind: readonly BindAddress[];
  readonly token: AdminToken;
  /** Who may read the figures; null: anybody on an address of this machine alone, elsewhere who has a token. */
  readonly metrics: 'open' | 'token' | null;
  /** Names it is asked for by besides those of loopback, in lower case. */
  readonly names: readonly string[];
  /** Unique names; nobody else's password opens it. */
  readonly users: readonly AdminUser[];
}

/** Name of the control socket below stateDir: the same interface for those who may open it. */
export const CONTROL_SOCKET = 'control.sock';

/** Where it listens when nothing else is said. */
export const ADMIN_BIND = '127.0.0.1:8025';

/** What a token looks like: long enough not to be guessed, and fit for a header. */
export const TOKEN = /^[\x21-\x7e]{16,256}$/;

const REMEDY = 'write 16 to 256 characters without blanks, or { file: PATH }: the file is made if need be';

const textLeaf = leaf((value): AdminToken | Problem => {
  if (typeof value === 'string' && TOKEN.test(value)) return { text: value };
  return new Problem('is no usable token', REMEDY);
});

const tokenLeaf = z.unknown().transform((value, ctx): AdminToken => {
  if (value instanceof Secret && value.kind === 'file') return { file: value.target };
  const read = textLeaf.safeParse(value);
  if (read.success) return read.data;
  for (const issue of read.error.issues)
    if (issue.code === 'custom')
      ctx.issues.push({ code: 'custom', input: value, path: [], params: issue.params });
  return z.NEVER;
});

const nameLeaf = text((value) =>
  isHostName(value)
    ? value.toLowerCase()
    : new Problem(`${shown(value)} is no host name`, 'write one such as mail.example.org'),
);

export const adminSettings = group({
  bind: list(text(), { single: true, least: 1 }).optional(),
  token: tokenLeaf.optional(),
  metrics: oneOf('open', 'token').optional(),
  names: list(nameLeaf, { single: true }).optional(),
  users: list(group({ name: userLeaf, scope: oneOf(...SCOPES) })).optional(),
});

/** What of the whole configuration says whether those who may sign in are there. */
interface Known {
  /** Names in `users`. */
  readonly listed: readonly string[];
  /** Others may stand in a file. */
  readonly more: boolean;
}

/** The interface as the gateway opens it; null when it is not asked for. */
export function resolveAdmin(
  settings: Seen<z.output<typeof adminSettings>> | undefined,
  stateDir: string,
  known: Known,
  cx: Resolving,
): AdminConfig | null {
  if (!settings) return null;
  const bind = (settings.bind ?? [ADMIN_BIND]).flatMap((written, i) => {
    if (written === undefined) return [];
    const path = ['admin', 'bind', i];
    const address = parseBind(written);
    if (address instanceof Problem) {
      cx.say(invalid(path, address.message, address.remedy));
      return [];
    }
    if (address.kind === 'tcp' && !isLoopback(address.host)) {
      const message = 'the token and all mail that is looked at go over the network unencrypted';
      const remedy = 'bind it to 127.0.0.1 and put a proxy with TLS before it';
      cx.say({ ...invalid(path, message, remedy), severity: 'warning' });
    }
    return [address.kind === 'unix' ? { ...address, path: absolute(cx.base, address.path) } : address];
  });
  const token = settings.token ?? { file: 'admin.token' };
  const folder = settings.token ? cx.base : stateDir;
  return {
    bind,
    metrics: settings.metrics ?? null,
    names: settings.names?.filter((name) => name !== undefined) ?? [],
    users: resolveAdminUsers(settings.users ?? [], known, cx),
    token: 'file' in token ? { file: absolute(folder, token.file ?? '') } : { text: token.text ?? '' },
  };
}

function resolveAdminUsers(
  written: NonNullable<Seen<z.output<typeof adminSettings>>['users']>,
  { listed, more }: Known,
  cx: Resolving,
): readonly AdminUser[] {
  const users = new Map<string, AdminUser>();
  for (const [i, { name, scope } = {}] of written.entries()) {
    if (name === undefined || scope === undefined) continue;
    const path = ['admin', 'users', i, 'name'];
    if (users.has(name))
      cx.say({
        ...invalid(path, 'this user stands here twice', 'keep one of them'),
        code: 'duplicate',
      });
    else if (!more && !listed.includes(name) && !cx.refused(['users'])) {
      const issue = invalid(path, 'there is no user of this name', 'add it to users, or name a usersFile');
      cx.say({ ...issue, severity: 'warning' });
    }
    users.set(name, { name, scope });
  }
  return [...users.values()];
}

/** Whether the figures are told without a token on this address. */
export function metricsOpen({ metrics }: Pick<AdminConfig, 'metrics'>, at: BindAddress): boolean {
  if (metrics !== null) return metrics === 'open';
  return at.kind === 'unix' || isLoopback(at.host);
}

/** Whether an address to listen on is of this machine alone. */
export function isLoopback(host: string): boolean {
  return host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}
