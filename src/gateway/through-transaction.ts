/**
 * One transaction of a client with one next hop, both waiting for each other: what the hop says to MAIL, RCPT and the final dot is
 * what the client hears.
 *
 * The hop is that of the first recipient's route; who belongs elsewhere is told to come separately (452 4.5.3). When the filters
 * changed the envelope, or the hop has hung up meanwhile, the hop is told the envelope anew before it gets content. Without an
 * answer of the hop the client hears a temporary refusal that names nobody; the log has the reason. Never rejects.
 */
import type { HopTransaction, PassedMessage, PassedSender } from '#intake';
import { isPositive, parameter, status } from '#message';
import type { Clock } from '#clock';
import type { Recipient, Status } from '#message';
import type { NoticeSink } from '#notices';
import type { OutgoingMessage, Step, StepSender } from '#smtp/client';
import type { Awaitable } from '#stages';
import { THROUGH_LIMITS, type Lane, type Line } from './through-lane.ts';

/** Finds the way of a recipient; a Status when there is none. */
export type LaneOf = (from: PassedSender, recipient: Recipient) => Awaitable<Lane | Status>;

/** What a transaction is made from. */
export interface ThroughAround {
  readonly laneOf: LaneOf;
  /** The lane of all recipients, when it is the same whoever they are. */
  readonly only: Lane | null;
  readonly clock: Clock;
  readonly notices: NoticeSink;
  /** Those that wait for a hop now: what breaks each off. */
  readonly underway: Set<() => void>;
}

const SEPARATELY = status(452, '4.5.3', 'Send this recipient in a transaction of its own');
const CROWDED = status(451, '4.4.5', 'Too many transactions with the next hop, try again later');
const NOT_REACHED = status(451, '4.4.1', 'Next hop cannot be reached, try again later');
const LOST = status(451, '4.4.2', 'Connection to the next hop was lost, try again later');
const BROKEN = status(451, '4.5.0', 'Next hop gave no proper answer, try again later');
const ELSEWHERE = status(451, '4.3.5', 'Message has recipients for different next hops');
/** Our own refusals by their enhanced code, in words that name no host. */
const REFUSALS: Readonly<Record<string, string>> = {
  '5.6.7': 'Next hop does not take internationalized mail',
  '5.3.4': 'Message is larger than the next hop takes',
};

/** What a hop was told and has taken. */
interface Envelope {
  readonly from: StepSender;
  readonly recipients: readonly Recipient[];
}

/** See above. */
export class ThroughTransaction implements HopTransaction {
  readonly #from: PassedSender;
  readonly #around: ThroughAround;
  #lane: Lane | null = null;
  /** A place in the lane is taken. */
  #entered = false;
  #line: Line | null = null;
  /** What is open at the hop of `#line`. */
  #told: Envelope | null = null;
  /** Recipients whose client heard that they are taken. */
  #taken: readonly Recipient[] = [];
  /** Ends the connecting that is under way. */
  #giveUp = new AbortController();
  /** The client is gone: nothing more is sent to the hop. */
  #gone = false;

  constructor(from: PassedSender, around: ThroughAround) {
    this.#from = from;
    this.#around = around;
  }

  mail(): Awaitable<Status | null> {
    const { only } = this.#around;
    if (!only) return null;
    this.#lane = only;
    return this.#within(THROUGH_LIMITS.command, () => this.#tell(this.#envelope()));
  }

  async rcpt(recipient: Recipient): Promise<Status> {
    const lane = this.#around.only ?? (await this.#around.laneOf(this.#from, recipient));
    if ('code' in lane) return lane;
    if (lane !== this.#lane) {
      if (this.#taken.length > 0) return SEPARATELY;
      this.end();
      this.#lane = lane;
    }
    // One answer comes back to the client, who could not hear that one recipient was refused after the content.
    if (lane.lmtp && this.#from.origin.protocol === 'smtp' && this.#taken.length > 0) return SEPARATELY;
    return this.#within(THROUGH_LIMITS.command, async () => {
      const reply = await this.#tell(this.#envelope());
      if (!isPositive(reply)) return reply;
      const answer = await this.#add(recipient);
      if (isPositive(answer)) this.#taken = [...this.#taken, recipient];
      return answer;
    });
  }

  async send({ envelope, header, body, size }: PassedMessage): Promise<readonly Status[]> {
    const { recipients } = envelope;
    const all = (one: Status): readonly Status[] => recipients.map(() => one);
    for (const added of recipients)
      if (!this.#taken.includes(added)) {
        const lane = this.#around.only ?? (await this.#around.laneOf(this.#from, added));
        if ('code' in lane) return all(lane);
        if (lane !== this.#lane) return all(ELSEWHERE);
      }
    const from = senderOf(envelope.sender.address, envelope.senderParams);
    return this.#within(THROUGH_LIMITS.content, async () => {
      const reply = await this.#tell({ from, recipients });
      if (!isPositive(reply)) return all(reply);
      const { steps } = this.#line!;
      const message: OutgoingMessage = { ...from, recipients: recipients.map(named), header, body, size };
      const refused = steps.refusal(message);
      if (refused) return all(this.#forClient({ kind: 'refused', status: refused }));
      const answers = (await steps.content({ header, body })).map((step) => this.#forClient(step));
      return recipients.map((_, i) => answers[i] ?? answers[0]!);
    });
  }

  interrupt(): void {
    this.#gone = true;
    if (!this.#line?.steps.dotSent) this.#stop();
  }

  end(): void {
    if (this.#line) void this.#lane!.close(this.#line);
    this.#line = null;
    this.#told = null;
    if (this.#entered) this.#lane!.leave();
    this.#entered = false;
  }

  #envelope(): Envelope {
    const { sender, senderParams } = this.#from;
    return { from: senderOf(sender.address, senderParams), recipients: this.#taken };
  }

  /**
   * Sees to it that just this envelope is open at the hop. Positive: it is (what the hop said to MAIL, if it was asked now); else
   * the refusal of sender or of any of the recipients, or the trouble.
   */
  async #tell(envelope: Envelope): Promise<Status> {
    if (this.#gone) return LOST;
    if (this.#told && this.#line?.connection.usable && same(this.#told, envelope)) return TOLD;
    this.#told = null;
    const opened = await this.#open();
    if (opened) return opened;
    let step = await this.#line!.steps.mail(envelope.from);
    if (step.kind === 'trouble' && this.#line!.kept && !this.#giveUp.signal.aborted) {
      // It was dead since before: nobody need notice.
      this.#line!.connection.abort();
      this.#line = null;
      const again = await this.#open(true);
      if (again) return again;
      step = await this.#line!.steps.mail(envelope.from);
    }
    const reply = this.#forClient(step);
    if (!isPositive(reply)) return reply;
    this.#told = { ...envelope, recipients: [] };
    for (const recipient of envelope.recipients) {
      const answer = await this.#add(recipient);
      if (!isPositive(answer)) return answer;
    }
    return reply;
  }

  /** RCPT. */
  async #add(recipient: Recipient): Promise<Status> {
    const told = this.#told!;
    const answer = this.#forClient(await this.#line!.steps.rcpt(named(recipient)));
    if (isPositive(answer)) this.#told = { ...told, recipients: [...told.recipients, recipient] };
    return answer;
  }

  /** A connection with no transaction open; null: there is one. */
  async #open(fresh = false): Promise<Status | null> {
    if (this.#line) {
      if (this.#line.connection.usable && (await this.#line.steps.reset())) return null;
      this.#line.connection.abort();
      this.#line = null;
    }
    if (!this.#entered) this.#entered = this.#lane!.enter();
    if (!this.#entered) return CROWDED;
    const line = await this.#lane!.open(this.#giveUp.signal, fresh);
    if ('code' in line) {
      this.#note(line);
      return NOT_REACHED;
    }
    this.#line = line;
    return null;
  }

  /** What the client is told of a step. */
  #forClient({ kind, status: { code, enhanced, text, by }, status: said }: Step): Status {
    switch (kind) {
      case 'said':
        // It closes its connection with us; the client's stays.
        return code === 421 ? status(451, enhanced, text, by) : said;
      case 'refused':
        return status(code, enhanced, REFUSALS[enhanced] ?? 'Address cannot be passed on', by);
      case 'trouble':
        this.#note(said);
        return enhanced === '4.5.0' ? BROKEN : LOST;
    }
  }

  #note({ by, text }: Status): void {
    this.#around.notices('through.trouble', {
      session: this.#from.origin.session,
      hop: by === 'millrace' ? undefined : by,
      reason: text,
    });
  }

  async #within<T>(ms: number, work: () => Promise<T>): Promise<T> {
    const { clock, underway } = this.#around;
    const stop = (): void => this.#stop();
    const cancel = clock.after(ms, stop);
    underway.add(stop);
    this.#giveUp = new AbortController();
    try {
      return await work();
    } finally {
      cancel();
      underway.delete(stop);
    }
  }

  #stop(): void {
    this.#giveUp.abort();
    this.#line?.connection.abort();
  }
}

/** The envelope is open at the hop already. */
const TOLD = status(250, '2.0.0', 'Ok');

function senderOf(sender: string, senderParams: readonly string[]): StepSender {
  const size = parameter(senderParams, 'SIZE');
  return { sender, senderParams, size: size === undefined ? null : Number(size) };
}

const named = ({ path, params }: Recipient): { address: string; params: readonly string[] } => ({
  address: path.address,
  params,
});

function same(a: Envelope, b: Envelope): boolean {
  return (
    a.from.sender === b.from.sender &&
    a.from.senderParams.join(' ') === b.from.senderParams.join(' ') &&
    a.recipients.length === b.recipients.length &&
    a.recipients.every((r, i) => r === b.recipients[i])
  );
}
