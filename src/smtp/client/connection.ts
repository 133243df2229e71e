/**
 * A connection to one next hop, ready for messages: greeted, TLS as asked for, EHLO said.
 *
 * Opening gives the connection or a temporary Status, never a refusal of mail: what a host says before MAIL is about the
 * host. `require` never says MAIL in plaintext; `opportunistic` falls back to plaintext at most once per opening. Never
 * throws for anything the peer does.
 */
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { isPositive, status } from '#message';
import type { Status } from '#message';
import type { OutgoingMessage } from './commands.ts';
import { NO_EXTENSIONS, extensionsOf } from './extensions.ts';
import type { Extensions } from './extensions.ts';
import type { Hop } from './hop.ts';
import { TIMEOUTS } from './options.ts';
import type { ConnectOptions, Timeouts } from './options.ts';
import { MAX_ADDRESSES, makeResolve } from './resolve.ts';
import { Transaction } from './transaction.ts';
import type { Sent } from './transaction.ts';
import { hostRefusal, statusOfFault } from './trouble.ts';
import { WireFault, connectWire } from './wire.ts';
import type { Wire } from './wire.ts';

const resolveByDefault = makeResolve();

const nobody = (): null => null;

/** An open connection. Made by `openSmtpConnection`. */
export class SmtpConnection {
  readonly hop: Hop;
  readonly extensions: Extensions;
  /** Under TLS. */
  readonly secure: boolean;
  /** Transactions so far. */
  messages = 0;
  /** When the last transaction ended, by Clock.elapsed. */
  idleSince = 0;
  readonly #wire: Wire;
  readonly #timeouts: Timeouts;
  #open = false;
  /** The message whose commands were sent behind the one before it. */
  #announced: Transaction | null = null;

  constructor(wire: Wire, hop: Hop, extensions: Extensions, secure: boolean, timeouts: Timeouts) {
    this.#wire = wire;
    this.hop = hop;
    this.extensions = extensions;
    this.secure = secure;
    this.#timeouts = timeouts;
  }

  /** Whether the connection stands, as far as is known; a message announced on it can go on. */
  get alive(): boolean {
    return this.#wire.alive;
  }

  /** Whether another message may be sent; false while one is announced, and once the peer closed or said something unasked. */
  get usable(): boolean {
    return this.#wire.usable;
  }

  /**
   * Sends one message; one at a time. Never rejects for anything the peer does. `follow` is asked when the content is about
   * to be written, if the peer lets another message be announced in the same write. A message it gives is to be sent next;
   * when it is not, the connection is `usable` no more.
   */
  async send(message: OutgoingMessage, follow: () => OutgoingMessage | null = nobody): Promise<Sent> {
    this.messages++;
    const announced = this.#announced?.message === message ? this.#announced : null;
    this.#announced = null;
    const run = announced ?? this.#transaction(message, this.#open);
    const sent = await run.run(() => this.#announce(follow));
    this.#open = sent.open;
    return sent;
  }

  /** Says goodbye and closes. Never rejects. */
  quit(): Promise<void> {
    return this.#wire.quit(this.#timeouts.quit);
  }

  /** Closes at once; a message being sent gets temporary answers. */
  abort(): void {
    this.#wire.destroy();
  }

  #announce(follow: () => OutgoingMessage | null): Transaction | null {
    const message = this.extensions.pipelining ? follow() : null;
    if (message !== null) this.#announced = this.#transaction(message, false);
    return this.#announced;
  }

  #transaction(message: OutgoingMessage, open: boolean): Transaction {
    return new Transaction(this.#wire, this.extensions, message, this.#timeouts, open);
  }
}

/** Connects to a hop, address after address; the last trouble is the answer when none works. */
export async function openSmtpConnection(
  hop: Hop,
  options: ConnectOptions,
  signal?: AbortSignal,
): Promise<SmtpConnection | Status> {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  let addresses: readonly string[];
  try {
    addresses = hop.path === '' ? await (options.resolve ?? resolveByDefault)(hop.name) : [''];
  } catch (cause) {
    return statusOfFault(cause, hop.name);
  }
  let trouble = status(451, '4.4.4', `no address of ${hop.name}`);
  for (const address of addresses.slice(0, MAX_ADDRESSES)) {
    if (signal?.aborted) return statusOfFault(new WireFault('aborted', 'given up'), hop.name);
    const opened = await openAt(address, hop, options, timeouts, options.tls, signal);
    if (opened instanceof SmtpConnection) return opened;
    trouble = opened.trouble;
    if (!opened.tlsFailed || options.tls !== 'opportunistic') continue;
    options.notices('delivery.tls-fallback', { hop: hop.name, reason: trouble.text });
    const plain = await openAt(address, hop, options, timeouts, 'off', signal);
    if (plain instanceof SmtpConnection) return plain;
    trouble = plain.trouble;
  }
  return trouble;
}

interface NotOpened {
  readonly trouble: Status;
  /** STARTTLS was agreed on and then TLS, or the first answer under it, did not come about. */
  readonly tlsFailed: boolean;
}

async function openAt(
  address: string,
  hop: Hop,
  options: ConnectOptions,
  timeouts: Timeouts,
  tls: ConnectOptions['tls'],
  signal: AbortSignal | undefined,
): Promise<SmtpConnection | NotOpened> {
  let wire: Wire | null = null;
  let tlsBegun = false;
  const abort = () => wire?.destroy();
  signal?.addEventListener('abort', abort);
  const refuse = (trouble: Status): NotOpened => {
    void wire?.quit(timeouts.quit);
    return { trouble, tlsFailed: false };
  };
  try {
    const to = hop.path === '' ? { host: address, port: hop.port } : { path: hop.path };
    wire = await connectWire(to, hop.name, options.clock, timeouts.connect);
    const greeting = await wire.reply(timeouts.greeting);
    if (greeting.code !== 220) return refuse(hostRefusal(greeting));
    let ext = await hello(wire, options.hostname, timeouts);
    if ('code' in ext) return refuse(hostRefusal(ext));
    if (tls !== 'off') {
      const answer = ext.startTls ? await wire.askTls(timeouts.command) : null;
      if (answer?.code === 220) {
        tlsBegun = true;
        if (wire.injected) options.notices('delivery.plaintext-after-starttls', { hop: hop.name });
        await wire.startTls(tlsOptions(hop, options), timeouts.tls);
        ext = await hello(wire, options.hostname, timeouts);
        if ('code' in ext) return refuse(hostRefusal(ext));
      } else if (tls === 'require') return refuse(noTls(hop, answer));
      else if (answer?.code === 421) return refuse(answer);
    }
    return new SmtpConnection(wire, hop, ext, tlsBegun, timeouts);
  } catch (cause) {
    wire?.destroy();
    return { trouble: statusOfFault(cause, hop.name), tlsFailed: tlsBegun };
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** EHLO, and HELO where that is not known. A Status is the host's refusal. */
async function hello(wire: Wire, hostname: string, timeouts: Timeouts): Promise<Extensions | Status> {
  wire.command(`EHLO ${hostname}\r\n`, 1);
  const reply = await wire.reply(timeouts.command);
  if (reply.code < 300) return extensionsOf(reply);
  if (isPositive(reply) || reply.code < 500) return reply;
  wire.command(`HELO ${hostname}\r\n`, 1);
  const old = await wire.reply(timeouts.command);
  return old.code < 300 ? NO_EXTENSIONS : old;
}

function noTls(hop: Hop, answer: Status | null): Status {
  const said = answer === null ? 'does not offer it' : `said ${answer.code} ${answer.text}`;
  return status(451, '4.7.4', `TLS is required and ${hop.name} ${said}`);
}

function tlsOptions(hop: Hop, options: ConnectOptions): ConnectionOptions {
  const verify = options.verify ?? options.tls === 'require';
  return {
    rejectUnauthorized: verify,
    ...(isIP(hop.name) === 0 ? { servername: hop.name } : { host: hop.name }),
    ...(options.ca === undefined ? {} : { ca: Buffer.from(options.ca) }),
    // A name that stands only in the subject's CN is not accepted (RFC 9525).
    checkServerIdentity: (name, certificate) =>
      certificate.subjectaltname === undefined
        ? new Error('the certificate names no host')
        : checkServerIdentity(name, certificate),
  };
}
