/**
 * One SMTP connection as handlers see it: facts of the client, macros, the author's state, a signal that says stop.
 *
 * Survives messages; a new client on the same milter connection (QUIT_NC) gets a new one. Reading never fails; what the MTA
 * did not tell is ''.
 */
import { utf8Of } from '#message';
import { macroName, type Agreement, type ConnectFacts, type MacroStage } from '#milter/protocol';
import { grants, type Action } from './actions.ts';
import type { Path } from './path.ts';

/** The SMTP client. */
export interface Client {
  /** Verified name, or the address in brackets; '' when unknown. */
  readonly host: string;
  readonly family: 'ipv4' | 'ipv6' | 'unix' | 'unknown';
  /** Plain text without `IPv6:`; an IPv4-mapped address as IPv4; the path of a unix socket; '' when unknown. */
  readonly address: string;
  /** 0 when unknown. */
  readonly port: number;
}

/** What handlers get first. */
export interface Session<S = undefined> {
  readonly state: S;
  readonly client: Client;
  /** What the client said at HELO, EHLO or LHLO. */
  readonly helo: string;
  /** TLS between client and MTA, from the macros. */
  readonly tls: { readonly version: string; readonly cipher: string; readonly bits: number } | null;
  /** The MTA's own name and its software, from the macros `j` and `v`. */
  readonly mta: { readonly name: string; readonly version: string };
  /** A macro by its name, with or without braces; the latest stage that has it counts. Readable text. */
  macro(name: string): string | undefined;
  /** The MTA granted the right. */
  may(action: Action): boolean;
  /** Aborts when the answer no longer matters: ABORT, disconnect, or the handler's time is up. Ask for it in each handler. */
  readonly signal: AbortSignal;
}

/** The envelope of the current message. */
export interface Envelope {
  readonly sender: Path;
  /** Recipients this filter has not refused, in order. */
  readonly recipients: readonly Path[];
  /** The MTA's queue id; '' while it has none. */
  readonly queueId: string;
  /** The authenticated user; '' when there is none. */
  readonly user: string;
}

const UNKNOWN: Client = Object.freeze({ host: '', family: 'unknown', address: '', port: 0 });
const FAMILY = { '4': 'ipv4', '6': 'ipv6', L: 'unix', U: 'unknown' } as const;
/** Look-up order: from the latest stage back (milter reference 6.2). */
const STAGES: readonly MacroStage[] = ['end', 'eoh', 'data', 'rcpt', 'mail', 'helo', 'connect'];
const OF_MESSAGE: readonly MacroStage[] = ['end', 'eoh', 'data', 'rcpt', 'mail'];

/** The session behind the interface: what the SDK writes and authors only read. */
export class SessionState implements Session<unknown> {
  state: unknown = undefined;
  client: Client = UNKNOWN;
  helo = '';
  /** CONNECT was seen. */
  met = false;
  readonly #agreement: Agreement;
  readonly #macros = new Map<MacroStage, ReadonlyMap<string, string>>();
  #abort: AbortController | null = null;
  #over: Error | null = null;

  constructor(agreement: Agreement) {
    this.#agreement = agreement;
  }

  get tls(): Session['tls'] {
    const version = this.macro('tls_version') ?? '';
    const cipher = this.macro('cipher') ?? '';
    if (version === '' && cipher === '') return null;
    return { version, cipher, bits: Number(this.macro('cipher_bits') ?? 0) || 0 };
  }

  get mta(): Session['mta'] {
    return { name: this.macro('j') ?? '', version: this.macro('v') ?? '' };
  }

  macro(name: string): string | undefined {
    const key = macroName(name);
    for (const stage of STAGES) {
      const value = this.#macros.get(stage)?.get(key);
      if (value !== undefined) return utf8Of(value);
    }
    return undefined;
  }

  may(action: Action): boolean {
    return grants(this.#agreement.actions, action);
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#over) this.#abort.abort(this.#over);
    return this.#abort.signal;
  }

  /** CONNECT. */
  connected(facts: ConnectFacts): void {
    this.met = true;
    const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(facts.address);
    this.client = Object.freeze({
      host: utf8Of(facts.host),
      family: mapped ? 'ipv4' : FAMILY[facts.family],
      address: mapped ? mapped[1]! : utf8Of(facts.address),
      port: facts.port,
    });
  }

  /** HELO, EHLO, LHLO. */
  greeted(name: string): void {
    this.helo = utf8Of(name);
  }

  /** A MACRO frame: replaces the set of its stage. */
  setMacros(stage: MacroStage, pairs: readonly (readonly [string, string])[]): void {
    this.#macros.set(stage, new Map(pairs.map(([name, value]) => [macroName(name), value])));
  }

  /** The message is over; its macros with it. */
  forgetMessage(): void {
    for (const stage of OF_MESSAGE) this.#macros.delete(stage);
  }

  /** Tells whoever listens to stop. The next handler gets a fresh signal, unless the session is `over`. */
  cut(reason: Error, over = false): void {
    if (over) this.#over = reason;
    this.#abort?.abort(reason);
    this.#abort = null;
  }
}

/** The envelope behind the interface. */
export class EnvelopeState implements Envelope {
  sender: Path;
  readonly recipients: Path[] = [];
  readonly #session: SessionState;

  constructor(session: SessionState, sender: Path) {
    this.#session = session;
    this.sender = sender;
  }

  get queueId(): string {
    return this.#session.macro('i') ?? '';
  }

  get user(): string {
    return this.#session.macro('auth_authen') ?? '';
  }
}
