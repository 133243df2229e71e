/** Whether mail is taken: what a load balancer, a container and `millrace ready` want to know. Says nothing secret; never rejects. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Config } from '#gateway/config';
import type { SpoolStore } from '#spool';

/** The answer. `reasons`: why not, in sentences; empty when it is ready. */
export interface Readiness {
  readonly ready: boolean;
  readonly reasons: readonly string[];
}

/** What it depends on. */
export interface ReadyOptions {
  readonly config: () => Config;
  /** Addresses listened on, by name of the listener. */
  readonly addresses: () => ReadonlyMap<string, readonly string[]>;
  readonly spool: Pick<SpoolStore, 'freeBytes'>;
  readonly draining: () => boolean;
}

/** Looks now. */
export async function readiness({ config, addresses, spool, draining }: ReadyOptions): Promise<Readiness> {
  const reasons: string[] = [];
  if (draining()) reasons.push('the gateway is stopping');
  const bound = addresses();
  for (const { name, bind } of config().listeners)
    if ((bound.get(name)?.length ?? 0) < bind.length) reasons.push(`listener ${name} does not listen`);
  if (spool.freeBytes() <= 0) reasons.push('the spool has too little free space: new mail is refused');
  if (!(await isWritable(config()))) reasons.push('the spool cannot be written');
  return { ready: reasons.length === 0, reasons };
}

async function isWritable({ spool }: Config): Promise<boolean> {
  if (spool.engine !== 'lmdb') return true;
  return access(spool.dir, constants.W_OK).then(
    () => true,
    () => false,
  );
}
