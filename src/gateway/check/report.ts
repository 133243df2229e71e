/**
 * What a test of a connection comes to: steps with their time and evidence, a sentence, an exit code. Plain data.
 *
 * Text of strangers is in it only as a short excerpt made harmless (`excerptOf`).
 */
import { latin1, printable } from '#message';

/** The steps in their order. */
export type StepName = 'resolve' | 'connect' | 'tls' | 'negotiate' | 'flags' | 'probe' | 'quit';

/** One observed fact. */
export interface Evidence {
  readonly name: string;
  readonly value: string;
}

/** One step. */
export interface CheckStep {
  readonly step: StepName;
  readonly ok: boolean;
  readonly ms: number;
  /** A sentence. */
  readonly says: string;
  readonly evidence: readonly Evidence[];
}

/** The whole. */
export interface CheckReport {
  /** Where the filter was looked for. */
  readonly target: string;
  readonly ok: boolean;
  readonly steps: readonly CheckStep[];
  /** The result in one sentence: that of the step that failed, or what was found. */
  readonly says: string;
  /** Of the command line: 0, or why it stopped. */
  readonly exit: number;
}

/** Exit codes of a check that stops. A verdict on the probe message is none of them: then the filter works. */
export const CHECK_EXIT = {
  connect: 30,
  tls: 31,
  negotiation: 32,
  protocol: 33,
  timeLimit: 34,
} as const;

/** What a step came to, before it is timed. `value` is what the next ones need. */
export type Outcome<T> =
  | { readonly ok: true; readonly says: string; readonly evidence: readonly Evidence[]; readonly value: T }
  | {
      readonly ok: false;
      readonly says: string;
      readonly evidence: readonly Evidence[];
      readonly exit: number;
    };

/** A step that went well. */
export function done<T>(value: T, says: string, evidence: readonly Evidence[] = []): Outcome<T> {
  return { ok: true, says, evidence, value };
}

/** A step at which the check ends. */
export function stopped(exit: number, says: string, evidence: readonly Evidence[] = []): Outcome<never> {
  return { ok: false, says, evidence, exit };
}

/** Bytes of a stranger that are shown, at most. */
const EXCERPT = 40;

/** A stranger's first bytes as one short harmless word: never more of it. */
export function excerptOf(bytes: Uint8Array): string {
  const shown = latin1(bytes, 0, Math.min(bytes.length, EXCERPT));
  const text = shown.replace(/[^\x20-\x7e]/g, '.');
  return bytes.length > EXCERPT ? `${text}…` : text;
}

/** What is shown of any other text that a peer chose: a certificate's names, a reply. */
export function shortOf(text: string): string {
  return printable(text, 200);
}
