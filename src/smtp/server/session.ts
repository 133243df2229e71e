/**
 * One SMTP connection: its socket, its input and output, its time, and the loop that answers one command after another.
 *
 * Made by the server for each accepted connection. Promises: nothing is executed before the greeting or behind a closing reply;
 * the handler is asked one thing at a time and is closed exactly once, last; no socket error and no handler fault leaves here.
 */
import type { Socket } from 'node:net';
import type { SecureContext } from 'node:tls';
import type { TlsFacts } from '#message';
import type { NoticeFields, NoticeName } from '#notices';
import { formatReply } from '#smtp/protocol';
import { clientNameOf } from './client-name.ts';
import { DataRate } from './data-rate.ts';
import { Deadline } from './deadline.ts';
import { Dialogue, longestLine, type Next } from './dialogue.ts';
import { Ending, exact } from './ending.ts';
import type { Arrival, Endpoints } from './endpoints.ts';
import { originOf, tlsFactsOf } from './facts.ts';
import type { Awaitable, ResetReason } from './handler.ts';
import { Input } from './input.ts';
import type { SmtpObserver } from './observer.ts';
import type { ClientName, Settings } from './options.ts';
import { Output } from './output.ts';
import { secure } from './secure.ts';
import * as texts from './texts.ts';

/** Content that must come within dataTimeout for the wait to begin anew. */
const CONTENT_PROGRESS = 1024;
/** After our last reply: how long, and for how much input, the client may take to hang up. */
const LINGER_TIME = 2_000;
const LINGER_BYTES = 1024 * 1024;
/** The same in place of LINGER_TIME, and the time for an answer that is still owed, when the server ends. */
const LAST_WORD = 1_000;

/** One client. */
export class SmtpSession {
  readonly #settings: Settings;
  readonly #id: string;
  readonly #endpoints: Endpoints;
  readonly #connections: number;
  readonly #input: Input;
  readonly #output: Output;
  readonly #deadline: Deadline;
  readonly #rate: DataRate;
  readonly #ending: Ending;
  readonly #observer: SmtpObserver | null;
  #socket: Socket;
  #dialogue: Dialogue | null = null;
  #mode: 'command' | 'content' = 'command';
  /** No command may run: not yet greeted, in the handshake, or an answer is awaited. */
  #busy = true;
  /** The handler's or the resolver's answer is awaited: the handler cannot be closed before it is there. */
  #asking = false;
  #paused = false;
  #eof = false;
  #draining = false;
  /** The server ends now. */
  #over = false;
  /** The deadline of the present wait is set. */
  #timed = false;
  #progress = 0;
  /** Our last reply is written, or the socket is gone: nothing is read any more. */
  #closing = false;
  #endReason: ResetReason = 'disconnect';
  #discarded = 0;

  /** `gone` is called once, when all is over. */
  constructor(settings: Settings, socket: Socket, arrival: Arrival, gone: () => void) {
    this.#settings = settings;
    this.#id = arrival.id;
    this.#endpoints = arrival.endpoints;
    this.#connections = arrival.connections;
    this.#observer = arrival.observer;
    this.#input = new Input(longestLine(settings));
    this.#output = new Output(socket);
    this.#deadline = new Deadline(settings.clock, () => this.#timedOut());
    this.#rate = new DataRate(settings.clock, settings.limits.minDataRate, settings.limits.dataTimeout);
    this.#ending = new Ending(gone, (error) => this.#notice('smtp.internal-error', { reason: exact(error) }));
    this.#socket = socket;
  }

  /** Begins: TLS when it is implicit, the client's name, the greeting. The socket may be paused. */
  start(): void {
    this.#attach(this.#socket);
    if (this.#settings.tls !== 'implicit') {
      this.#socket.resume();
      return this.#findName(null);
    }
    const context = this.#secureContext();
    if (context === null) this.#socket.destroy();
    else this.#handshake(context);
  }

  /** No further transaction: ends at once when none is open, else behind it. */
  drain(): void {
    this.#draining = true;
    this.#pump();
  }

  /** Ends now, whatever is going on: 421, behind the answer that is owed if it comes at once. */
  abort(): void {
    this.#over = true;
    this.#endReason = 'shutdown';
    if (this.#asking && this.#dialogue !== null && !this.#closing) {
      this.#arm(LAST_WORD);
      this.#dialogue.interrupted(); // it may be long in coming: nobody waits for it
    } else if (this.#busy || this.#closing || this.#output.blocked) this.#socket.destroy();
    else this.#pump();
  }

  #attach(socket: Socket): void {
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('drain', this.#onDrain);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  #detach(socket: Socket): void {
    socket.off('data', this.#onData);
    socket.off('end', this.#onEnd);
    socket.off('drain', this.#onDrain);
    socket.off('error', this.#onError);
    socket.off('close', this.#onClose);
  }

  readonly #onData = (chunk: Buffer): void => {
    if (this.#closing) {
      this.#discarded += chunk.length;
      if (this.#discarded > LINGER_BYTES) this.#socket.destroy();
      return;
    }
    this.#settings.meter?.received(chunk.length);
    this.#input.push(chunk);
    if (this.#mode === 'content') {
      if ((this.#progress += chunk.length) >= CONTENT_PROGRESS) this.#timed = false;
      if (!this.#rate.keepsUp(chunk.length)) return this.#timedOut();
    }
    this.#pump();
    if (this.#input.full && !this.#paused && !this.#closing) {
      this.#paused = true;
      this.#socket.pause();
    }
  };

  readonly #onEnd = (): void => {
    this.#eof = true;
    this.#pump();
  };

  readonly #onDrain = (): void => {
    this.#timed = false;
    this.#pump();
  };

  readonly #onError = (error: Error): void => {
    this.#notice('smtp.socket-error', { reason: error.message });
  };

  readonly #onClose = (): void => {
    this.#deadline.stop();
    if (!this.#closing) {
      this.#closing = true;
      this.#input.clear();
    }
    if (this.#asking) this.#dialogue?.interrupted();
    else this.#endDialogue();
    this.#ending.socket();
  };

  /** Takes steps until there is something to wait for. */
  #pump(): void {
    if (this.#busy || this.#closing) return;
    try {
      while (!this.#output.blocked) {
        const step = this.#step();
        if (step === null) return this.#idle();
        if (step instanceof Promise) return this.#wait(step);
        if (!this.#follow(step)) return;
      }
    } catch (error) {
      return this.#broken(error);
    }
    if (!this.#timed) this.#arm(this.#settings.limits.commandTimeout); // until the client reads
  }

  /** The next thing to do with what has come in; null when more must come first. */
  #step(): Awaitable<Next> | null {
    const dialogue = this.#dialogue!;
    if (this.#over || (this.#draining && !dialogue.transaction.open)) {
      this.#endReason = 'shutdown';
      return dialogue.say(texts.SHUTTING_DOWN);
    }
    if (this.#mode === 'content') {
      if (this.#input.chunk === undefined) return null;
      const ended = dialogue.transaction.receive(this.#input);
      if (ended instanceof Promise) return ended.then((end) => (end ? dialogue.contentEnded() : 'content'));
      return ended ? dialogue.contentEnded() : 'content';
    }
    const line = this.#input.nextLine();
    if (line === null) return null;
    this.#timed = false;
    return typeof line === 'string' ? dialogue.command(line) : dialogue.fault(line);
  }

  /** Does what a step asked for; false when the loop must end. */
  #follow(next: Next): boolean {
    switch (next) {
      case 'command':
      case 'content':
        if (this.#mode !== next) {
          this.#mode = next;
          this.#timed = false;
          this.#progress = 0;
          this.#rate.begin();
        }
        return true;
      case 'starttls':
        this.#upgrade();
        return false;
      case 'close':
        this.#close('refused');
        return false;
    }
  }

  /** Everything that came is answered: the client's turn. */
  #idle(): void {
    this.#output.flush();
    if (this.#eof) return this.#close('disconnect');
    const { commandTimeout, dataTimeout } = this.#settings.limits;
    if (!this.#timed) this.#arm(this.#mode === 'content' ? dataTimeout : commandTimeout);
    if (this.#mode === 'content') this.#rate.wait();
    if (this.#paused) {
      this.#paused = false;
      this.#socket.resume();
    }
  }

  #arm(ms: number): void {
    this.#timed = true;
    this.#progress = 0;
    this.#deadline.set(this.#over ? Math.min(ms, LAST_WORD) : ms);
  }

  #wait(step: Promise<Next>): void {
    this.#busy = this.#asking = true;
    this.#deadline.clear();
    this.#timed = false;
    this.#output.flushSoon();
    step.then(this.#answered, (error: unknown) => {
      this.#busy = this.#asking = false;
      this.#broken(error);
    });
  }

  readonly #answered = (next: Next): void => {
    this.#busy = this.#asking = false;
    if (this.#closing) this.#endDialogue();
    else if (this.#follow(next)) this.#pump();
  };

  /** The handler threw: bland to the client, exact in the notice. */
  #broken(error: unknown): void {
    this.#notice('smtp.internal-error', { reason: exact(error) });
    if (this.#closing) return this.#endDialogue();
    this.#output.write(formatReply(texts.INTERNAL_ERROR));
    this.#close('refused');
  }

  #timedOut(): void {
    if (this.#closing || this.#over) {
      this.#socket.destroy();
      return;
    }
    this.#notice('smtp.timeout', { during: this.#dialogue === null ? 'start' : this.#mode });
    if (this.#busy || this.#output.blocked || this.#dialogue === null) {
      this.#socket.destroy();
      return;
    }
    this.#dialogue.say(texts.TIMED_OUT);
    this.#close('refused');
  }

  /** Sends what is to be sent and hangs up; what still comes in is thrown away. */
  #close(reason: ResetReason): void {
    this.#closing = true;
    if (this.#endReason === 'disconnect') this.#endReason = reason;
    this.#input.clear();
    this.#output.flush();
    this.#socket.end();
    this.#socket.resume();
    this.#arm(LINGER_TIME);
    this.#endDialogue();
  }

  #endDialogue(): void {
    this.#ending.handler(() => this.#dialogue?.end(this.#endReason));
  }

  /** STARTTLS was taken: nothing the client sent behind it may live on (RFC 3207 4.2, 6). */
  #upgrade(): void {
    const socket = this.#socket;
    this.#deadline.clear();
    this.#timed = false;
    if (this.#input.size > 0 || socket.readableLength > 0) {
      this.#notice('smtp.starttls-injection', {});
      this.#dialogue!.say(texts.INJECTION);
      return this.#close('refused');
    }
    const context = this.#secureContext();
    if (context === null) {
      this.#dialogue!.say(texts.NO_TLS_NOW);
      return this.#pump();
    }
    this.#busy = true;
    this.#arm(this.#settings.limits.tlsTimeout);
    socket.pause();
    this.#dialogue!.say(texts.START_TLS);
    this.#output.flush(() => {
      if (!this.#closing && !socket.destroyed) this.#handshake(context);
    });
  }

  #handshake(context: SecureContext): void {
    this.#detach(this.#socket);
    const { clientCertificates, secureContextFor, limits, meter } = this.#settings;
    const asks = clientCertificates !== 'off';
    const identity = { context, contextFor: secureContextFor, asks, meter };
    this.#socket = secure(this.#socket, identity, {
      secured: (socket) => this.#secured(tlsFactsOf(socket, asks)),
      failed: (reason) => this.#notice('smtp.tls-failed', { reason }),
    });
    this.#output.moveTo(this.#socket);
    this.#attach(this.#socket);
    this.#paused = false;
    this.#arm(limits.tlsTimeout);
  }

  #secured(facts: TlsFacts): void {
    if (this.#closing) return;
    this.#deadline.clear();
    this.#timed = false;
    this.#observer?.note(`TLS: ${facts.version} ${facts.cipher}`);
    if (this.#dialogue === null) return this.#findName(facts);
    this.#dialogue.secured(facts);
    this.#busy = false;
    this.#pump();
  }

  #secureContext(): SecureContext | null {
    try {
      return this.#settings.secureContext!();
    } catch (error) {
      this.#notice('smtp.tls-unavailable', { reason: String(error) });
      return null;
    }
  }

  #findName(tls: TlsFacts | null): void {
    const found = clientNameOf(this.#settings, this.#endpoints.remoteAddress);
    if (!(found instanceof Promise)) return this.#greet(found, tls);
    this.#asking = true;
    void found.then((name) => {
      this.#asking = false;
      if (this.#closing) this.#endDialogue();
      else this.#greet(name, tls);
    });
  }

  /** The handler comes in; from here on it is asked, and closed in the end. */
  #greet(name: ClientName, tls: TlsFacts | null): void {
    try {
      const origin = originOf(this.#settings, this.#endpoints, this.#id, name, tls, this.#connections);
      const write = (text: string): void => this.#output.write(text);
      const handler = this.#settings.makeHandler();
      const dialogue = new Dialogue(this.#settings, handler, origin, write, this.#observer);
      this.#dialogue = dialogue;
      const step = dialogue.greet(() => this.#input.size > 0);
      if (step instanceof Promise) return this.#wait(step);
      this.#busy = false;
      if (this.#follow(step)) this.#pump();
    } catch (error) {
      this.#broken(error);
    }
  }

  #notice(name: NoticeName, fields: NoticeFields): void {
    const { notices, listener } = this.#settings;
    const client = (this.#dialogue?.origin ?? this.#endpoints).remoteAddress;
    notices(name, { listener, session: this.#id, client, ...fields });
  }
}
