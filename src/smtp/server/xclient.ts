/**
 * A client that speaks for another: XCLIENT makes the session the other's, XFORWARD tells the log whose message comes next.
 *
 * Kept by the dialogue. Only clients that the listener trusts may; the right is the connection's, so another client's address
 * neither gives nor takes it. Never asks the handler anything but to take note of XFORWARD.
 */
import type { Forwarded, Origin, Status } from '#message';
import { parseXclient, parseXforward, type XclientFacts } from '#smtp/protocol';
import { after } from './awaitable.ts';
import { clientNameOf } from './client-name.ts';
import type { Awaitable, SmtpHandler } from './handler.ts';
import type { ClientName, Settings } from './options.ts';
import * as texts from './texts.ts';

const NOTHING: Forwarded = Object.freeze({
  name: '',
  address: '',
  port: 0,
  protocol: '',
  helo: '',
  ident: '',
  source: '',
});

/** What one connection's client may say for others, and has said. */
export class Spokesman {
  /** The client may: both commands are offered. */
  readonly trusted: boolean;
  readonly #settings: Settings;
  /** The client itself. */
  readonly #own: Origin;
  #next: Forwarded | null = null;
  #told = false;

  constructor(settings: Settings, own: Origin) {
    this.#settings = settings;
    this.#own = own;
    this.trusted = own.remoteAddress !== '' && !own.undeclared && settings.mayXclient(own.remoteAddress);
  }

  /** XCLIENT: the origin of the client that is spoken for, its greeting name included; or the refusal. */
  xclient(args: string, origin: Origin, inTransaction: boolean): Awaitable<Origin | Status> {
    if (!this.trusted) return texts.NOT_AUTHORISED;
    if (inTransaction) return texts.IN_TRANSACTION;
    const facts = parseXclient(args);
    if ('code' in facts) return facts;
    this.#next = null;
    this.#told = false;
    return after(this.#nameOf(facts, origin), (name) => this.#spokenFor(facts, origin, name));
  }

  /** XFORWARD: what is told adds up until a transaction begins or RSET forgets it. */
  xforward(args: string, inTransaction: boolean): Status {
    if (!this.trusted) return texts.NOT_AUTHORISED;
    if (inTransaction) return texts.IN_TRANSACTION;
    const facts = parseXforward(args);
    if ('code' in facts) return facts;
    this.#next = { ...(this.#next ?? NOTHING), ...facts };
    return texts.OK;
  }

  /** MAIL comes: the handler hears what XFORWARD said for it, or that nothing was said any more. */
  introduce(handler: SmtpHandler): void {
    if (this.#next === null && !this.#told) return;
    this.#told = this.#next !== null;
    handler.forwarded?.(this.#next);
  }

  /** RSET, a new greeting, or a transaction that has begun: what was told counts no longer for the next. */
  forget(): void {
    this.#next = null;
  }

  /** A name that comes with the address is believed; an address alone is looked up as that of any client. */
  #nameOf({ name, address }: XclientFacts, origin: Origin): Awaitable<ClientName> {
    if (name !== undefined) return { name, ptr: name };
    if (address) return clientNameOf(this.#settings, address);
    const { clientName, clientPtr } = address === '' ? this.#own : origin;
    return { name: clientName, ptr: clientPtr };
  }

  #spokenFor(facts: XclientFacts, origin: Origin, name: ClientName): Origin {
    const helo = facts.helo ?? '';
    const user = facts.login ?? '';
    const { proxy: _proxy, undeclared, forwarded: _forwarded, ...kept } = origin;
    const spoken = {
      ...kept,
      ...this.#addressOf(facts, undeclared),
      proxy: this.#own.remoteAddress,
      clientName: name.name,
      clientPtr: name.ptr,
      localAddress: facts.destinationAddress || origin.localAddress,
      localPort: facts.destinationPort || origin.localPort,
      helo,
      heloVerb: helo === '' ? ('' as const) : this.#verbOf(facts),
      user,
      authMethod: user === '' ? '' : 'XCLIENT',
    };
    return facts.port === undefined ? spoken : { ...spoken, remotePort: facts.port };
  }

  /** An address that the client cannot tell is not made up: its own takes the place, and nobody trusts it. */
  #addressOf({ address }: XclientFacts, undeclared: boolean | undefined): Partial<Origin> {
    if (address === undefined) return undeclared ? { undeclared } : {};
    if (address === '') return { remoteAddress: this.#own.remoteAddress, remotePort: 0, undeclared: true };
    return { remoteAddress: address, remotePort: 0, clientConnections: 1 };
  }

  #verbOf({ protocol }: XclientFacts): Origin['heloVerb'] {
    if (this.#settings.protocol === 'lmtp') return 'LHLO';
    return protocol === 'SMTP' ? 'HELO' : 'EHLO';
  }
}
