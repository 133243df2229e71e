/**
 * Whoever looks names up asks here for the means: the name servers of the configuration, or the machine's.
 *
 * A resolver cannot change its servers while it is asked something, so each configuration has resolvers of its own; those of client
 * names, which remember a lot, are kept as long as the servers are the same.
 */
import { Resolver } from 'node:dns/promises';
import type { Config } from '#gateway/config';
import { makeResolve, type Resolve } from '#smtp/client';
import type { SmtpServerOptions } from '#smtp/server';
import { clientNames } from './client-name.ts';

type Dns = Config['dns'];

/** How often a question is asked; the second time for longer. */
const TRIES = 2;
/** Milliseconds for one question about a client, who waits for its greeting meanwhile. */
const CLIENT_QUESTION = 1500;

/** A resolver that asks these servers. */
export function resolverFor({ servers, timeout }: Dns): Resolver {
  const resolver = new Resolver({ timeout, tries: TRIES });
  if (servers.length > 0) resolver.setServers(servers);
  return resolver;
}

/** Finds the addresses of next hops: the hosts file, then these servers. */
export function resolveBy(dns: Dns): Resolve {
  return makeResolve(undefined, resolverFor(dns));
}

/** The names of clients; see client-name.ts. */
export class ClientNames {
  #servers = '';
  #find: NonNullable<SmtpServerOptions['clientName']> | null = null;

  /** The function that finds them, the same as before while `dns` is the same. */
  by(dns: Dns): NonNullable<SmtpServerOptions['clientName']> {
    const servers = JSON.stringify(dns);
    if (this.#find !== null && servers === this.#servers) return this.#find;
    const timeout = Math.min(dns.timeout, CLIENT_QUESTION);
    this.#servers = servers;
    return (this.#find = clientNames(resolverFor({ ...dns, timeout })));
  }
}
