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

export type * from './shapes-settings.ts';
