/**
 * A proxy in front of an SMTP server that breaks its promise: it answers 250 to the final dot itself, and only then passes the
 * message on. For the control group; it knows just enough SMTP for senders that do not pipeline.
 */
import { connect, createServer, type Socket } from 'node:net';
import type { Cleanup } from './folders.ts';

/** Milliseconds between its own 250 and the moment it lets the server have the end of the message. */
const LATE_MS = 50;
const END = '\r\n.\r\n';

/** Starts it on this loopback port before the server on `serverPort`; it ends with the test. */
export async function startEarlyReply(cleanup: Cleanup, port: number, serverPort: number): Promise<void> {
  const open = new Set<Socket>();
  const server = createServer({ noDelay: true }, (client) => {
    const onward = connect({ port: serverPort, host: '127.0.0.1', noDelay: true });
    for (const socket of [client, onward]) {
      open.add(socket);
      socket.setEncoding('latin1');
      socket.on('error', () => undefined);
      socket.on('close', () => {
        open.delete(socket);
        client.destroy();
        onward.destroy();
      });
    }
    pass(client, onward);
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

/** `commands`: all goes through. `content`: until the final dot. `owed`: the server's own reply to it is awaited and dropped. */
function pass(client: Socket, onward: Socket): void {
  let state: 'commands' | 'content' | 'owed' = 'commands';
  let content = '';
  let held = '';
  onward.on('data', (text: string) => {
    if (state === 'owed') {
      // One line, and the client has sent nothing since that could bring another.
      state = 'commands';
      onward.write(held, 'latin1');
      held = '';
      return;
    }
    if (text.startsWith('354')) state = 'content';
    client.write(text, 'latin1');
  });
  client.on('data', (text: string) => {
    if (state === 'commands') onward.write(text, 'latin1');
    else if (state === 'owed') held += text;
    else {
      content += text;
      if (!content.endsWith(END)) return;
      const message = content;
      content = '';
      state = 'owed';
      client.write('250 2.0.0 Ok: this is a lie\r\n');
      setTimeout(() => onward.write(message, 'latin1'), LATE_MS);
    }
  });
}
