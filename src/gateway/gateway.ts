/**
 * The gateway as a whole: spool, delivery and listeners, started in that order and stopped in the opposite one.
 *
 * Start either succeeds completely or undoes what it did and rejects with what failed. Reload swaps what sessions are made
 * from: sessions under way keep what they began with, listeners that stay never close. Stop drains.
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '#clock';
import { Suspensions } from '#delivery';
import type { Config, ListenerConfig } from '#gateway/config';
import type { Journal } from '#journal';
import { among, IntakePath, ObservedPath, relayPolicy, type IntakeOptions, type PassThrough } from '#intake';
import type { Level, NoticeSink } from '#notices';
import type { SmtpServerOptions } from '#smtp/server';
import type { StageSurroundings } from '#stages';
import { makeOwner, makeQueueId, type SpoolStore } from '#spool';
import { Certificates, type CertificateSet } from './certificates.ts';
import { Doors, type WantedListener } from './doors.ts';
import { environmentFor } from './environment.ts';
import { eventLoopDelay } from './event-loop.ts';
import { Filters } from './filters.ts';
import { whatIsFixed } from './fixed.ts';
import { journalOf, openJournal, sessionIds, watching, type Watching } from './journal/index.ts';
import { bindTexts, listenerOptions } from './listeners.ts';
import { Metrics, type Snapshot } from './metrics/index.ts';
import { ClientNames } from './name-servers.ts';
import { trustedPeers } from './peers.ts';
import { bearable, Shedding } from './shedding.ts';
import { deliveryElsewhere, deliveryHere, suspensionsFile, type Outgoing } from './outgoing.ts';
import { makeMilterDesk, Pauses, type MilterDesk } from './milters/index.ts';
import { HeldExpiry, heldExpirySettings, makeDesk, openTrail, type DeskOptions } from './queue/index.ts';
import type { Office } from './office.ts';
import { readiness } from './ready.ts';
import { Recipients } from './recipients.ts';
import { Settings, type ConfigHome } from './settings/index.ts';
import { openSpool } from './spool.ts';
import { stagesOf } from './stages.ts';
import { Through } from './through.ts';
import { accountsOf, authOptions, Users } from './users/index.ts';

/** Name of the file below stateDir that keeps paused filters. */
const PAUSES_FILE = 'paused.json';

/** What the gateway is handed besides its configuration. */
export interface Surroundings {
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Set where another process delivers from the same spool: lets it know that something was accepted. Must not throw. */
  readonly tellDelivery?: () => void;
  /** Where the configuration comes from; left out: from the program itself, which alone can change it. */
  readonly home?: ConfigHome;
  /** Lines of the log so far, for the figures. */
  readonly lines?: Readonly<Record<Level, number>>;
  /** What the other processes of the same gateway counted. Must not reject. */
  readonly others?: () => Promise<readonly Snapshot[]>;
}

/** What its parts are handed; notices are counted on their way. */
interface Inside extends Surroundings {
  readonly metrics: Metrics;
}

/** Milliseconds beyond the grace until nobody waits any longer for the answer that a client is owed. */
const AFTER_GRACE = 1500;

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
  readonly #pauses: Pauses;
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
    this.#pauses = new Pauses({
      ...around,
      file: join(config.stateDir, PAUSES_FILE),
      follows: around.tellDelivery !== undefined,
      reset: (name) => this.#filters.reset(name),
    });
    this.#filters = new Filters({ ...around, paused: this.#pauses.holds }, around.metrics);
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
    const milters = makeMilterDesk({
      ...around,
      config: () => this.#config,
      filters: () => this.#stages.filters,
      pauses: this.#pauses,
      intakeOf: (listener) => this.#intake(this.#config, listener, null, this.#stages),
    });
    this.#watched(around.tellDelivery ? null : spool, milters);
    this.office = around.tellDelivery ? null : this.#officeOn(desk, milters);
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
    const fixed = whatIsFixed(this.#config, config);
    if (fixed !== null) throw new ReloadError(`${fixed} while the gateway runs: restart it`);
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

  /** How long what is under way may take when an operator ends the process; milliseconds. */
  get grace(): number {
    return this.#config.drain;
  }

  /**
   * The first half of a stop: no new sessions, no new attempts; transactions and attempts under way may take `graceMs` beside
   * each other. Operators may still look and give orders. Resolves when no session is left, soon after the grace at the latest.
   * May be called again with a shorter grace.
   */
  async drain(graceMs: number): Promise<void> {
    this.#stopping = true;
    await this.#reloaded;
    // What a spool in memory takes until the end, nobody else would deliver.
    if (this.#config.spool.engine !== 'memory') void this.#outgoing.stop(graceMs);
    await Promise.race([this.#doors.close(graceMs), pause(this.#around.clock, graceMs + AFTER_GRACE)]);
    this.#through.close();
  }

  /** Stops: drains with this grace, breaks off what is left, and closes the spool, within about two seconds more. */
  async stop(graceMs: number): Promise<void> {
    const { clock, metrics } = this.#around;
    const deadline = clock.elapsed() + graceMs;
    this.#recipients.close();
    this.#shedding.stop();
    await this.drain(graceMs);
    this.#users.close();
    this.#filters.close();
    this.#pauses.close();
    this.#certificates.close();
    await this.office?.desk.jobs.stop();
    await this.#heldExpiry?.stop();
    await this.#outgoing.stop(Math.max(0, deadline - clock.elapsed()));
    await this.#journal?.close();
    await metrics.stop();
    await this.office?.desk.trail.close();
    await this.#spool.close();
  }

  /** What operators work with. */
  #officeOn(desk: DeskOptions, milters: MilterDesk): Office {
    const { config, spool } = desk;
    const { metrics, home = null } = this.#around;
    const ready = { config, addresses: () => this.addresses, spool, draining: () => this.#stopping };
    return {
      desk: makeDesk(desk),
      milters,
      settings: new Settings({ ...this.#around, home, config }),
      accounts: accountsOf(this.#users, () => config().admin),
      journal: this.#journal,
      metrics,
      ready: () => readiness(ready),
    };
  }

  /** Lets the figures look at us. `spool`: where this process counts the queue. */
  #watched(spool: SpoolStore | null, milters: MilterDesk): void {
    this.#around.metrics.watch({
      health: (name) => milters.health(name),
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
    const intake = this.#intake(config, listener, through, stagesOf(config, this.#filters, this.#around));
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

  /** How mail of a listener is taken in. */
  #intake(
    config: Config,
    listener: ListenerConfig,
    through: PassThrough | null,
    around: StageSurroundings,
  ): IntakeOptions {
    const { clock, notices, metrics } = this.#around;
    const { hostname, delivery } = config;
    const environment = environmentFor(hostname, () => 0);
    return {
      hostname,
      relay: relayPolicy(listener.relay.networks, listener.relay.domains),
      sendersOf: (user) => this.#users.sendersOf(user),
      recipientCheck: this.#recipients.checkOf(config, listener, environment),
      around,
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
  }
}

function pause(clock: Clock, ms: number): Promise<void> {
  return new Promise((resolve) => void clock.after(ms, resolve));
}
