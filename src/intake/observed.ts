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
      if (!isPositive(reply)) this.#end(refusedAs(reply), reply);
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
      this.#end(refusedAs(answer), answer);
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
      this.#contentEnded(sink, 'code' in reply ? reply : (reply.find(isPositive) ?? reply[0]!));
      return reply;
    };
    return { write: (chunk) => sink.write(chunk), end };
  }

  #contentEnded(sink: ContentSink, reply: Status): void {
    const reached = sink instanceof Reception ? sink.reached : null;
    if (!isPositive(reply)) return this.#end(refusedAs(reply), reply, reply.by, reached);
    if (reached === null) return this.#end('discarded', reply, this.#path.discarded?.by ?? '');
    this.#end(reached.outcome ?? 'accepted', reply, reached.by, reached);
  }

  /** Without a verdict: whoever had every recipient refused was refused. */
  #abandoned(): void {
    const refused = this.#now?.count === 0 ? this.#now.refused : null;
    if (refused) this.#end(refusedAs(refused), refused);
    else this.#end('aborted', null);
  }

  /** `reply`: what the client is told. `reached`: how far it got, when content came. */
  #end(
    outcome: TransactionOutcome,
    reply: Status | null,
    by = reply?.by,
    reached: Reached | null = null,
  ): void {
    const now = this.#now;
    this.#now = null;
    if (!now || !this.#observer) return;
    const over = this.#o.clock.elapsed();
    const { accepted, named } = now;
    const queued = reached?.recipients ?? null;
    this.#observer.ended({
      id: now.id,
      origin: this.#origin,
      at: now.at,
      sender: now.sender,
      recipients: queued ?? (accepted.length > 0 ? accepted : named),
      count: queued ? reached!.count : now.count > 0 ? now.count : named.length,
      fields: reached?.fields ?? null,
      size: reached?.size ?? 0,
      outcome,
      reply,
      by: by ?? '',
      filters: this.#path.chain.accounts,
      ms: over - now.began,
      acceptMs: now.dot === 0 ? 0 : over - now.dot,
    });
  }
}

const refusedAs = (reply: Status): 'rejected' | 'tempfailed' =>
  isPermanent(reply) ? 'rejected' : 'tempfailed';
