// Sends one message to the gateway that `npm start` runs, prints the dialogue, and shows the message as it was delivered.
import { readFileSync, readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const mail = join(dirname(fileURLToPath(import.meta.url)), '..', 'var', 'mail');
const id = `hello.${process.pid}.${Date.now()}@example.org`;
const script = [
  'EHLO localhost',
  'MAIL FROM:<me@example.org>',
  'RCPT TO:<you@localhost>',
  'DATA',
  `From: <me@example.org>\r\nTo: <you@localhost>\r\nSubject: Hello\r\nMessage-ID: <${id}>\r\n\r\nHello, Millrace.\r\n.`,
  'QUIT',
];

const socket = connect(2525, '127.0.0.1');
socket.on('error', (error) => {
  console.error(
    `error: no gateway on 127.0.0.1:2525 (${error.code}) — run "npm start" in another terminal first`,
  );
  process.exit(1);
});
for await (const line of createInterface({ input: socket })) {
  console.log(`<- ${line}`);
  if (/^[45]/.test(line)) process.exit(1);
  if (line[3] === '-' || line.startsWith('221')) continue;
  const next = script.shift();
  for (const sent of next.split('\r\n')) console.log(`-> ${sent}`);
  socket.write(next + '\r\n');
}

const delivered = () => {
  try {
    for (const file of readdirSync(mail, { recursive: true, withFileTypes: true }))
      if (file.isFile()) {
        const path = join(file.parentPath ?? file.path, file.name);
        if (/[/\\]new$/.test(dirname(path)) && readFileSync(path, 'utf8').includes(id)) return path;
      }
  } catch {
    // The folder appears with the first delivery.
  }
  return null;
};
const until = Date.now() + 10_000;
let file = delivered();
while (!file && Date.now() < until) {
  await new Promise((done) => setTimeout(done, 50));
  file = delivered();
}
if (!file) {
  console.error(`error: not delivered within 10 s — look at "node bin/millrace queue list"`);
  process.exit(1);
}
console.log(`\nDelivered to ${file}:\n\n${readFileSync(file, 'utf8')}`);
