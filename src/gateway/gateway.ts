/**
 * The gateway as a whole: spool, delivery and listeners, started in that order and stopped in the opposite one.
 *
 * Start either succeeds completely or undoes what it did and rejects with what failed. Reload swaps what sessions are made
 * from: sessions under way keep what they began with, listeners that stay never close. Stop drains.
 */
import { mkdirSync } from 'node:fs';
import type { Clock } from '#clock';
import { startDelivery, type Delivery } from '#delivery';
import { VERSION, type Config, type ListenerConfig } from '#gateway/config';
import { INTAKE_LIMITS, IntakePath, relayPolicy, type IntakeOptions } from '#intake';
import type { NoticeSink } from '#notices';
import type { SmtpServerOptions } from '#smtp/server';
import { makeOwner, makeQueueId, MemorySpool, openLmdbSpool, type SpoolStore } from '#spool';
import { clientNames } from './client-name.ts';
import { Doors, type WantedListener } from './doors.ts';
import { environmentFor } from './environment.ts';
import { Filters } from './filters.ts';
import { eventLoopLoad } from './event-loop.ts';
import { handOverTo, type WaitingRoom } from './hand-over.ts';
import { bindTexts, listenerOptions } from './listeners.ts';
import { mailerOf } from './mailer.ts';
import { deliverySettings } from './routes.ts';

/** What the gateway is handed besides its configuration. */
export interface Surroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Why a configuration cannot be taken over by a running gateway. */
export class ReloadError extends Error {
  readonly code = 'reload_refused';
}

/** A running gateway. */
export class Gateway {
  readonly #around: Surroundings;
  readonly #spool: SpoolStore;
  readonly #newId: () => string;
  readonly #filters: Filters;
  readonly #clientName = clientNames();
  #config: Config;
  readonly #delivery: Delivery;
  readonly #handOver: WaitingRoom;
  readonly #doors: Doors;
  /** The end of the last reload, whatever became of it. */
  #reloaded: Promise<unknown> = Promise.resolve();
  #stopping = false;

  private constructor(config: Config, around: Surroundings, spool: SpoolStore, owner: string) {
    this.#config = config;
    this.#around = around;
    this.#spool = spool;
    this.#newId = makeQueueId(around.clock);
    this.#filters = new Filters(around);
    this.#doors = new Doors(around.notices);
    const settings = deliverySettings(config, around);
    this.#delivery = startDelivery({ ...settings, spool, owner, ...around });
    this.#handOver = handOverTo(this.#delivery, owner, around.clock, eventLoopLoad());
  }

  /** Starts everything. Rejects with the cause when a part cannot start; then nothing runs. */
  static async start(config: Config, around: Surroundings): Promise<Gateway> {
    mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
    const owner = makeOwner();
    const gateway = new Gateway(config, around, await openSpool(config, around, owner), owner);
    try {
      await gateway.#doors.change(gateway.#listeners(config));
    } catch (error) {
      await gateway.stop(0);
      throw error;
    }
    return gateway;
  }

  /** Addresses listened on, per listener name, with the ports that were got. */
  get addresses(): ReadonlyMap<string, readonly string[]> {
    return this.#doors.addresses;
  }

  /**
   * Takes over a new configuration: new sessions and attempts use it. Rejects with ReloadError, or with the cause when an
   * address cannot be opened or a certificate not be used; then everything stays as it was. One at a time, in order.
   */
  reload(config: Config): Promise<void> {
    const reloaded = this.#reloaded.then(() => this.#takeOver(config));
    this.#reloaded = reloaded.catch(() => undefined);
    return reloaded;
  }

  async #takeOver(config: Config): Promise<void> {
    if (this.#stopping) throw new ReloadError('the gateway is stopping');
    if (
      JSON.stringify([config.stateDir, config.spool]) !==
      JSON.stringify([this.#config.stateDir, this.#config.spool])
    )
      throw new ReloadError('stateDir and spool cannot change while the gateway runs: restart it');
    const delivery = deliverySettings(config, this.#around);
    await this.#doors.change(this.#listeners(config));
    this.#config = config;
    this.#filters.settle();
    this.#delivery.reconfigure(delivery);
  }

  /** Stops: no new sessions, transactions and attempts under way may take `graceMs`; then the spool is closed. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#reloaded;
    await this.#doors.close(graceMs);
    this.#filters.close();
    this.#handOver.empty();
    await this.#delivery.stop(graceMs);
    await this.#spool.close();
  }

  #listeners(config: Config): readonly WantedListener[] {
    return config.listeners.map((listener) => ({
      binds: bindTexts(listener),
      options: this.#serverOptions(config, listener),
    }));
  }

  #serverOptions(config: Config, listener: ListenerConfig): SmtpServerOptions {
    const { clock, notices } = this.#around;
    const { hostname, delivery, milters } = config;
    const environment = environmentFor(hostname, () => 0);
    const filters = this.#filters.of(milters, environment);
    const version = `Millrace ${VERSION}`;
    const intake: IntakeOptions = {
      hostname,
      relay: relayPolicy(listener.relay.networks, listener.relay.domains),
      around: {
        filters,
        hostname,
        version,
        mailerOf: mailerOf(delivery.routes, environment),
        clock,
        notices,
      },
      spool: this.#spool,
      limits: INTAKE_LIMITS,
      newId: this.#newId,
      expire: delivery.expire,
      handOver: this.#handOver,
      clock,
      notices,
    };
    return {
      ...listenerOptions(config, listener),
      makeHandler: () => new IntakePath(intake),
      clientName: this.#clientName,
      clock,
      notices,
    };
  }
}

function openSpool({ spool }: Config, { clock, notices }: Surroundings, owner: string): Promise<SpoolStore> {
  if (spool.engine === 'memory') return Promise.resolve(new MemorySpool());
  const { dir, inlineBodyMax } = spool;
  return openLmdbSpool({ dir, inlineBodyMax, clock, notices, owner });
}
