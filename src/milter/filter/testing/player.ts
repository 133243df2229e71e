/**
 * One MTA being played, event by event, in the manner of its profile. Each step returns the decision the answer stands for.
 *
 * A connection that the filter refused or accepted as a whole stays so for all its messages.
 */
import { asciiLower, byteStringOf, latin1 } from '#message';
import {
  LAW,
  encodeBare,
  encodeBody,
  encodeConnect,
  encodeHeader,
  encodeHeaderField,
  encodeHelo,
  encodeMacros,
  encodeMail,
  encodeRcpt,
  encodeUnknown,
  hasLeadingSpace,
  knowsEvent,
  macroName,
  sendsEvent,
  type Agreement,
  type Edit,
  type EventName,
  type MacroStage,
  type Offer,
} from '#milter/protocol';
import type { Decision, Filter, Log } from '#milter/filter';
import { rawMessage } from './apply.ts';
import { Link } from './link.ts';
import { COMMON_VALUES, type Profile } from './profiles.ts';
import { decisionOf, type Packet } from './result.ts';
import type { Mail } from './source.ts';

/** The SMTP client being played. `user`: authenticated as; `tls`: version of TLS. '' for neither. */
export interface PlayedClient {
  readonly host: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  readonly tls: string;
}

/** How the player was asked to play. */
export interface PlayOptions {
  readonly over: 'memory' | 'socket';
  readonly chunk: number | 'random';
  readonly patience: number;
  readonly log: Log;
  readonly offer?: Offer;
}

const CONTINUE: Decision = { kind: 'continue' };
const CHUNK = 65535;

/** See the head of the file. */
export class Player {
  client: PlayedClient = { host: 'client.example', address: '192.0.2.10', port: 41000, user: '', tls: '' };
  helo = 'client.example';
  readonly #filter: Filter;
  readonly #profile: Profile;
  readonly #options: PlayOptions;
  readonly #link: Link;
  readonly #values = new Map<string, string>();
  readonly #overrides = new Map<MacroStage, Map<string, string>>();
  #agreement: Agreement | null = null;
  #greeting: { decision: Decision; stage: EventName } | null = null;
  #greeted = false;
  #messages = 0;

  constructor(filter: Filter, profile: Profile, options: PlayOptions) {
    this.#filter = filter;
    this.#profile = profile;
    this.#options = options;
    const piece = typeof options.chunk === 'number' ? options.chunk : 1 + Math.floor(Math.random() * 64);
    this.#link = new Link({ ...options, offer: options.offer ?? profile.offer, piece });
  }

  /** Once greeted. */
  get agreement(): Agreement {
    return this.#agreement!;
  }

  get packets(): readonly Packet[] {
    return this.#link.packets;
  }

  /** Values of one stage; they win over everything else. */
  setMacros(stage: MacroStage, values: Readonly<Record<string, string>>): void {
    const own = this.#overrides.get(stage) ?? new Map<string, string>();
    for (const [name, value] of Object.entries(values)) own.set(macroName(name), byteStringOf(value));
    this.#overrides.set(stage, own);
  }

  /** Connects, negotiates, CONNECT, HELO, once. What the filter decided there, when it did not go on. */
  async greet(): Promise<{ decision: Decision; stage: EventName } | null> {
    if (this.#greeted) return this.#greeting;
    this.#greeted = true;
    this.#agreement = await this.#link.open(this.#filter);
    this.#facts();
    const { host, address, port } = this.client;
    const family = address === '' ? 'U' : address.startsWith('/') ? 'L' : address.includes(':') ? '6' : '4';
    const shown = family === '6' && this.#profile.ipv6Prefix ? `IPv6:${address}` : address;
    const connected = await this.#say('connect', () =>
      encodeConnect(this.#link.writer, { host: byteStringOf(host), family, port, address: shown }),
    );
    if (connected.kind !== 'continue') return (this.#greeting = { decision: connected, stage: 'connect' });
    const greeted = await this.#say('helo', () => encodeHelo(this.#link.writer, byteStringOf(this.helo)));
    if (greeted.kind !== 'continue') return (this.#greeting = { decision: greeted, stage: 'helo' });
    return null;
  }

  /** MAIL. */
  mail(from: string, params: readonly string[]): Promise<Decision> {
    this.#messages++;
    this.#values.set('i', this.#profile.lateQueueId ? '' : this.#queueId());
    this.#values.set('{mail_addr}', byteStringOf(from));
    this.#values.set('{mail_mailer}', 'relay');
    this.#values.set('{auth_authen}', byteStringOf(this.client.user));
    this.#values.set('{auth_type}', this.client.user === '' ? '' : 'PLAIN');
    const [path, sent] = this.#envelope(from, params);
    return this.#say('mail', () => encodeMail(this.#link.writer, path, sent));
  }

  /** RCPT. */
  async rcpt(to: string, params: readonly string[]): Promise<Decision> {
    this.#values.set('{rcpt_addr}', byteStringOf(to));
    this.#values.set('{rcpt_mailer}', 'relay');
    const [path, sent] = this.#envelope(to, params);
    const decision = await this.#say('rcpt', () => encodeRcpt(this.#link.writer, path, sent));
    if (decision.kind === 'continue') this.#values.set('i', this.#queueId());
    return decision;
  }

  /** DATA to the verdict of the end of message. */
  async content(mail: Mail): Promise<{ decision: Decision; stage: EventName; edits: readonly Edit[] }> {
    const writer = this.#link.writer;
    const early = (decision: Decision, stage: EventName) => ({ decision, stage, edits: [] });
    const skipped = new Set<EventName>();
    const steps: [EventName, () => void][] = [];
    if (this.#profile.data) steps.push(['data', () => encodeBare(writer, 'data')]);
    for (const field of mail.fields) steps.push(['header', () => this.#field(field)]);
    steps.push(['eoh', () => encodeBare(writer, 'eoh')]);
    const body = this.#profile.sloppyContent
      ? rawMessage({
          fields: mail.fields.map((f) => ({ name: f.name, rest: latin1(f.value) })),
          body: mail.body,
        })
      : mail.body;
    for (const chunk of this.#chunks(body)) steps.push(['body', () => encodeBody(writer, [chunk])]);
    for (const [event, encode] of steps) {
      if (skipped.has(event)) continue;
      const decision = await this.#say(event, encode, skipped);
      if (decision.kind !== 'continue') return early(decision, event);
    }
    this.#macros('end');
    encodeBare(writer, 'end');
    const { verdict, edits } = await this.#link.ask('end');
    const decision = decisionOf(verdict, edits);
    const lives =
      decision.kind === 'continue' || decision.kind === 'accept' || decision.kind === 'quarantine';
    if (this.#profile.abortAfterMessage) await this.abort();
    return { decision, stage: 'end', edits: lives ? edits : [] };
  }

  /** UNKNOWN. */
  async unknown(line: string): Promise<Decision> {
    const greeted = await this.greet();
    return (
      greeted?.decision ?? this.#say('unknown', () => encodeUnknown(this.#link.writer, byteStringOf(line)))
    );
  }

  /** ABORT. */
  async abort(): Promise<void> {
    encodeBare(this.#link.writer, 'abort');
    this.#link.flush();
  }

  /** QUIT. */
  async close(): Promise<void> {
    if (this.#agreement) {
      encodeBare(this.#link.writer, 'quit');
      try {
        this.#link.flush();
      } catch {
        // Closed by the filter already.
      }
    }
    await this.#link.close();
  }

  async #say(event: EventName, encode: () => void, skipped?: Set<EventName>): Promise<Decision> {
    const agreement = this.agreement;
    if (!knowsEvent(agreement, event)) return CONTINUE;
    if (!sendsEvent(agreement, event)) {
      if (LAW[event].macrosAlways) this.#macros(event);
      return CONTINUE;
    }
    this.#macros(event);
    encode();
    const { verdict } = await this.#link.ask(event);
    if (verdict.kind === 'skip') skipped?.add(event);
    return decisionOf(verdict);
  }

  #macros(event: EventName): void {
    const stage = LAW[event].macros;
    if (stage === null) {
      if (this.#profile.macrosEverywhere) encodeMacros(this.#link.writer, event, []);
      return;
    }
    const own = this.#overrides.get(stage);
    const names = this.agreement.macros.get(stage) ?? this.#profile.macros[stage];
    const all = new Set([...names, ...(own?.keys() ?? [])]);
    if (all.size === 0 && !this.#profile.macrosEverywhere) return;
    const pairs = [...all].map((name) => [name, own?.get(name) ?? this.#values.get(name) ?? ''] as const);
    encodeMacros(this.#link.writer, event, pairs);
  }

  #facts(): void {
    const { host, address, port, tls } = this.client;
    const shown = address.includes(':') ? `IPv6:${address}` : address;
    const values = {
      ...COMMON_VALUES,
      ...this.#profile.values,
      _: `${host} [${shown}]`,
      s: this.helo,
      '{client_addr}': shown,
      '{client_name}': host,
      '{client_ptr}': host,
      '{client_port}': String(port),
      '{tls_version}': tls,
      '{cipher}': tls === '' ? '' : 'TLS_AES_256_GCM_SHA384',
      '{cipher_bits}': tls === '' ? '' : '256',
    };
    for (const [name, value] of Object.entries(values)) this.#values.set(name, byteStringOf(value));
  }

  #envelope(address: string, params: readonly string[]): [path: string, params: string[]] {
    const path = `<${byteStringOf(address)}>`;
    if (!this.#profile.faithfulEnvelope) return [asciiLower(path), []];
    return [path, params.map(byteStringOf)];
  }

  #field(field: Mail['fields'][number]): void {
    const writer = this.#link.writer;
    if (this.#profile.sloppyContent) encodeHeader(writer, field.name, latin1(field.value).trim());
    else encodeHeaderField(writer, field, hasLeadingSpace(this.agreement));
  }

  *#chunks(body: Uint8Array): Iterable<Uint8Array> {
    const { chunk } = this.#options;
    for (let at = 0; at < body.length;) {
      const size =
        chunk === 'random'
          ? 1 + Math.floor(Math.random() * 2000)
          : chunk === 0
            ? CHUNK
            : Math.min(chunk, CHUNK);
      yield body.subarray(at, at + size);
      at += size;
    }
  }

  #queueId(): string {
    return `4MR${String(this.#messages).padStart(7, '0')}`;
  }
}
