/** What the caller hands to a milter conversation: where the filter is, what to offer, how long to wait. */
import type { Clock } from '#clock';
import type { Agreement, Edit, EventName, Verdict } from '#milter/protocol';

/** Where a filter listens. */
export type MilterEndpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** TLS from the first byte of the milter connection. */
export interface MilterTls {
  readonly allowInvalidCerts: boolean;
  /** PEM: authorities to trust instead of the system's. */
  readonly ca?: string;
  /** PEM: certificate and key shown to the filter. */
  readonly certificate?: string;
  readonly key?: string;
  /** Name asked for (SNI) and checked in the certificate; default: the host name. */
  readonly serverName?: string;
}

/** Everything a conversation needs to know. Times in milliseconds, sizes in bytes. */
export interface MilterClientOptions {
  readonly endpoint: MilterEndpoint;
  readonly tls: MilterTls | null;
  /** Finds the addresses of a host name, best first; rejects when there is none. Default: DNS alone, A before AAAA. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** The OPTNEG offer, already masked to the version. */
  readonly offer: { readonly version: number; readonly actions: number; readonly protocol: number };
  /** Address look-up, TCP, TLS and negotiation together. */
  readonly timeoutConnect: number;
  /** One command and its answer before content. */
  readonly timeoutCommand: number;
  /** Each wait for an answer during content and end of message; PROGRESS starts it anew. */
  readonly timeoutData: number;
  /** The sum of all waits for answers during the content of one message, PROGRESS or not; 0 = no bound. */
  readonly timeoutMessage: number;
  /** Largest single frame accepted from the filter. */
  readonly maxResponseSize: number;
  /** Largest sum of REPLBODY payloads. */
  readonly maxBodySize: number;
  /** Most edits accepted in one answer. */
  readonly maxEdits: number;
  /** Write headers, end of headers and body without waiting for each answer. */
  readonly pipeline: boolean;
  /** Break the Nagle / delayed-ACK stall: send an empty MACRO frame when an answer came in part. */
  readonly nudge: boolean;
  readonly clock: Clock;
  readonly observer?: MilterObserver;
  /** Keeps the figures. */
  readonly meter?: MilterMeter | null;
}

/**
 * Hears every packet of a conversation, with times: the letter of its code and its payload, not taken apart. The decoders of
 * `millrace/protocol` (decodeEvent, decodeAnswer, decodeOffer, decodeChoice) do that. Called synchronously; must not throw.
 */
export interface MilterObserver {
  /** `at` in Clock.elapsed() milliseconds. `direction` from the gateway's point of view. `bytes` is the payload, a view. */
  packet?(packet: {
    readonly at: number;
    readonly direction: 'sent' | 'received';
    readonly code: string;
    readonly bytes: Uint8Array;
  }): void;
  /**
   * An extra ability: everything that one write sends, whole packets with their length fields, cut into pieces only where a
   * payload begins or goes on; then `packet` does not hear them. The pieces are views.
   */
  written?(at: number, pieces: readonly Uint8Array[]): void;
  /** An extra ability: a packet that comes, by the byte of its code; then `packet` does not hear it. */
  came?(at: number, code: number, payload: Uint8Array): void;
  /** An extra ability: what came first is no packet; the first bytes of it. */
  stray?(came: { readonly at: number; readonly bytes: Uint8Array }): void;
  /** An event was answered: how long it took to be answered, in milliseconds. */
  answered?(event: EventName, verdict: Verdict, waited: number): void;
}

/** Why body bytes are not sent to a filter. */
export type Unsent = 'skip' | 'unwanted' | 'decided';

/** Hears what is counted of conversations: plain numbers, no packets. Must not throw, wait or make objects. */
export interface MilterMeter {
  /** A conversation was negotiated. */
  opened(agreement: Agreement): void;
  /** It is over. */
  closed(): void;
  sent(bytes: number): void;
  received(bytes: number): void;
  /** An event was answered after so many milliseconds. */
  answered(event: EventName, verdict: Verdict['kind'], ms: number): void;
  progress(): void;
  /** Body bytes that the filter was not sent: it answered SKIP, does not want bodies, or had decided. */
  unsent(reason: Unsent, bytes: number): void;
  /** An edit came when the filter had decided already, or was not asked: it is not made. */
  lateEdit(edit: Edit['kind']): void;
}
