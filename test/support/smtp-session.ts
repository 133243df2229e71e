/**
 * A raw scripted SMTP client: sends exactly the bytes it is told and returns whole replies. It fills in nothing and repairs
 * nothing, so that tests can also say wrong things.
 *
 * Bytes are byte strings (latin1). A reply that does not come within the limit, or a connection that ends first, rejects
 * with an error that tells the conversation so far.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls';

/** One reply, all its lines. `text` is the lines without codes, joined by `\n`. */
export interface Reply {
  readonly code: number;
  readonly text: string;
  readonly lines: readonly string[];
}

/** How one mail transaction ended: the reply that decided, and at which command. */
export interface Answered {
  readonly at: 'mail' | 'rcpt' | 'data' | 'end';
  readonly reply: Reply;
}

/** Most bytes of one reply. */
const MAX_REPLY = 1 << 16;

export class SmtpSession {
  /** The port it is connected to. */
  readonly port: number;
  #socket: Socket;
  readonly #limitMs: number;
  readonly #transcript: string[] = [];
  #localPort = 0;
  #input = '';
  #lines: string[] = [];
  #replies: Reply[] = [];
  #waiting: ((reply: Reply | Error) => void)[] = [];
  #ended: Error | undefined;

  private constructor(port: number, limitMs: number) {
    const socket = connect(port, '127.0.0.1');
    this.port = port;
    this.#socket = socket;
    this.#limitMs = limitMs;
    socket.setNoDelay(true);
    // A closed socket does not know it any more.
    socket.once('connect', () => (this.#localPort = socket.localPort ?? 0));
    this.#listen(socket);
  }

  /** Connects to a loopback port and returns at once; the greeting is the first reply. */
  static open(port: number, limitMs = 10_000): SmtpSession {
    return new SmtpSession(port, limitMs);
  }

  /** Connects, waits for 220, says EHLO. Throws on any other answer. */
  static async greeted(port: number, helo = 'client.load.test', limitMs = 10_000): Promise<SmtpSession> {
    const session = SmtpSession.open(port, limitMs);
    try {
      await session.expect(220, await session.reply());
      await session.expect(250, await session.command(`EHLO ${helo}`));
      return session;
    } catch (error) {
      session.drop();
      throw error;
    }
  }

  /** The next reply. */
  reply(): Promise<Reply> {
    const there = this.#replies.shift();
    if (there) return Promise.resolve(there);
    if (this.#ended) return Promise.reject(this.#ended);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => this.#end(new Error(`no reply within ${this.#limitMs} ms`)),
        this.#limitMs,
      );
      this.#waiting.push((answer) => {
        clearTimeout(timer);
        if (answer instanceof Error) reject(answer);
        else resolve(answer);
      });
    });
  }

  /** The client's own port. */
  get localPort(): number {
    return this.#localPort;
  }

  /** After a 220 to STARTTLS: speaks TLS from here on, whatever the other end's certificate. `more`: one of its own, a name. */
  async secure(more: Pick<ConnectionOptions, 'cert' | 'key' | 'servername'> = {}): Promise<TLSSocket> {
    const plain = this.#socket;
    for (const event of ['data', 'error', 'close']) plain.removeAllListeners(event);
    const socket = connectTls({ ...more, socket: plain, rejectUnauthorized: false });
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', resolve);
      socket.once('error', reject);
    });
    this.#socket = socket;
    this.#listen(socket);
    return socket;
  }

  /** Writes these bytes as they are. */
  write(bytes: string): void {
    this.#transcript.push(`C: ${bytes.slice(0, 200)}`);
    this.#socket.write(bytes, 'latin1');
  }

  /** Writes a command line and returns its reply. */
  command(line: string): Promise<Reply> {
    this.write(line + '\r\n');
    return this.reply();
  }

  /**
   * One whole transaction; stops at the first reply that refuses. `content` must have CRLF line ends; dots are stuffed here.
   * After a refusal before the content the transaction is reset, so that the session can go on.
   */
  async transaction(sender: string, recipients: readonly string[], content: string): Promise<Answered> {
    const mail = await this.command(`MAIL FROM:<${sender}>`);
    if (mail.code !== 250) return { at: 'mail', reply: mail };
    for (const recipient of recipients) {
      const rcpt = await this.command(`RCPT TO:<${recipient}>`);
      if (rcpt.code !== 250) return this.#givenUp('rcpt', rcpt);
    }
    const data = await this.command('DATA');
    if (data.code !== 354) return this.#givenUp('data', data);
    this.write(stuffed(content) + '.\r\n');
    return { at: 'end', reply: await this.reply() };
  }

  /** QUIT, and waits for the other end's goodbye; never throws. */
  async quit(): Promise<void> {
    try {
      if (!this.#ended) await this.command('QUIT');
    } catch {
      // It is closed either way.
    }
    this.drop();
  }

  /** Ends the connection with a reset, as a machine that vanished. */
  reset(): void {
    this.#socket.resetAndDestroy();
  }

  /** Ends the connection without a word. */
  drop(): void {
    this.#socket.destroy();
  }

  /** The reply, or an error with the conversation when its code is another. */
  async expect(code: number, reply: Reply): Promise<Reply> {
    if (reply.code === code) return reply;
    throw new Error(
      `expected ${code}, got ${reply.code} ${reply.text}\n${this.#transcript.slice(-20).join('\n')}`,
    );
  }

  async #givenUp(at: Answered['at'], reply: Reply): Promise<Answered> {
    if (reply.code !== 421) await this.command('RSET');
    return { at, reply };
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes: Buffer) => this.#take(bytes.toString('latin1')));
    socket.once('error', (error) => this.#end(error));
    socket.once('close', () => this.#end(new Error('the connection was closed')));
  }

  #take(text: string): void {
    this.#input += text;
    let end = this.#input.indexOf('\r\n');
    while (end !== -1) {
      const line = this.#input.slice(0, end);
      this.#input = this.#input.slice(end + 2);
      this.#transcript.push(`S: ${line}`);
      this.#lines.push(line);
      if (line[3] !== '-') {
        const lines = this.#lines;
        this.#lines = [];
        this.#give({ code: Number(line.slice(0, 3)), text: lines.map((l) => l.slice(4)).join('\n'), lines });
      }
      end = this.#input.indexOf('\r\n');
    }
    if (this.#input.length > MAX_REPLY) this.#end(new Error('a reply line without end'));
  }

  #give(reply: Reply): void {
    const next = this.#waiting.shift();
    if (next) next(reply);
    else this.#replies.push(reply);
  }

  #end(error: Error): void {
    if (this.#ended) return;
    this.#ended = new Error(`${error.message}\n${this.#transcript.slice(-20).join('\n')}`, { cause: error });
    this.#socket.destroy();
    for (const waiting of this.#waiting.splice(0)) waiting(this.#ended);
  }
}

/** Puts a dot before every line that begins with one (RFC 5321, 4.5.2). */
export function stuffed(content: string): string {
  const inner = content.replaceAll('\r\n.', '\r\n..');
  return inner.startsWith('.') ? '.' + inner : inner;
}
