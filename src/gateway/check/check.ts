/**
 * "Test connection": resolve, connect, TLS, negotiation, flags, perhaps a probe message, farewell. It stops with a sentence at the
 * first step that fails. Used by the API and by `millrace milter check`.
 *
 * Never rejects for what a filter or a network does; leaves no connection behind.
 */
import type { Clock } from '#clock';
import type { MilterConfig } from '#gateway/config';
import { endpointText, type MilterClientOptions } from '#milter/client';
import { clientOf } from '../filters.ts';
import { flagsEvidence, flagsSentence } from './flags.ts';
import type { Guard } from './guard.ts';
import { negotiateStep, type Agreed } from './negotiate.ts';
import type { Probe } from './probe-messages.ts';
import { probeStep } from './probe.ts';
import { connectStep, resolveStep, tlsStep } from './reach.ts';
import { CHECK_EXIT, done, type CheckReport, type CheckStep, type Outcome, type StepName } from './report.ts';

/** Milliseconds that a person waits for one step at most, whatever the settings say. */
export const STEP_TIME = 10_000;

/** What is to be done. */
export interface CheckOptions {
  readonly milter: MilterConfig;
  readonly probe: Probe;
  /** Our name in the probe message. */
  readonly hostname: string;
  readonly guard: Guard;
  readonly clock: Clock;
}

/** Runs the steps. */
export async function checkMilter(options: CheckOptions): Promise<CheckReport> {
  const { milter, clock } = options;
  const steps: CheckStep[] = [];
  const target = endpointText(milter.endpoint);
  const run: Run = async (step, work) => {
    const began = clock.elapsed();
    const outcome = await work();
    const { ok, says, evidence } = outcome;
    steps.push({ step, ok, ms: Math.round((clock.elapsed() - began) * 10) / 10, says, evidence });
    return outcome;
  };
  const outcome = await allSteps(options, run);
  const whole = { target, steps, says: outcome.says };
  return outcome.ok ? { ...whole, ok: true, exit: 0 } : { ...whole, ok: false, exit: outcome.exit };
}

type Run = <T>(step: StepName, work: () => Promise<Outcome<T>>) => Promise<Outcome<T>>;

async function allSteps(options: CheckOptions, run: Run): Promise<Outcome<null>> {
  const { guard, probe, hostname, clock } = options;
  const client = clientFor(options);
  const places = await run('resolve', () => resolveStep(client, guard));
  if (!places.ok) return places;
  const connected = await run('connect', () => connectStep(client, places.value, guard));
  if (!connected.ok) return connected;
  const { where } = connected.value;
  const secured =
    client.tls === null
      ? done(connected.value.socket, '')
      : await run('tls', () => tlsStep(client, connected.value));
  if (!secured.ok) return secured;
  const agreed = await run('negotiate', () => negotiateStep(client, secured.value, where));
  if (!agreed.ok) return agreed;
  const { conversation } = agreed.value;
  const flags = await run('flags', () =>
    Promise.resolve(done(null, flagsSentence(agreed.value), flagsEvidence(agreed.value))),
  );
  let says = `it is a milter and can be used: ${flags.says}`;
  if (probe !== 'none') {
    const probed = await run('probe', () => probeStep({ conversation, probe, hostname, clock }));
    if (!probed.ok) {
      conversation.destroy();
      return probed;
    }
    says = `it is a milter and can be used; ${probed.says}`;
  }
  const left = await run('quit', () => Promise.resolve(farewell(agreed.value)));
  return left.ok ? done(null, says) : left;
}

/** The filter's own settings, with the patience of a person. */
function clientFor({ milter, clock }: CheckOptions): MilterClientOptions {
  const client = clientOf(milter);
  return {
    ...client,
    timeoutConnect: Math.min(client.timeoutConnect, STEP_TIME),
    timeoutCommand: Math.min(client.timeoutCommand, STEP_TIME),
    timeoutData: Math.min(client.timeoutData, 3 * STEP_TIME),
    clock,
  };
}

function farewell({ conversation }: Agreed): Outcome<null> {
  const { alive, error } = conversation;
  conversation.quit();
  if (alive) return done(null, 'QUIT was sent and the connection closed');
  return {
    ok: false,
    says: `the filter hung up before it was told to: ${error?.message ?? ''}`,
    evidence: [],
    exit: CHECK_EXIT.protocol,
  };
}
