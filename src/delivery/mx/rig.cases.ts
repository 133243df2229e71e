/** What the tests of this folder share: a resolver that answers from tables, and a search with it. */
import type { NoticeFields } from '#notices';
import type { HostSearch, Ourselves } from './find-hosts.ts';
import type { MailResolver, MxRecord } from './questions.ts';

/** What DNS holds. A text is the code of a failure, `never` no answer until it is cancelled. */
export interface Zone {
  readonly mx?: Readonly<Record<string, readonly MxRecord[] | string>>;
  readonly a?: Readonly<Record<string, readonly string[] | string>>;
  readonly aaaa?: Readonly<Record<string, readonly string[] | string>>;
  /** Seconds; default 3600. */
  readonly ttl?: number;
}

/** A resolver and what it was asked. */
export interface TableResolver extends MailResolver {
  /** `MX example.org`, `A mx.example.org` */
  readonly asked: string[];
}

/** Names that are in no table do not exist; those in another one have no such records. */
export function resolverOf(zone: Zone): TableResolver {
  const asked: string[] = [];
  const cancels: (() => void)[] = [];
  const fail = (code: string): Error => Object.assign(new Error(code), { code });
  const answer = <R>(table: Readonly<Record<string, R | string>> | undefined, what: string, name: string) => {
    asked.push(`${what} ${name}`);
    const found = table?.[name];
    if (found === 'never')
      return new Promise<R>((_, reject) => cancels.push(() => reject(fail('ECANCELLED'))));
    if (typeof found === 'string') return Promise.reject(fail(found));
    if (found !== undefined) return Promise.resolve(found);
    const known = [zone.mx, zone.a, zone.aaaa].some((t) => t && Object.hasOwn(t, name));
    return Promise.reject(fail(known ? 'ENODATA' : 'ENOTFOUND'));
  };
  const addresses = async (table: Zone['a'], what: string, name: string) =>
    (await answer(table, what, name)).map((address) => ({ address, ttl: zone.ttl ?? 3600 }));
  return {
    asked,
    resolveMx: (name: string) => answer(zone.mx, 'MX', name),
    resolve4: (name: string) => addresses(zone.a, 'A', name),
    resolve6: (name: string) => addresses(zone.aaaa, 'AAAA', name),
    cancel: () => cancels.splice(0).forEach((c) => c()),
  } as unknown as TableResolver;
}

/** MX records: `10 mx1.test`, `20 .` */
export function mx(...texts: readonly string[]): readonly MxRecord[] {
  return texts.map((text) => {
    const [priority = '', exchange = ''] = text.split(' ');
    return { priority: Number(priority), exchange: exchange === '.' ? '' : exchange };
  });
}

/** Nobody in particular. */
export const STRANGER: Ourselves = { hostname: 'us.test', isOwn: () => false };

/** A search over a zone; equal hosts stay in the order of DNS. */
export function searchOf(
  zone: Zone,
  more: Partial<HostSearch> = {},
): HostSearch & { readonly resolver: TableResolver; readonly heard: NoticeFields[] } {
  const heard: NoticeFields[] = [];
  return {
    ourselves: STRANGER,
    allowLoopback: false,
    tlsPolicy: () => 'opportunistic',
    random: () => 0,
    notices: (_, fields) => heard.push(fields),
    ...more,
    resolver: resolverOf(zone),
    heard,
  };
}
