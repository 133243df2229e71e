/**
 * The milter desk: what operators see of the filters and may do with them, and how they try things without touching mail.
 *
 * Health and pauses are those of this process; pauses and resets reach the other workers by the file (pauses.ts). Tests of
 * connections and dry runs are few at a time. Nothing here rejects for what a filter or an operator does.
 */
import type { Clock } from '#clock';
import type { BindAddress, Config, ListenerConfig } from '#gateway/config';
import type { IntakeOptions } from '#intake';
import type { NoticeSink } from '#notices';
import type { FilterAccess } from '#stages';
import { checkMilter, guardOf, milterOf, type CheckReport, type Probe } from '../check/index.ts';
import { dryRun, type DryRun, type DryRunInput } from './dry-run.ts';
import { healthOf, type MilterHealth } from './health.ts';
import { MAX_PAUSE_TEXT, type Pauses } from './pauses.ts';

/** Tests and dry runs under way at one time. */
export const MAX_TRIALS = 4;
/** Recipients of a dry run. */
export const MAX_DRY_RECIPIENTS = 100;

/** Why something was not done: an answer in words. `busy`: try again. */
export interface Trouble {
  readonly trouble: string;
  readonly kind: 'absent' | 'unfit' | 'conflict' | 'busy';
}

/** See the head of the file. */
export interface MilterDesk {
  /** Our name. */
  hostname(): string;
  /** Names of the filters in configured order. */
  names(): readonly string[];
  /** How a filter is doing; null when there is none of that name. */
  health(name: string): MilterHealth | null;
  /** Takes it out; `for`: milliseconds, null until it is resumed. Rejects when that cannot be kept. */
  pause(
    name: string,
    what: { readonly reason: string; readonly for: number | null },
    by: string,
  ): Promise<MilterHealth | Trouble>;
  /** Gives it back. */
  resume(name: string, by: string): Promise<MilterHealth | Trouble>;
  /** Forgets what was learnt about it: parked conversations are closed, it is tried at once. */
  reset(name: string, by: string): Promise<MilterHealth | Trouble>;
  /** Tests a connection: of a configured filter, or of settings as they would stand in the configuration. */
  check(
    what: { readonly name: string } | { readonly settings: Readonly<Record<string, unknown>> },
    probe: Probe,
    by: string,
  ): Promise<CheckReport | Trouble>;
  /** Runs a message through the gateway as it is now, and queues nothing. */
  dryRun(input: DryRunInput): Promise<DryRun | Trouble>;
  /** An interface for operators listens there: no test of a connection goes to it. */
  keepFrom(door: BindAddress): void;
}

/** What a desk is made of. */
export interface MilterDeskOptions {
  readonly config: () => Config;
  readonly filters: () => readonly FilterAccess[];
  readonly pauses: Pauses;
  readonly intakeOf: (listener: ListenerConfig) => IntakeOptions;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

const BUSY: Trouble = {
  kind: 'busy',
  trouble: 'several tests and dry runs are under way: try again when they are done',
};

/** Makes one. */
export function makeMilterDesk(options: MilterDeskOptions): MilterDesk {
  const { config, filters } = options;
  const doors: BindAddress[] = [];
  return {
    hostname: () => config().hostname,
    names: () => filters().map((f) => f.settings.name),
    ...orders(options),
    ...trials(options, doors),
    keepFrom: (door) => void doors.push(door),
  };
}

function absentAmong(names: readonly string[], name: string): Trouble {
  const trouble = `there is no filter ${name.slice(0, 64)}; there are ${names.join(', ') || 'none'}`;
  return { kind: 'absent', trouble };
}

/** Health, and what changes it. */
function orders({
  filters,
  pauses,
  clock,
}: MilterDeskOptions): Pick<MilterDesk, 'health' | 'pause' | 'resume' | 'reset'> {
  const find = (name: string): FilterAccess | undefined => filters().find((f) => f.settings.name === name);
  const health = (name: string): MilterHealth | null => {
    const access = find(name);
    return access ? healthOf(access, pauses.of(name), clock) : null;
  };
  const after = async (
    name: string,
    work: () => Promise<Trouble | null>,
  ): Promise<MilterHealth | Trouble> => {
    const trouble = find(name) ? await work() : null;
    return (
      trouble ??
      health(name) ??
      absentAmong(
        filters().map((f) => f.settings.name),
        name,
      )
    );
  };
  return {
    health,
    pause: (name, { reason, for: ms }, by) =>
      after(name, async () => {
        if (reason === '' || reason.length > MAX_PAUSE_TEXT || by.length > MAX_PAUSE_TEXT)
          return { kind: 'unfit', trouble: `a reason of 1 to ${MAX_PAUSE_TEXT} characters is needed` };
        await pauses.pause(name, { reason, by, until: ms === null ? null : clock.now() + ms });
        return null;
      }),
    resume: (name, by) =>
      after(name, async () =>
        (await pauses.resume(name, by)) ? null : { kind: 'conflict', trouble: `${name} is not paused` },
      ),
    reset: (name, by) =>
      after(name, async () => {
        await pauses.forget(name, by);
        return null;
      }),
  };
}

/** What is tried without touching mail. */
function trials(
  { config, intakeOf, clock, notices }: MilterDeskOptions,
  doors: readonly BindAddress[],
): Pick<MilterDesk, 'check' | 'dryRun'> {
  const guard = guardOf(
    () => doors,
    () => config().milters,
  );
  const tried = atOnce(MAX_TRIALS);
  return {
    async check(what, probe, by) {
      const { milters, hostname, stateDir } = config();
      const known = 'name' in what ? milters.find((m) => m.name === what.name) : undefined;
      if ('name' in what && !known)
        return absentAmong(
          milters.map((m) => m.name),
          what.name,
        );
      const made = 'settings' in what ? milterOf(what.settings, stateDir) : { milter: known! };
      if ('trouble' in made) return { kind: 'unfit', trouble: made.trouble };
      const { milter } = made;
      const report = await tried(() => checkMilter({ milter, probe, hostname, guard, clock }));
      if (report === null) return BUSY;
      const { target, ok, exit } = report;
      notices('milter.tested', { target, by, probe, ok, exit });
      return report;
    },
    async dryRun(input) {
      const now = config();
      const no = (trouble: string): Trouble => ({ kind: 'unfit', trouble });
      const listener = now.listeners.find((l) => l.name === input.listener);
      if (!listener) {
        const names = now.listeners.map((l) => l.name).join(', ');
        return no(`there is no listener ${input.listener.slice(0, 64)}; there are ${names}`);
      }
      if (input.to.length === 0 || input.to.length > MAX_DRY_RECIPIENTS)
        return no(`1 to ${MAX_DRY_RECIPIENTS} recipients are needed`);
      const intake = intakeOf(listener);
      return (await tried(() => dryRun({ config: now, listener, intake, clock }, input))) ?? BUSY;
    },
  };
}

/** Runs work unless so many are under way already: then null. */
function atOnce(most: number): <T>(work: () => Promise<T>) => Promise<T | null> {
  let under = 0;
  return async (work) => {
    if (under >= most) return null;
    under++;
    try {
      return await work();
    } finally {
      under--;
    }
  };
}
