/** A next hop for tests: healthy unless its script says otherwise, and it remembers what it was told. Loopback only. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TLSSocket, createSecureContext } from 'node:tls';
import type { SecureContextOptions } from 'node:tls';

/** What a script answers: undefined = as a healthy server, '' = nothing; a `<close>` at the end closes the connection. */
export type Answer = string | undefined;

export interface HopScript {
  /** Where it listens; default 127.0.0.1, on a free port. */
  readonly address?: string;
  readonly port?: number;
  readonly greeting?: (session: HopSession) => Answer;
  /** For each command line (without CRLF). A 354 answer to DATA switches to content. */
  readonly command?: (line: string, session: HopSession) => Answer;
  /** After the final dot; with `lmtp` all replies at once. */
  readonly content?: (message: HopMessage, session: HopSession) => Answer;
  /** EHLO keywords; default PIPELINING, 8BITMIME and SIZE 1000000. */
  readonly offers?: readonly string[];
  readonly certificate?: SecureContextOptions;
  /** Knows LHLO and neither EHLO nor HELO, and answers each recipient after the dot. */
  readonly lmtp?: boolean;
  /** Listens at this unix socket. */
  readonly path?: string;
}

export interface HopMessage {
  readonly mail: string;
  readonly rcpts: readonly string[];
  readonly content: string;
}

export interface HopSession {
  readonly number: number;
  /** Address of the client. */
  readonly from: string;
  readonly lines: string[];
  /** What came with each read of the socket, in order. */
  readonly reads: string[];
  messages: number;
  secure: boolean;
  /** Both ends have hung up. */
  closed: boolean;
}

/** A running scripted hop. */
export interface ScriptedHop {
  readonly port: number;
  readonly sessions: HopSession[];
  /** Messages whose final dot was answered with 2yz. */
  readonly delivered: HopMessage[];
  close(): Promise<void>;
}

/** Starts a hop on a free port of 127.0.0.1, or at its unix socket. */
export async function startHop(script: HopScript = {}): Promise<ScriptedHop> {
  const sessions: HopSession[] = [];
  const delivered: HopMessage[] = [];
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    const session: HopSession = {
      number: sessions.length + 1,
      from: socket.remoteAddress ?? '',
      lines: [],
      reads: [],
      messages: 0,
      secure: false,
      closed: false,
    };
    sessions.push(session);
    sockets.add(socket);
    socket
      .on('error', () => {})
      .on('close', () => {
        session.closed = true;
        sockets.delete(socket);
      });
    converse(socket, script, session, delivered);
  });
  await new Promise<void>((ready) =>
    script.path === undefined
      ? server.listen(script.port ?? 0, script.address ?? '127.0.0.1', ready)
      : server.listen(script.path, ready),
  );
  return {
    port: script.path === undefined ? (server.address() as AddressInfo).port : 0,
    sessions,
    delivered,
    close: () =>
      new Promise((done) => {
        for (const s of sockets) s.destroy();
        server.close(() => done());
      }),
  };
}

function converse(first: Socket, script: HopScript, session: HopSession, delivered: HopMessage[]): void {
  let socket = first;
  let buffer = '';
  let content = false;
  /** What comes from here on is not looked at. */
  let closed = false;
  let mail = '';
  let rcpts: string[] = [];
  const say = (answer: string): void => {
    const close = answer.endsWith('<close>');
    const text = close ? answer.slice(0, -7) : answer;
    if (text) socket.write(Buffer.from(/\r?\n$/.test(text) ? text : text + '\r\n', 'latin1'));
    if (!close) return;
    closed = true;
    socket.end();
  };
  const healthyEnd = (): string =>
    script.lmtp ? rcpts.map(() => '250 2.0.0 taken').join('\r\n') : '250 2.0.0 taken';
  const command = (line: string): void => {
    session.lines.push(line);
    const verb = line.slice(0, 4).toUpperCase();
    const answer = script.command?.(line, session) ?? healthy(line, script, rcpts.length);
    if (verb === 'MAIL') {
      mail = line;
      rcpts = [];
    }
    if (verb === 'RCPT' && answer.startsWith('25')) rcpts.push(line);
    if (verb === 'DATA' && answer.startsWith('354')) content = true;
    say(answer);
    if (verb === 'STAR' && answer.startsWith('220') && script.certificate) {
      socket.removeAllListeners('data');
      socket = new TLSSocket(socket, {
        isServer: true,
        secureContext: createSecureContext(script.certificate),
      });
      session.secure = true;
      socket.on('error', () => {}).on('data', read);
      buffer = '';
    }
  };
  const read = (chunk: Buffer): void => {
    session.reads.push(chunk.toString('latin1'));
    buffer += chunk.toString('latin1');
    for (;;) {
      if (closed) return;
      const end = content ? endOfContent(buffer) : buffer.indexOf('\r\n') + 2;
      if (end < (content ? 3 : 2)) return;
      const part = buffer.slice(0, end);
      buffer = buffer.slice(end);
      if (!content) command(part.slice(0, -2));
      else {
        content = false;
        session.messages++;
        const message = { mail, rcpts, content: part.slice(0, -3).replace(/^\./gm, '') };
        const answer = script.content?.(message, session) ?? healthyEnd();
        if (answer.startsWith('2')) delivered.push(message);
        rcpts = [];
        say(answer);
      }
    }
  };
  socket.on('data', read);
  say(script.greeting?.(session) ?? '220 hop ready');
}

/** What a healthy server says to a command. */
function healthy(line: string, script: HopScript, taken: number): string {
  const verb = line.slice(0, 4).toUpperCase();
  if (script.lmtp && /^(EHLO|HELO)$/.test(verb)) return '500 5.5.1 this is LMTP';
  if (verb === 'EHLO' || verb === 'LHLO') {
    const offers = script.offers ?? ['PIPELINING', '8BITMIME', 'SIZE 1000000'];
    return ['hop', ...offers].map((o, i, all) => `250${i === all.length - 1 ? ' ' : '-'}${o}`).join('\r\n');
  }
  if (verb === 'DATA') return taken > 0 ? '354 go on' : '503 5.5.1 no recipients';
  if (verb === 'QUIT') return '221 bye<close>';
  if (verb === 'STAR') return '220 go';
  return '250 2.0.0 ok';
}

function endOfContent(buffer: string): number {
  if (buffer.startsWith('.\r\n')) return 3;
  const at = buffer.indexOf('\r\n.\r\n');
  return at < 0 ? -1 : at + 5;
}

/** A self-signed certificate for `names` (subjectAltName entries such as `DNS:hop.test`), made by openssl. */
export function selfSigned(names: string): { readonly key: string; readonly cert: string } {
  const dir = mkdtempSync(join(tmpdir(), 'millrace-cert-'));
  try {
    const at = (f: string) => join(dir, f);
    execFileSync(
      'openssl',
      `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=hop.test -keyout ${at('key')} -out ${at('cert')}`
        .split(' ')
        .concat(names ? ['-addext', `subjectAltName=${names}`] : []),
      { stdio: 'pipe' },
    );
    return { key: readFileSync(at('key'), 'utf8'), cert: readFileSync(at('cert'), 'utf8') };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
