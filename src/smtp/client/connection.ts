/**
 * A connection to one next hop, ready for messages: greeted, TLS as asked for, EHLO said.
 *
 * Opening gives the connection or a temporary Status, never a refusal of mail: what a host says before MAIL is about the
 * host. `require` never says MAIL in plaintext; `opportunistic` falls back to plaintext at most once per address. A password is
 * said only where `ConnectOptions.auth` allows it. Never throws for anything the peer does.
 */
import { isIP } from 'node:net';
import { checkServerIdentity } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import { isPositive, status } from '#message';
import type { Status } from '#message';
import { authenticate } from './auth.ts';
import type { BreakOff } from './break-off.ts';
import type { OutgoingMessage } from './commands.ts';
import { NO_EXTENSIONS, extensionsOf } from './extensions.ts';
import type { Extensions } from './extensions.ts';
import type { Hop } from './hop.ts';
import { inquire } from './inquiry.ts';
import type { Inquiry } from './inquiry.ts';
import { TIMEOUTS } from './options.ts';
import type { ConnectOptions, Timeouts } from './options.ts';
import { MAX_ADDRESSES, ResolveFault, makeResolve } from './resolve.ts';
import { Steps } from './steps.ts';
import { Transaction } from './transaction.ts';
import type { Sent, Talk } from './transaction.ts';
import { hostRefusal, statusOfFault, statusOfTlsFault } from './trouble.ts';
import { WireFault, connectWire } from './wire.ts';
import { at } from './where.ts';
import type { Wire } from './wire.ts';

const resolveByDefault = makeResolve();

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
  readonly #talk: Talk;
  #open = false;

  constructor(talk: Talk, hop: Hop, secure: boolean) {
    this.#talk = talk;
    this.hop = hop;
    this.extensions = talk.ext;
    this.secure = secure;
  }

  /** Whether another message may be sent; false once the peer closed or said something unasked. */
  get usable(): boolean {
    return this.#talk.wire.usable;
  }

  /** Sends one message; one at a time. Never rejects for anything the peer does. */
  async send(message: OutgoingMessage): Promise<Sent> {
    this.messages++;
    const sent = await new Transaction(this.#talk, message, this.#open).run();
    this.#open = sent.open;
    return sent;
  }

  /** Asks whether a recipient would be taken; sends no message. The one thing a connection is opened for: QUIT follows. */
  ask(address: string): Promise<Inquiry> {
    return inquire(this.#talk.wire, this.extensions, address, this.#talk.timeouts);
  }

  /** The same step by step, for whoever must hear each answer first; then nothing else is done with this connection. */
  steps(): Steps {
    return new Steps(this.#talk);
  }

  /** Says goodbye and closes. Never rejects. */
  quit(): Promise<void> {
    return this.#talk.wire.quit(this.#talk.timeouts.quit);
  }

  /** Closes at once; a message being sent gets temporary answers. */
  abort(): void {
    this.#talk.wire.destroy();
  }
}

/** Connects to a hop, address after address; the last trouble is the answer when none works. */
export async function openSmtpConnection(
  hop: Hop,
  common: ConnectOptions,
  signal?: BreakOff,
): Promise<SmtpConnection | Status> {
  const options = hop.tls === undefined ? common : { ...common, tls: hop.tls };
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  let addresses: readonly string[];
  try {
    addresses = await addressesOf(hop, options);
  } catch (cause) {
    return statusOfFault(cause, hop.name);
  }
  // A socket of this machine needs no TLS.
  const tls = hop.path !== '' && options.tls === 'opportunistic' ? 'off' : options.tls;
  let trouble = at('dns', status(451, '4.4.4', `no address of ${hop.name}`));
  for (const address of addresses.slice(0, MAX_ADDRESSES)) {
    if (signal?.aborted) return statusOfFault(new WireFault('aborted', 'given up'), hop.name);
    const opened = await openAt({ address, hop, options, timeouts, tls, signal });
    if (opened instanceof SmtpConnection) return opened;
    trouble = opened.trouble;
    if (!opened.tlsFailed || tls !== 'opportunistic' || options.auth) continue;
    options.notices('delivery.tls-fallback', { hop: hop.name, reason: trouble.text });
    const plain = await openAt({ address, hop, options, timeouts, tls: 'off', signal });
    if (plain instanceof SmtpConnection) return plain;
    trouble = plain.trouble;
  }
  return trouble;
}

/** Addresses to try in order, '' for a unix socket. Rejects with ResolveFault. */
async function addressesOf(
  { name, path }: Hop,
  { resolve = resolveByDefault, source }: ConnectOptions,
): Promise<readonly string[]> {
  if (path !== '') return [''];
  const found = await resolve(name);
  if (source === undefined) return found;
  const family = isIP(source);
  const same = found.filter((a) => isIP(a) === family);
  if (same.length > 0) return same;
  throw new ResolveFault('name', `none is IPv${family}, as the source address is`);
}

/** One address to be tried. */
interface Opening {
  readonly address: string;
  readonly hop: Hop;
  readonly options: ConnectOptions;
  readonly timeouts: Timeouts;
  readonly tls: ConnectOptions['tls'];
  readonly signal: BreakOff | undefined;
}

interface NotOpened {
  readonly trouble: Status;
  /** STARTTLS was agreed on and then TLS, or the first answer under it, did not come about. */
  readonly tlsFailed: boolean;
}

async function openAt(opening: Opening): Promise<SmtpConnection | NotOpened> {
  const { address, hop, options, timeouts, tls, signal } = opening;
  const { clock, source } = options;
  let wire: Wire | null = null;
  let secure = false;
  let securing = false;
  const abort = () => wire?.destroy();
  signal?.addEventListener('abort', abort);
  const refuse = (trouble: Status): NotOpened => {
    void wire?.quit(timeouts.quit);
    return { trouble, tlsFailed: false };
  };
  try {
    const local = source === undefined ? {} : { localAddress: source };
    const to = hop.path === '' ? { host: address, port: hop.port, ...local } : { path: hop.path };
    wire = await connectWire(to, hop.name, clock, timeouts.connect);
    const greeting = await wire.reply(timeouts.greeting);
    if (greeting.code !== 220) return refuse(at('greeting', hostRefusal(greeting)));
    let ext = await hello(wire, options, timeouts);
    if ('code' in ext) return refuse(at('greeting', hostRefusal(ext)));
    if (tls !== 'off') {
      const answer = ext.startTls ? await wire.askTls(timeouts.command) : null;
      if (answer?.code === 220) {
        secure = securing = true;
        if (wire.injected) options.notices('delivery.plaintext-after-starttls', { hop: hop.name });
        await wire.startTls(tlsOptions(hop, options), timeouts.tls);
        ext = await hello(wire, options, timeouts);
        securing = false;
        if ('code' in ext) return refuse(at('greeting', hostRefusal(ext)));
      } else if (tls === 'require') return refuse(at('tls', noTls(hop, answer)));
      else if (answer?.code === 421) return refuse(at('tls', answer));
    }
    if (options.auth) {
      if (!secure && !(options.tls === 'off' && isLoopback(address)))
        return refuse(at('tls', status(451, '4.7.11', `${hop.name} is not told our password without TLS`)));
      const refused = await authenticate(wire, ext, options.auth, timeouts);
      if (refused) return refuse(at('greeting', refused));
    }
    const lmtp = options.protocol === 'lmtp';
    const { meter } = options;
    if (meter) {
      meter.opened(wire.tls);
      wire.whenOver(() => meter.closed());
    }
    return new SmtpConnection({ wire, ext, timeouts, lmtp }, hop, secure);
  } catch (cause) {
    wire?.destroy();
    const trouble = (securing ? statusOfTlsFault : statusOfFault)(cause, hop.name);
    return { trouble, tlsFailed: securing };
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}

/** An address of this machine that nobody else hears; '' is a unix socket. */
function isLoopback(address: string): boolean {
  return address === '' || address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** EHLO or LHLO, and HELO where EHLO is not known. A Status is the host's refusal. */
async function hello(
  wire: Wire,
  { hostname, protocol, pipelining }: ConnectOptions,
  timeouts: Timeouts,
): Promise<Extensions | Status> {
  wire.command(`${protocol === 'lmtp' ? 'LHLO' : 'EHLO'} ${hostname}\r\n`, 1);
  const reply = await wire.reply(timeouts.command);
  if (reply.code < 300) {
    const offered = extensionsOf(reply);
    return pipelining === false ? { ...offered, pipelining } : offered;
  }
  if (isPositive(reply) || reply.code < 500 || protocol === 'lmtp') return reply;
  wire.command(`HELO ${hostname}\r\n`, 1);
  const old = await wire.reply(timeouts.command);
  return old.code < 300 ? NO_EXTENSIONS : old;
}

function noTls(hop: Hop, answer: Status | null): Status {
  const said = answer === null ? 'does not offer it' : `said ${answer.code} ${answer.text}`;
  return status(451, '4.7.4', `TLS is required and ${hop.name} ${said}`);
}

function tlsOptions(hop: Hop, options: ConnectOptions): ConnectionOptions {
  const verify = options.verify ?? (options.tls === 'require' || options.auth !== undefined);
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
