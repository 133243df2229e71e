/** Which conversations are kept: decided when a part ends. Plain data and tests on it. */
import { clientTest, isNetwork, patternOf } from './match.ts';

/** What must hold of a part that is kept with `matching`: everything that is given. */
export interface CapturePolicy {
  readonly mode: 'all' | 'matching' | 'off';
  /** Addresses or networks (`192.0.2.0/24`, `2001:db8::/32`), any of them. */
  readonly client?: readonly string[];
  /** Any case; `*` stands for any characters. `recipient`: any of the part. */
  readonly sender?: string;
  readonly recipient?: string;
  /** The part spoke with this milter. */
  readonly milter?: string;
  /** Only parts with a refusal, a failed filter or an aborted transaction. */
  readonly errorsOnly?: boolean;
  /** Milliseconds that the part took at least, from MAIL to the last reply. */
  readonly slowerThan?: number;
  /** Bytes of content that are kept of a part, each filter's and the client's for itself; 0: none. */
  readonly body: number;
}

/** Everything is kept, with the first 64 KiB of content. */
export const KEEP_ALL: CapturePolicy = Object.freeze({ mode: 'all', body: 64 * 1024 });

/** Networks in a policy, and bytes of content that may be kept of a part. */
export const MAX_POLICY_CLIENTS = 100;
export const MAX_POLICY_BODY = 1024 * 1024;
const MAX_PATTERN = 320;

/** What is known of a part when it ends. */
export interface PartFacts {
  readonly client: string;
  readonly from: string;
  readonly to: readonly string[];
  readonly milters: readonly string[];
  readonly errors: number;
  readonly ms: number;
}

/** A policy made ready. */
export interface Capture {
  /** Whatever the part is like, it is kept: no need to look at it. */
  readonly all: boolean;
  readonly policy: CapturePolicy;
  /** Whether a part of this client's may be kept at all. */
  mayKeep(client: string): boolean;
  keeps(part: PartFacts): boolean;
}

/** Makes a policy ready. */
export function captureOf(policy: CapturePolicy): Capture {
  const { mode, errorsOnly = false, slowerThan = 0 } = policy;
  if (mode !== 'matching') {
    const all = mode === 'all';
    return { policy, all, mayKeep: () => all, keeps: () => all };
  }
  const clients = policy.client?.map(clientTest);
  const sender = policy.sender === undefined ? null : patternOf(policy.sender);
  const recipient = policy.recipient === undefined ? null : patternOf(policy.recipient);
  const milter = policy.milter === undefined ? null : patternOf(policy.milter);
  const mayKeep = (client: string): boolean => clients === undefined || clients.some((test) => test(client));
  return {
    policy,
    all: false,
    mayKeep,
    keeps: (part) =>
      (!errorsOnly || part.errors > 0) &&
      part.ms >= slowerThan &&
      mayKeep(part.client) &&
      (sender === null || sender(part.from)) &&
      (recipient === null || part.to.some(recipient)) &&
      (milter === null || part.milters.some(milter)),
  };
}

/** The policy in a value from outside, or what is wrong with it, as a sentence. */
export function readPolicy(value: unknown): CapturePolicy | string {
  if (typeof value !== 'object' || value === null) return 'a policy is an object';
  const { mode, client, sender, recipient, milter, errorsOnly, slowerThan, body } = value as Record<
    string,
    unknown
  >;
  if (mode !== 'all' && mode !== 'matching' && mode !== 'off') return 'mode is all, matching or off';
  for (const [name, text] of Object.entries({ sender, recipient, milter }))
    if (text !== undefined && (typeof text !== 'string' || text.length > MAX_PATTERN))
      return `${name} is a text`;
  if (client !== undefined && !isNetworks(client))
    return `client is a list of up to ${MAX_POLICY_CLIENTS} networks`;
  if (errorsOnly !== undefined && typeof errorsOnly !== 'boolean') return 'errorsOnly is true or false';
  if (slowerThan !== undefined && !isCount(slowerThan, Number.MAX_SAFE_INTEGER))
    return 'slowerThan is a number of milliseconds';
  if (!isCount(body, MAX_POLICY_BODY)) return `body is a number of bytes, at most ${MAX_POLICY_BODY}`;
  return {
    mode,
    body: body as number,
    ...(client !== undefined && { client }),
    ...(sender !== undefined && { sender: sender as string }),
    ...(recipient !== undefined && { recipient: recipient as string }),
    ...(milter !== undefined && { milter: milter as string }),
    ...(errorsOnly !== undefined && { errorsOnly }),
    ...(slowerThan !== undefined && { slowerThan: slowerThan as number }),
  };
}

function isNetworks(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_POLICY_CLIENTS &&
    value.every((one) => typeof one === 'string' && isNetwork(one))
  );
}

function isCount(value: unknown, most: number): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
}
