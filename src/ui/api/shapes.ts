/** What the API answers, as far as the pages read it. Times are milliseconds since 1970 where they are numbers. */

export type Scope = 'viewer' | 'operator' | 'admin';
export interface Session {
  readonly name: string;
  readonly scope: Scope;
  readonly csrf: string;
}

export interface FilterVerdict {
  readonly name: string;
  readonly verdict: string;
  readonly ms: number;
  readonly edits: readonly string[];
  readonly error: string;
}
export interface DeliveryLine {
  readonly recipient: string;
  readonly state: string;
  readonly at: number;
  readonly reply: string;
  readonly hop: string;
  readonly attempts: number;
}
export interface HistoryRow {
  readonly id: string;
  readonly session: string;
  readonly part: number;
  readonly at: number;
  readonly listener: string;
  readonly client: string;
  readonly clientName: string;
  readonly helo: string;
  readonly tls: string;
  readonly user: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly recipients: number;
  readonly subject: string;
  readonly size: number;
  readonly outcome: string;
  readonly reply: string;
  readonly by: string;
  readonly filters: readonly FilterVerdict[];
  readonly ms: number;
  readonly acceptMs: number;
  readonly filterMs: number;
  readonly changed: boolean;
  readonly delivery: readonly DeliveryLine[];
}
export interface HistoryPage {
  readonly rows: readonly HistoryRow[];
  readonly next: string | null;
}

export interface ChangeStep {
  readonly milter: string;
  readonly edits: readonly unknown[];
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly header: string;
  readonly body: string | null;
  readonly bodySize: number;
}
export interface Changes {
  readonly id: string;
  readonly original: {
    readonly header: string;
    readonly body: string;
    readonly bodySize: number;
    readonly sender: string;
    readonly recipients: readonly string[];
  };
  readonly steps: readonly ChangeStep[];
}

export interface ConversationLine {
  readonly cursor: string;
  readonly session: string;
  readonly part: number;
  readonly id: string;
  readonly at: number;
  readonly client: string;
  readonly listener: string;
  readonly from: string;
  readonly rcpt: string;
  readonly open: boolean;
  readonly packets: number;
  readonly bytes: number;
  readonly ms: number;
  readonly outcome: string;
  readonly milters: readonly string[];
  readonly slowest: number;
  readonly errors: number;
  readonly dropped: number;
  readonly pinned: boolean;
}
export interface ConversationPage {
  readonly lines: readonly ConversationLine[];
  readonly next: string | null;
}
export interface Field {
  readonly name: string;
  readonly value: string;
}
export interface PacketRow {
  readonly n: number;
  readonly part: number;
  readonly at: number;
  readonly delta: number;
  readonly lane: string;
  readonly direction: 'sent' | 'received';
  readonly kind: 'smtp' | 'milter' | 'decision' | 'note';
  readonly code: string;
  readonly summary: string;
  readonly fields: readonly Field[];
  readonly bytes: number;
  readonly waited: number | null;
  readonly data: string;
  readonly cut: number;
  readonly note: string;
}
export interface CapturePolicy {
  readonly mode: 'all' | 'off' | 'matching';
  readonly client?: readonly string[];
  readonly sender?: string;
  readonly recipient?: string;
  readonly milter?: string;
  readonly errorsOnly?: boolean;
  readonly slowerThan?: number;
  readonly body?: number;
}

export interface Entry {
  readonly id: string;
  readonly state: 'queued' | 'leased' | 'held';
  readonly receivedAt: string;
  readonly size: number;
  readonly sender: string;
  readonly recipients: readonly {
    readonly address: string;
    readonly state: string;
    readonly attempts: number;
    readonly lastError: string;
  }[];
  readonly attempts: number;
  readonly nextAttempt: string | null;
  readonly expiresAt: string;
  readonly lastError: string;
  readonly hold: { readonly reason: string; readonly by: string; readonly since: string } | null;
}
export interface QueuePage {
  readonly entries: readonly Entry[];
  readonly next: string | null;
}
export interface QueueStats {
  readonly messages: number;
  readonly queued: number;
  readonly leased: number;
  readonly held: number;
  readonly deferred: number;
  readonly recipients: number;
  readonly bytes: number;
  readonly oldest: string | null;
  readonly nextAttempt: string | null;
}
export interface QueueShape {
  readonly by: string;
  readonly ages: readonly number[];
  readonly rows: readonly {
    readonly domain: string;
    readonly total: number;
    readonly counts: readonly number[];
  }[];
}
export interface Suspension {
  readonly kind: 'destination' | 'domain';
  readonly name: string;
  readonly until: string | null;
  readonly since: string;
  readonly reason: string;
  readonly by: string;
}
export type Verb = 'retry' | 'hold' | 'release' | 'bounce' | 'delete' | 'redirect';
export interface ActResult {
  readonly id: string;
  readonly result: string;
  readonly detail: string;
  readonly as?: string;
}

export interface HeldRow {
  readonly id: string;
  readonly receivedAt: string;
  readonly since: string;
  readonly expiresAt: string;
  readonly reason: string;
  readonly by: string;
  readonly sender: string;
  readonly from: string;
  readonly subject: string;
  readonly to: readonly string[];
  readonly recipients: number;
  readonly size: number;
  readonly client: string;
  readonly clientName: string;
  readonly listener: string;
  readonly user: string;
  readonly malware: boolean;
  readonly note: string;
  readonly noteBy: string;
}
export interface HeldPage {
  readonly entries: readonly HeldRow[];
  readonly next: string | null;
}
export interface AuditLine {
  readonly at: number | string;
  readonly id: string;
  readonly verb: string;
  readonly by: string;
  readonly result: string;
  readonly detail: string;
  readonly as?: string;
  readonly text?: string;
}

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
  readonly results: readonly ActResult[];
}
