/**
 * The way in, watched: passes every call on to the path and tells the observer of each transaction when it is over.
 *
 * Used in place of the path where somebody listens in, so that the path itself knows nothing of it. Adds no wait and changes no
 * answer.
 */
import { isPermanent, isPositive, type Forwarded, type Origin, type Path, type Status } from '#message';
import type { ContentFault, ContentSink, ResetReason, SmtpHandler } from '#smtp/server';
import { settled, type Awaitable } from '#stages';
import { MAX_RECIPIENTS, type IntakeObserver, type TransactionOutcome } from './observer.ts';
import type { IntakeOptions } from './options.ts';
import type { IntakePath } from './path.ts';
import { Reception, type Reached } from './reception.ts';

/** A transaction under way. */
interface Underway {
  readonly id: string;
  readonly at: number;
  readonly began: number;
  readonly sender: string;
  readonly accepted: string[];
  readonly named: string[];
  count: number;
  refused: Status | null;
  /** When the final dot came; 0: it has not. */
  dot: number;
}

/** What became of it, as far as it is not seen from the reply. */
interface Ended extends Omit<Partial<Reached>, 'outcome'> {
  readonly outcome: TransactionOutcome;
  readonly reply: Status | null;
}

/** See the head of the file. */
export class ObservedPath implements SmtpHandler {
  readonly #path: IntakePath;
  readonly #o: IntakeOptions;
  readonly #observe: (origin: Origin) => IntakeObserver | null;
  #observer: IntakeObserver | null = null;
  #origin!: Origin;
  #now: Underway | null = null;

  constructor(path: IntakePath, options: IntakeOptions, observe: (origin: Origin) => IntakeObserver | null) {
    this.#path = path;
    this.#o = options;
    this.#observe = observe;
  }

  connect(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    this.#observer = this.#path.observer = this.#observe(origin);
    return this.#path.connect(origin);
  }

  helo(origin: Origin): Awaitable<Status | null> {
    this.#origin = origin;
    return this.#path.helo(origin);
  }

  auth(origin: Origin): Awaitable<Status | null> {
    return settled(this.#path.auth(origin), (answer) => {
      if (answer === null || isPositive(answer)) this.#origin = origin;
      return answer;
    });
  }

  mail(sender: Path, params: readonly string[]): Awaitable<Status> {
    const { clock, newId } = this.#o;
    const before = this.#path.id;
    const at = clock.now();
    const began = clock.elapsed();
    return settled(this.#path.mail(sender, params), (reply) => {
      const id = this.#path.id === before ? newId() : this.#path.id;
      const { address } = sender;
      this.#now = {
        id,
        at,
        began,
        sender: address,
        accepted: [],
        named: [],
        count: 0,
        refused: null,
        dot: 0,
      };
      this.#observer?.begun(id, address);
      if (!isPositive(reply)) this.#end({ outcome: refusedAs(reply), reply });
      return reply;
    });
  }

  rcpt(path: Path, params: readonly string[]): Awaitable<Status> {
    const now = this.#now;
    this.#observer?.recipient(path.address);
    if (now && now.named.length < MAX_RECIPIENTS) now.named.push(path.address);
    return settled(this.#path.rcpt(path, params), (reply) => {
      if (now && isPositive(reply)) {
        now.count++;
        if (now.accepted.length < MAX_RECIPIENTS) now.accepted.push(path.address);
      } else if (now) now.refused = reply;
      return reply;
    });
  }

  data(): Awaitable<Status | ContentSink> {
    return settled(this.#path.data(), (answer) => {
      if (!('code' in answer)) return this.#content(answer);
      this.#end({ outcome: refusedAs(answer), reply: answer });
      return answer;
    });
  }

  unknown(line: string): Awaitable<Status | null> {
    return this.#path.unknown(line);
  }

  reset(reason: ResetReason): void {
    this.#path.reset(reason);
    this.#abandoned();
  }

  forwarded(forwarded: Forwarded | null): void {
    this.#path.forwarded(forwarded);
  }

  interrupted(): void {
    this.#path.interrupted();
  }

  close(): void {
    this.#path.close();
    this.#abandoned();
  }

  #content(sink: ContentSink): ContentSink {
    const end = async (fault: ContentFault | null): Promise<Status | readonly Status[]> => {
      if (this.#now) this.#now.dot = this.#o.clock.elapsed();
      const reply = await sink.end(fault);
      const all = 'code' in reply ? [reply] : reply;
      this.#end(endOf(sink, all, this.#path.discarded?.by ?? ''));
      return reply;
    };
    return { write: (chunk) => sink.write(chunk), end };
  }

  /** Without a verdict: whoever had every recipient refused was refused. */
  #abandoned(): void {
    const refused = this.#now?.count === 0 ? this.#now.refused : null;
    this.#end(
      refused ? { outcome: refusedAs(refused), reply: refused } : { outcome: 'aborted', reply: null },
    );
  }

  #end({ outcome, reply, by, size = 0, fields, recipients, count }: Ended): void {
    const now = this.#now;
    this.#now = null;
    if (!now || !this.#observer) return;
    const over = this.#o.clock.elapsed();
    this.#observer.ended({
      id: now.id,
      origin: this.#origin,
      at: now.at,
      sender: now.sender,
      recipients: recipients ?? (now.accepted.length > 0 ? now.accepted : now.named),
      count: count ?? (now.count > 0 ? now.count : now.named.length),
      fields: fields ?? null,
      size,
      outcome,
      reply,
      by: by ?? reply?.by ?? '',
      filters: this.#path.chain.accounts,
      ms: over - now.began,
      acceptMs: now.dot === 0 ? 0 : over - now.dot,
    });
  }
}

const refusedAs = (reply: Status): 'rejected' | 'tempfailed' =>
  isPermanent(reply) ? 'rejected' : 'tempfailed';

/** The end of a message whose content came: `replies` are what the client is told. */
function endOf(sink: ContentSink, replies: readonly Status[], discardedBy: string): Ended {
  const taken = replies.find(isPositive);
  const reply = taken ?? replies[0]!;
  const reached =
    sink instanceof Reception ? sink.reached : { outcome: 'discarded' as const, by: discardedBy };
  if (!taken) return { ...reached, by: reply.by, outcome: refusedAs(reply), reply };
  return { ...reached, outcome: reached.outcome ?? 'accepted', reply };
}
