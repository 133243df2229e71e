/**
 * What the listeners' recipients are checked by: the lists of the configuration, those in files, and call-ahead.
 *
 * A file that several listeners or two configurations name is read and watched once. `load` reads what a configuration needs
 * before anything is made from it; then `checkOf` gives each listener its check, without waiting. After `settle` the files that
 * only an earlier configuration named are let go.
 */
import type { Environment, Value } from '#expressions';
import type { Config, ListenerConfig } from '#gateway/config';
import { recipientCheck, RecipientList, type RecipientCheck } from '#intake';
import { CallAhead } from './call-ahead.ts';
import { certainRouteOf } from './mailer.ts';
import { resolveBy } from './name-servers.ts';
import { nextHopsOf } from './next-hops.ts';
import { RecipientFile, type FileSurroundings } from './recipient-file.ts';

type EnvironmentOf = (variable: (name: string) => Value) => Environment;

/** See above. */
export class Recipients {
  readonly #around: FileSurroundings;
  readonly #files = new Map<string, RecipientFile>();
  readonly #ahead: CallAhead;
  /** Files that the configuration loaded last names. */
  #wanted: ReadonlySet<string> = new Set();

  constructor(around: FileSurroundings) {
    this.#around = around;
    this.#ahead = new CallAhead(around);
  }

  /** Reads every file that the configuration names. Rejects with RecipientFileError; nothing has changed then. */
  async load(config: Config): Promise<void> {
    const wanted = new Set<string>();
    for (const { relay } of config.listeners)
      if (relay.recipients && 'file' in relay.recipients) wanted.add(relay.recipients.file);
    const missing = [...wanted].filter((path) => !this.#files.has(path));
    const opened = await Promise.allSettled(missing.map((path) => RecipientFile.open(path, this.#around)));
    const failed = opened.find((o) => o.status === 'rejected');
    for (const o of opened)
      if (o.status === 'fulfilled') {
        if (failed) o.value.close();
        else this.#files.set(o.value.path, o.value);
      }
    if (failed) throw failed.reason;
    this.#wanted = wanted;
  }

  /** The check of a listener of a configuration that was loaded; null when it has none. */
  checkOf(config: Config, { relay }: ListenerConfig, environment: EnvironmentOf): RecipientCheck | null {
    const { recipients, domains, callAhead } = relay;
    return recipientCheck(
      domains,
      recipients && this.#listOf(recipients),
      callAhead ? this.#aheadOf(config, environment) : null,
    );
  }

  /** The configuration loaded last is in use. */
  settle(): void {
    for (const [path, file] of this.#files)
      if (!this.#wanted.has(path)) {
        file.close();
        this.#files.delete(path);
      }
  }

  /** Watches no file and asks nobody any more: from here on nobody is kept waiting for a next hop. */
  close(): void {
    this.#ahead.close();
    for (const file of this.#files.values()) file.close();
  }

  #listOf(recipients: NonNullable<ListenerConfig['relay']['recipients']>): () => RecipientList {
    if ('file' in recipients) {
      const file = this.#files.get(recipients.file)!;
      return () => file.list;
    }
    const list = new RecipientList();
    for (const entry of recipients.entries) list.add(entry);
    return () => list;
  }

  /** Asks the next hops of the recipient's route; a route that ends here, or none that is certain, has nobody to ask. */
  #aheadOf({ hostname, delivery, dns }: Config, environment: EnvironmentOf): RecipientCheck {
    const find = certainRouteOf(delivery.routes, environment);
    const resolve = resolveBy(dns);
    return ({ address }) => {
      const route = find(address);
      if (route?.via !== 'smtp' && route?.via !== 'lmtp') return null;
      return this.#ahead.check(address, { ...nextHopsOf(route), resolve }, hostname);
    };
  }
}
