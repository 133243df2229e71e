/** What the API answers about filters, settings and the machine, as far as the pages read it. */
import type { ActResult, Changes, Field, Scope } from './shapes.ts';

type Time = number | string | null;
export interface MilterHealth {
  readonly name: string;
  readonly state: 'answering' | 'slow' | 'unreachable' | 'paused' | 'unused';
  /** The same in a sentence. */
  readonly says?: string;
  readonly since: Time;
  readonly tries: number;
  readonly nextTry: Time;
  readonly lastError: string;
  readonly pausedBy: string;
  readonly pausedUntil: Time;
  readonly reason: string;
  readonly version: number | null;
  readonly actions: readonly string[];
  readonly protocol: readonly string[];
  readonly inFlight: number;
  readonly idle: number;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly answers: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}
export type MilterSettings = Readonly<Record<string, unknown>>;
export interface Milter {
  readonly name: string;
  readonly index: number;
  readonly settings: MilterSettings;
  readonly effective: MilterSettings | null;
  readonly says: string;
  readonly health: MilterHealth | null;
}
export interface MilterList {
  readonly revision: string;
  readonly writable: boolean;
  readonly milters: readonly Milter[];
}
export interface Finding {
  readonly path: string;
  readonly line?: number;
  readonly column?: number;
  readonly message: string;
  readonly remedy: string;
  readonly severity: 'error' | 'warning';
}
export interface Review {
  readonly revision?: string;
  readonly diff: string;
  readonly warnings: readonly Finding[];
  readonly errors?: readonly Finding[];
}
export interface TestStep {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly says: string;
  readonly evidence: readonly Field[];
}
export interface TestReport {
  readonly ok: boolean;
  readonly steps: readonly TestStep[];
  readonly says: string;
  readonly exit: number;
}
export interface ExpressionFinding {
  readonly path?: string;
  readonly at: number;
  readonly length: number;
  readonly message: string;
  readonly remedy: string;
  readonly severity: 'error' | 'warning';
}
export interface ExpressionCheck {
  readonly ok: boolean;
  readonly diagnostics: readonly ExpressionFinding[];
  readonly constant: boolean | null;
}
export interface ExpressionValue extends ExpressionCheck {
  readonly value: string;
  readonly holds: boolean | null;
  readonly steps: readonly { readonly text: string; readonly value: string }[];
}
interface LanguageVariable {
  readonly name: string;
  readonly type: 'text' | 'integer' | 'array';
  readonly since: string;
}
export interface Language {
  readonly variables: {
    readonly enable: readonly LanguageVariable[];
    readonly route: readonly LanguageVariable[];
  };
  readonly functions: readonly {
    readonly name: string;
    readonly signature: string;
    readonly tells: string;
    readonly available: boolean;
  }[];
}
export interface DryRunFilter {
  readonly name: string;
  readonly verdict: string;
  readonly ms: number;
  readonly error: string;
}
export interface DryRun {
  readonly outcome: string;
  readonly says: string;
  readonly replies: readonly {
    readonly command: string;
    readonly reply: string;
    readonly filters: readonly DryRunFilter[];
  }[];
  readonly filters: readonly (DryRunFilter & {
    readonly edits: readonly { readonly kind: string; readonly name?: string }[];
  })[];
  readonly changes: Omit<Changes, 'id'> | null;
  readonly delivery: readonly {
    readonly recipient: string;
    readonly route: number;
    readonly passedOver: readonly string[];
    readonly via: string;
    readonly hops: readonly string[];
    readonly destination: string;
    readonly says: string;
  }[];
}

export interface ConfigText {
  readonly revision: string;
  readonly text: string;
  readonly file: string | null;
  readonly writable: boolean;
  readonly readOnly: string;
}
export interface ConfigCheck {
  readonly ok: boolean;
  readonly errors: readonly Finding[];
  readonly warnings: readonly Finding[];
}
export interface ConfigRevision {
  readonly revision: string;
  readonly at: number | string;
  readonly by: string;
  readonly summary: string;
}
export interface Token {
  readonly name: string;
  readonly scope: Scope;
  readonly created: number | string | null;
  readonly lastUsed: number | string | null;
  readonly token?: string;
}

export interface Overview {
  readonly now: number;
  readonly hostname: string;
  readonly version: string;
  readonly perMinute: readonly {
    readonly at: number;
    readonly accepted: number;
    readonly rejected: number;
    readonly tempfailed: number;
    readonly held: number;
    readonly discarded: number;
  }[];
  readonly accept: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  readonly queue: {
    readonly messages: number;
    readonly held: number;
    readonly deferred: number;
    readonly oldest: number | null;
  };
  readonly milters: readonly {
    readonly name: string;
    readonly state: string;
    readonly p95: number | null;
    readonly errors: number;
    readonly answers: Readonly<Record<string, number>>;
  }[];
  readonly failures: readonly { readonly at: number; readonly text: string }[];
  readonly configChanged: { readonly at: number; readonly by: string } | null;
  readonly certificates: readonly { readonly name: string; readonly daysLeft: number }[];
  readonly spoolFree: number | null;
  readonly loopDelay: number | null;
}
export interface Job {
  readonly id: string;
  readonly total: number | null;
  readonly done: number;
  readonly failed: number;
  readonly finished: boolean;
  /** Somebody ended it; why it ended early by itself. */
  readonly stopped?: boolean;
  readonly trouble?: string;
  readonly results: readonly ActResult[];
}
/** Everything that was counted of one filter. Times in milliseconds. */
export interface MilterFigures {
  readonly waits: {
    readonly bounds: readonly number[];
    readonly minutes: readonly { readonly at: number; readonly counts: readonly number[] }[];
  };
  readonly stages: readonly {
    readonly stage: string;
    readonly answers: Readonly<Record<string, number>>;
    readonly p50: number | null;
    readonly p95: number | null;
    readonly p99: number | null;
  }[];
  readonly edits: readonly { readonly edit: string; readonly made: number; readonly refused: number }[];
  readonly errors: readonly {
    readonly kind: string;
    readonly count: number;
    readonly last: string;
    readonly at: string | null;
  }[];
  readonly unsent: Readonly<Record<string, number>>;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}
