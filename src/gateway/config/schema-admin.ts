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
import type { Seen } from './seen.ts';

/** A token as it stands, or the absolute path of the file that has it. */
export type AdminToken = { readonly text: string } | { readonly file: string };

/** The HTTP interface. */
export interface AdminConfig {
  /** At least one. */
  readonly bind: readonly BindAddress[];
  readonly token: AdminToken;
  /** Who may read the figures; null: anybody on an address of this machine alone, elsewhere who has a token. */
  readonly metrics: 'open' | 'token' | null;
  /** Names it is asked for by besides those of loopback, in lower case. */
  readonly names: readonly string[];
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
});

/** The interface as the gateway opens it; null when it is not asked for. */
export function resolveAdmin(
  settings: Seen<z.output<typeof adminSettings>> | undefined,
  stateDir: string,
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
    token: 'file' in token ? { file: absolute(folder, token.file ?? '') } : { text: token.text ?? '' },
  };
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
