/** Environments for the tests of this folder: the context of the reference's vectors, and services that keep count. */
import { createHash } from 'node:crypto';
import type { Environment, ExpressionStore, Value } from '#expressions';

/** The context of reference 14. */
export const CONTEXT: Readonly<Record<string, Value>> = {
  sender: 'alice@example.org',
  sender_domain: 'example.org',
  recipients: ['bob@dest.test', 'carol+tag@other.test'],
  rcpt: 'carol+tag@other.test',
  rcpt_domain: 'other.test',
  authenticated_as: '',
  listener: 'smtp',
  remote_ip: '192.0.2.10',
  remote_port: 50123,
  local_ip: '198.51.100.1',
  local_port: 25,
  protocol: 'smtp',
  is_tls: 1,
  priority: 0,
  helo_domain: 'Mail.Example.ORG',
  asn: 64500,
  country: 'DE',
};

/** An environment over that context, with what is given in place of or besides it. */
export function environment(more: Partial<Environment> = {}, context = CONTEXT): Environment {
  return {
    variable: (name) => context[name]!,
    system: (name) => (name === 'node_id' ? 7 : name === 'hostname' ? 'mx.example.org' : ''),
    metric: (name) => (name === 'queue.count' ? 12 : 0),
    hash: (algorithm, bytes) => createHash(algorithm).update(bytes).digest('hex'),
    ...more,
  };
}

/** A store in memory that notes every call; `later` makes each answer a promise. */
export function countingStore(later: boolean): ExpressionStore & { readonly calls: string[] } {
  const texts = new Map<string, string>();
  const counters = new Map<string, number>();
  const calls: string[] = [];
  const give = <T>(call: string, value: T): T | Promise<T> => {
    calls.push(call);
    return later ? Promise.resolve(value) : value;
  };
  return {
    calls,
    get: (store, key) => give(`get ${store}/${key}`, texts.get(`${store}/${key}`) ?? ''),
    has: (store, key) => give(`has ${store}/${key}`, texts.has(`${store}/${key}`)),
    set: (store, key, text) => {
      texts.set(`${store}/${key}`, text);
      return give(`set ${store}/${key}=${text}`, undefined);
    },
    counter: (store, name) => give(`counter ${store}/${name}`, counters.get(`${store}/${name}`) ?? 0),
    increment: (store, name, by) => {
      const sum = (counters.get(`${store}/${name}`) ?? 0) + by;
      counters.set(`${store}/${name}`, sum);
      return give(`increment ${store}/${name} by ${by}`, sum);
    },
  };
}
