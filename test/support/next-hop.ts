/**
 * A scripted next hop: a small, strict SMTP server in the test process that hands every message to a witness before it
 * answers. What the witness returns is the reply to the final dot.
 *
 * It speaks EHLO, MAIL, RCPT, DATA, RSET, NOOP, QUIT with PIPELINING and 8BITMIME; what comes out of order gets 503.
 * It keeps nothing itself.
 */
import { createServer, type Socket } from 'node:net';
import type { Cleanup } from './folders.ts';

/** A message as it came, dots unstuffed, line ends kept; byte strings. */
export interface TakenMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  /** What stood behind the path of MAIL and of each RCPT, as sent. */
  readonly senderParameters: string;
  readonly recipientParameters: readonly string[];
  readonly content: string;
}

/** Decides what the final dot is answered, for example `250 2.0.0 ok`. */
export type Witness = (message: TakenMessage) => string | Promise<string>;

/** Largest message taken. */
const MAX_CONTENT = 64 << 20;

/** Starts a next hop on this loopback port; it ends with the test. `extensions` are offered besides those it knows, `withheld` not. */
export async function startNextHop(
  cleanup: Cleanup,
  port: number,
  witness: Witness,
  extensions: readonly string[] = [],
  withheld: readonly string[] = [],
): Promise<void> {
  const open = new Set<Socket>();
  const own = ['PIPELINING', '8BITMIME', 'SMTPUTF8', ...extensions, 'ENHANCEDSTATUSCODES'];
  const offer = own.filter((word) => !withheld.includes(word));
  const server = createServer({ noDelay: true }, (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
    converse(socket, witness, offer);
  });
  cleanup.after(async () => {
    for (const socket of open) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
}

interface Transaction {
  sender: string | undefined;
  senderParameters: string;
  recipients: string[];
  recipientParameters: string[];
}

const noTransaction = (): Transaction => ({
  sender: undefined,
  senderParameters: '',
  recipients: [],
  recipientParameters: [],
});

function converse(socket: Socket, witness: Witness, offer: readonly string[]): void {
  let input = '';
  let inContent = false;
  let busy = false;
  let transaction = noTransaction();
  const say = (line: string): void => {
    if (!socket.destroyed) socket.write(line + '\r\n', 'latin1');
  };

  /** Works through what has come, one step at a time; stops while the witness writes. */
  const work = (): void => {
    for (;;) {
      if (busy) return;
      if (inContent) {
        // The dot line may come first, where the line end before it is that of DATA itself.
        const end = input.startsWith('.\r\n') ? -2 : input.indexOf('\r\n.\r\n');
        if (end === -1) return;
        const message = end === -2 ? '' : input.slice(0, end + 2);
        input = input.slice(end + 5);
        inContent = false;
        judge(message);
        continue;
      }
      const end = input.indexOf('\r\n');
      if (end === -1) return;
      const line = input.slice(0, end);
      input = input.slice(end + 2);
      const answer = command(line);
      if (answer !== '') say(answer);
    }
  };

  const judge = (message: string): void => {
    const { sender = '', ...rest } = transaction;
    transaction = noTransaction();
    busy = true;
    const unstuffed = message.replaceAll('\r\n.', '\r\n').replace(/^\./, '');
    Promise.resolve(witness({ sender, ...rest, content: unstuffed }))
      .catch((error: unknown) => `451 4.3.0 ${String(error).replaceAll(/[\r\n]+/g, ' ')}`)
      .then((reply) => {
        say(reply);
        busy = false;
        work();
      });
  };

  const command = (line: string): string => {
    const verb = line.slice(0, 4).toUpperCase();
    const [, path, parameters = ''] = /<([^>]*)>(.*)/.exec(line) ?? [];
    switch (verb) {
      case 'EHLO':
        transaction = noTransaction();
        return ['next.hop.test', ...offer]
          .map((word, i, all) => `250${i === all.length - 1 ? ' ' : '-'}${word}`)
          .join('\r\n');
      case 'HELO':
        return '250 next.hop.test';
      case 'MAIL':
        if (transaction.sender !== undefined || path === undefined) return '503 5.5.1 MAIL out of order';
        transaction.sender = path;
        transaction.senderParameters = parameters.trim();
        return '250 2.1.0 ok';
      case 'RCPT':
        if (transaction.sender === undefined || path === undefined) return '503 5.5.1 RCPT out of order';
        transaction.recipients.push(path);
        transaction.recipientParameters.push(parameters.trim());
        return '250 2.1.5 ok';
      case 'DATA':
        if (transaction.recipients.length === 0) return '503 5.5.1 DATA out of order';
        inContent = true;
        return '354 go on';
      case 'RSET':
        transaction = noTransaction();
        return '250 2.0.0 ok';
      case 'NOOP':
        return '250 2.0.0 ok';
      case 'QUIT':
        socket.end('221 2.0.0 bye\r\n');
        busy = true;
        return '';
      default:
        return '500 5.5.2 unknown';
    }
  };

  socket.setEncoding('latin1');
  socket.on('error', () => {});
  socket.on('data', (text: string) => {
    input += text;
    if (input.length > MAX_CONTENT) socket.destroy();
    else work();
  });
  say('220 next.hop.test ESMTP');
}
