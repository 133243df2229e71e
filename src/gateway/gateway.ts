/**
 * The gateway as a whole: spool, delivery and listeners, started in that order and stopped in the opposite one.
 *
 * Start either succeeds completely or undoes what it did and rejects with what failed. Reload swaps what sessions are made
 * from: sessions under way keep what they began with, listeners that stay never close. Stop drains.
 */
import { mkdirSync } from 'node:fs';
import type { Clock } from '#clock';
import { Suspensions } from '#delivery';
import type { Config, ListenerConfig } from '#gateway/config';
import type { Journal } from '#journal';
import { among, IntakePath, ObservedPath, relayPolicy, type IntakeOptions, type PassThrough } from '#intake';
import type { Level, NoticeSink } from '#notices';
import type { SmtpServerOptions } from '#smtp/server';
import type { StageSurroundings } from '#stages';
import { makeOwner, makeQueueId, MemorySpool, openLmdbSpool, type SpoolStore } from '#spool';
import { Certificates, type CertificateSet } from './certificates.ts';
import { Doors, type WantedListener } from './doors.ts';
import { environmentFor } from './environment.ts';
import { eventLoopDelay } from './event-loop.ts';
import { Filters } from './filters.ts';
import { journalOf, openJournal, sessionIds, watching, type Watching } from './journal/index.ts';
import { bindTexts, listenerOptions } from './listeners.ts';
import { Metrics, type Snapshot } from './metrics/index.ts';
import { ClientNames } from './name-servers.ts';
import { trustedPeers } from './peers.ts';
import { Shedding, type Bearable } from './shedding.ts';
import { descriptorLimit, sessionsWithin } from './descriptors.ts';
import { deliveryElsewhere, deliveryHere, suspensionsFile, type Outgoing } from './outgoing.ts';
import { HeldExpiry, heldExpirySettings, makeDesk, openTrail } from './queue/index.ts';
import type { Office } from './office.ts';
import { readiness } from './ready.ts';
import { Recipients } from './recipients.ts';
import { stagesOf } from './stages.ts';
import { Through } from './through.ts';
import { authOptions, Users } from './users/index.ts';

/** What the gateway is handed besides its configuration. */
export interface Surroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Set where another process delivers from the same spool: lets it know that something was accepted. Must not throw. */
  readonly tellDelivery?: () => void;
  /** Lines of the log so far, for the figures. */
  readonly lines?: Readonly<Record<Level, number>>;
  /** What the other processes of the same gateway counted. Must not reject. */
  readonly others?: () => Promise<readonly Snapshot[]>;
}

/** What its parts are handed; notices are counted on their way. */
interface Inside extends Surroundings {
  readonly metrics: Metrics;
}

/** Why a configuration cannot be taken over by a running gateway. */
export class ReloadError extends Error {
  readonly code = 'reload_refused';
}

/** A configuration made ready, everything it needs opened. One of the two is to be called; other changes wait for it. */
export interface Prepared {
  /** Takes it over. */
  commit(): void;
  /** Leaves everything as it was. */
  cancel(): Promise<void>;
}

/** A running gateway. */
export class Gateway {
  readonly #around: Inside;
  readonly #spool: SpoolStore;
  readonly #newId: () => string;
  readonly #filters: Filters;
  /** What chains are made from by the configuration in use. */
  #stages: StageSurroundings;
  readonly #clientNames = new ClientNames();
  readonly #recipients: Recipients;
  readonly #through: Through;
  readonly #certificates: Certificates;
  #config: Config;
  readonly #outgoing: Outgoing;
  readonly #users: Users;
  readonly #doors: Doors;
  readonly #shedding: Shedding;
  /** Where operators work; null where another process delivers. */
  readonly office: Office | null;
  readonly #heldExpiry: HeldExpiry | null;
  readonly #journal: Journal | null;
  readonly #watching: Watching | null;
  readonly #sessionId: () => string;
  /** The end of the last reload, whatever became of it. */
  #reloaded: Promise<unknown> = Promise.resolve();
  #stopping = false;

  private constructor(
    config: Config,
    around: Inside,
    spool: SpoolStore,
    owner: string,
    newId: () => string,
    journal: Journal | null,
  ) {
    this.#journal = journal;
    this.#watching = journal && watching(journal, around.clock);
    this.#sessionId = sessionIds(around.clock);
    this.#config = config;
    this.#around = around;
    this.#spool = spool;
    this.#newId = newId;
    this.#filters = new Filters(around, around.metrics);
    this.#stages = stagesOf(config, this.#filters, around);
    this.#recipients = new Recipients(around);
    this.#through = new Through(around);
    this.#certificates = new Certificates(around);
    this.#users = new Users(around.clock, around.notices);
    this.#users.configure(config);
    this.#doors = new Doors(around.notices);
    const sessions = (): number => this.#doors.sessions;
    this.#shedding = new Shedding({ ...around, loop: eventLoopDelay(), sessions });
    this.#shedding.reconfigure(bearable(config));
    this.#outgoing = around.tellDelivery
      ? deliveryElsewhere(
          around.tellDelivery,
          around.clock,
          new Suspensions({ ...around, file: suspensionsFile(config) }),
        )
      : deliveryHere(config, spool, owner, {
          ...around,
          ...(this.#watching && { observer: this.#watching.delivery }),
        });
    const wake = (): void => this.#outgoing.wake();
    const trail = openTrail(config, around);
    const heard = this.#watching && { observer: this.#watching.queue };
    const parts = { ...around, spool, trail, newId, wake, ...heard };
    const { suspensions } = this.#outgoing;
    const forgive = (): void => this.#outgoing.forgive();
    const desk = { ...parts, forgive, suspensions, config: () => this.#config, filters: () => this.#stages };
    this.#watched(around.tellDelivery ? null : spool);
    const ready = {
      config: desk.config,
      addresses: () => this.addresses,
      spool,
      draining: () => this.#stopping,
    };
    this.office = around.tellDelivery
      ? null
      : { desk: makeDesk(desk), journal, metrics: around.metrics, ready: () => readiness(ready) };
    this.#heldExpiry = around.tellDelivery ? null : new HeldExpiry(parts, heldExpirySettings(config));
  }

  /** Starts everything. Rejects with the cause when a part cannot start; then nothing runs. */
  static async start(config: Config, around: Surroundings): Promise<Gateway> {
    mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
    const owner = makeOwner();
    const metrics = new Metrics(around);
    const inside: Inside = { ...around, notices: metrics.notices, metrics };
    let spool: SpoolStore;
    try {
      spool = await openSpool(config, inside, owner);
    } catch (error) {
      await metrics.stop();
      throw error;
    }
    const newId = makeQueueId(around.clock);
    const journal = await openJournal(config, { ...inside, spool, newId });
    const gateway = new Gateway(config, inside, spool, owner, newId, journal);
    try {
      await gateway.#recipients.load(config);
      await gateway.#doors.change(gateway.#listeners(config));
      gateway.#certificates.settle();
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

  /** Where everything about this gateway is said: it is counted and logged. */
  get notices(): NoticeSink {
    return this.#around.notices;
  }

  /** What this process counted. */
  snapshot(): Promise<Snapshot> {
    return this.#around.metrics.snapshot();
  }

  /**
   * Takes over a new configuration: new sessions and attempts use it. Rejects with ReloadError, or with the cause when an
   * address cannot be opened or a certificate not be used; then everything stays as it was. One at a time, in order.
   */
  async reload(config: Config): Promise<void> {
    (await this.prepare(config)).commit();
  }

  /** The first half of a reload, with its promises: opens what is new and changes nothing else. */
  prepare(config: Config): Promise<Prepared> {
    const prepared = this.#reloaded.then(() => this.#makeReady(config));
    this.#reloaded = prepared.then(({ settled }) => settled).catch(() => undefined);
    return prepared;
  }

  async #makeReady(config: Config): Promise<Prepared & { settled: Promise<void> }> {
    if (this.#stopping) throw new ReloadError('the gateway is stopping');
    if (spoolOf(config) !== spoolOf(this.#config))
      throw new ReloadError(
        'stateDir, spool and shedding.freeDisk cannot change while the gateway runs: restart it',
      );
    if (config.workers !== this.#config.workers)
      throw new ReloadError('workers cannot change while the gateway runs: restart it');
    if (JSON.stringify(config.admin) !== JSON.stringify(this.#config.admin))
      throw new ReloadError('admin cannot change while the gateway runs: restart it');
    if ((config.journal === null) !== (this.#config.journal === null))
      throw new ReloadError('the journal cannot be switched on or off while the gateway runs: restart it');
    const takeOver = this.#outgoing.prepare(config);
    await this.#recipients.load(config);
    const stages = stagesOf(config, this.#filters, this.#around);
    const doors = await this.#doors.prepare(this.#listeners(config));
    let settle = (): void => undefined;
    const settled = new Promise<void>((resolve) => (settle = resolve));
    return {
      settled,
      commit: () => {
        doors.commit();
        this.#config = config;
        this.#stages = stages;
        this.#users.configure(config);
        this.#shedding.reconfigure(bearable(config));
        this.#heldExpiry?.reconfigure(heldExpirySettings(config));
        if (config.journal) this.#journal?.reconfigure(journalOf(config.journal));
        this.#filters.settle();
        this.#recipients.settle();
        this.#certificates.settle();
        takeOver();
        settle();
      },
      cancel: async () => {
        await doors.cancel();
        settle();
      },
    };
  }

  /** Something was accepted by another process over the same spool. */
  wakeDelivery(): void {
    this.#outgoing.wake();
  }

  /**
   * The first half of a stop: no new sessions, those there are may take `graceMs`. Operators may still look and give orders. May
   * be called again with a shorter grace.
   */
  async drain(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#reloaded;
    await this.#doors.close(graceMs);
  }

  /** Stops: no new sessions, transactions and attempts under way may take `graceMs`; then the spool is closed. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#reloaded;
    this.#recipients.close();
    this.#shedding.stop();
    await this.#doors.close(graceMs);
    this.#through.close();
    this.#users.close();
    this.#filters.close();
    this.#certificates.close();
    await this.office?.desk.jobs.stop();
    await this.#heldExpiry?.stop();
    await this.#outgoing.stop(graceMs);
    await this.#journal?.close();
    await this.#around.metrics.stop();
    await this.office?.desk.trail.close();
    await this.#spool.close();
  }

  /** Lets the figures look at us. `spool`: where this process counts the queue. */
  #watched(spool: SpoolStore | null): void {
    this.#around.metrics.watch({
      config: () => this.#config,
      filters: () => this.#stages.filters,
      certificates: () => this.#certificates.present,
      journal: () => this.#journal?.figures() ?? null,
      spool,
    });
  }

  #listeners(config: Config): readonly WantedListener[] {
    const speaksTls = config.listeners.some(({ tls }) => tls !== 'off');
    const certificates = this.#certificates.of(speaksTls ? config.tls : null);
    const through = this.#through.of(config);
    return config.listeners.map((listener) => ({
      binds: bindTexts(listener),
      options: this.#serverOptions(config, listener, certificates, through),
    }));
  }

  #serverOptions(
    config: Config,
    listener: ListenerConfig,
    certificates: CertificateSet | null,
    through: PassThrough | null,
  ): SmtpServerOptions {
    const { clock, notices, metrics } = this.#around;
    const { hostname, delivery } = config;
    const environment = environmentFor(hostname, () => 0);
    const intake: IntakeOptions = {
      hostname,
      relay: relayPolicy(listener.relay.networks, listener.relay.domains),
      sendersOf: (user) => this.#users.sendersOf(user),
      recipientCheck: this.#recipients.checkOf(config, listener, environment),
      around: stagesOf(config, this.#filters, this.#around),
      spool: this.#spool,
      limits: listener.limits,
      newId: this.#newId,
      expire: delivery.expire,
      handOver: this.#outgoing.handOver,
      through,
      committed: metrics.committed,
      clock,
      notices,
    };
    const watched = this.#watching;
    return {
      ...trustedPeers(listener),
      ...listenerOptions(config, listener, certificates),
      ...authOptions(listener, this.#users),
      makeHandler: () =>
        watched ? new ObservedPath(new IntakePath(intake), intake, watched.intake) : new IntakePath(intake),
      ...(watched && { observe: watched.door }),
      sessionId: this.#sessionId,
      clientName: this.#clientNames.by(config.dns),
      busy: this.#shedding.busy,
      isOwn: among(listener.relay.networks),
      meter: metrics.listener(listener.name),
      clock,
      notices,
    };
  }
}

/** What the spool was opened with, as one text. */
function spoolOf({ stateDir, spool, shedding }: Config): string {
  return JSON.stringify([stateDir, spool, shedding.freeDisk]);
}

/** What this process can bear. */
function bearable({ milters, shedding }: Config): Bearable {
  return {
    loopDelay: shedding.loopDelay,
    maxSessions: sessionsWithin(descriptorLimit(), milters.length),
  };
}

function openSpool(
  { spool, shedding }: Config,
  { clock, notices, tellDelivery }: Surroundings,
  owner: string,
): Promise<SpoolStore> {
  if (spool.engine === 'memory') return Promise.resolve(new MemorySpool());
  const { dir, inlineBodyMax } = spool;
  // Who does not deliver need not remember what was accepted.
  const cache = tellDelivery && { cacheBytes: 0 };
  const floor = shedding.freeDisk !== null && { freeFloor: shedding.freeDisk };
  return openLmdbSpool({ dir, inlineBodyMax, clock, notices, owner, ...cache, ...floor });
}
