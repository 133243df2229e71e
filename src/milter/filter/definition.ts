/**
 * What an author writes: one object with the handlers of a filter. `defineMilter` checks it once and freezes it.
 *
 * Throws FilterError `definition` for what cannot work. What is not written here is not asked of the MTA (plan.ts).
 */
import type { MacroStage } from '#milter/protocol';
import { isAction, type Action } from './actions.ts';
import type { Answer } from './decisions.ts';
import { FilterError } from './errors.ts';
import type { Headers } from './headers.ts';
import type { Message } from './message.ts';
import type { Path } from './path.ts';
import type { Envelope, Session } from './session.ts';

type Maybe<T> = T | Promise<T>;

/** Bounds of a filter. */
export interface Limits {
  /** Bytes of body held in memory for `buffer`, `bytes()` and replaceBody. 64 MiB. */
  readonly body: number;
  /** Bytes of header. 1 MiB. */
  readonly headers: number;
  /** Recipients of one message. 10 000. */
  readonly recipients: number;
  /** Milliseconds the MTA waits for a handler; 0 = no bound. 25 000: below the command time-out of Postfix. */
  readonly handler: number;
  /** Milliseconds between signs of life while a handler works at end of message; 0 = none. 4000. */
  readonly progress: number;
}

/** Handlers that look on: their result is ignored, and where the MTA can, it does not wait for them. */
export interface Observers<S = undefined> {
  onConnect?(s: Session<S>): Maybe<void>;
  onHelo?(s: Session<S>, name: string): Maybe<void>;
  onMail?(s: Session<S>, from: Path): Maybe<void>;
  onRcpt?(s: Session<S>, to: Path, env: Envelope): Maybe<void>;
  onData?(s: Session<S>, env: Envelope): Maybe<void>;
  onHeaders?(s: Session<S>, env: Envelope, h: Headers): Maybe<void>;
  onUnknown?(s: Session<S>, line: string): Maybe<void>;
}

/** A filter. `S` is your state, one per SMTP connection. */
export interface MilterDefinition<S = undefined> {
  /** For logs. */
  readonly name: string;
  /** Makes the state of a connection. */
  init?(): S;
  /** Rights without which the filter cannot work: an MTA that does not offer them is refused, in words. */
  readonly needs?: readonly Action[];
  /** Rights taken when the MTA offers them; ask `s.may()`. */
  readonly wants?: readonly Action[];
  /** `buffer` (default): onMessage has the whole body. `stream`: it runs while the body arrives. `none`: no body is sent. */
  readonly body?: 'stream' | 'buffer' | 'none';
  /** With `stream`: tell the MTA to stop sending once nobody reads the body any more (SKIP). Off. */
  readonly skip?: boolean;
  /** Header values keep the white space after the colon in `raw` (HDR_LEADSPC), for signers. Off. */
  readonly leadingSpace?: boolean;
  /** Macros to ask for instead of the MTA's own lists; names with or without braces. */
  readonly macros?: Readonly<Partial<Record<MacroStage, readonly string[]>>>;
  readonly limits?: Partial<Limits>;
  /** What an error in a handler means for the mail. `tempfail`. */
  readonly onError?: 'tempfail' | 'accept' | 'reject';
  readonly observe?: Observers<S>;
  onConnect?(s: Session<S>): Maybe<Answer>;
  onHelo?(s: Session<S>, name: string): Maybe<Answer>;
  onMail?(s: Session<S>, from: Path): Maybe<Answer>;
  onRcpt?(s: Session<S>, to: Path, env: Envelope): Maybe<Answer>;
  onData?(s: Session<S>, env: Envelope): Maybe<Answer>;
  onHeaders?(s: Session<S>, env: Envelope, h: Headers): Maybe<Answer>;
  onMessage?(s: Session<S>, env: Envelope, msg: Message): Maybe<Answer>;
  onUnknown?(s: Session<S>, line: string): Maybe<Answer>;
  /** The message came to nothing. */
  onAbort?(s: Session<S>): void;
  /** The SMTP connection is over. */
  onClose?(s: Session<S>): void;
}

/** A checked definition: what `serve` and the test driver take. */
export interface Filter {
  readonly name: string;
  readonly definition: MilterDefinition<unknown>;
  readonly limits: Limits;
}

/** The bounds of a filter that sets none. */
export const DEFAULT_LIMITS: Limits = Object.freeze({
  body: 64 * 1024 * 1024,
  headers: 1024 * 1024,
  recipients: 10_000,
  handler: 25_000,
  progress: 4000,
});

/** Checks a definition. See the head of the file. */
export function defineMilter<S = undefined>(definition: MilterDefinition<S>): Filter {
  const wrong = (what: string): FilterError => new FilterError('definition', what);
  if (typeof definition.name !== 'string' || definition.name === '') throw wrong('a filter needs a name');
  for (const action of [...(definition.needs ?? []), ...(definition.wants ?? [])])
    if (!isAction(action)) throw wrong(`${String(action)} is no action`);
  for (const handler of Object.keys(definition.observe ?? {}))
    if (Object.hasOwn(definition, handler))
      throw wrong(`${handler} is declared twice: it decides or it observes`);
  const limits = Object.freeze({ ...DEFAULT_LIMITS, ...definition.limits });
  for (const [name, value] of Object.entries(limits))
    if (!(value >= 0)) throw wrong(`limits.${name} must be a number from 0 up`);
  // Handlers are only ever called with the state that init of the same definition made.
  const own = Object.freeze({ ...definition }) as unknown as MilterDefinition<unknown>;
  return Object.freeze({ name: definition.name, definition: own, limits });
}
