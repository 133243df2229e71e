import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { serve } from '#milter/filter';
import { HELLO_FIELD, helloFilter } from './hello-filter.ts';
import { startStarter } from './starter.ts';

const folder = mkdtempSync(join(tmpdir(), 'millrace-starter-'));
after(() => rmSync(folder, { recursive: true }));

test('the starter listens on loopback only, keeps to ./var, and its filter answers where the gateway will ask', async () => {
  const said: string[] = [];
  const starter = await startStarter(folder, (line) => said.push(line));
  const { listeners, milters, delivery, stateDir } = starter.config;
  assert.deepEqual(
    listeners.map((l) => l.bind),
    [[{ kind: 'tcp', host: '127.0.0.1', port: 2525 }]],
  );
  assert.equal(stateDir, join(folder, 'var'));
  assert.deepEqual(
    delivery.routes.map((r) => r.via === 'maildir' && r.path),
    [join(folder, 'var/mail')],
  );
  const path = join(folder, 'var/hello-filter.sock');
  assert.deepEqual(milters[0]?.endpoint, { kind: 'unix', path });
  assert.equal(statSync(stateDir).mode & 0o777, 0o700);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  await new Promise<void>((resolve, reject) => {
    const socket = connect(path, () => socket.end());
    socket.on('error', reject).on('close', () => resolve());
  });
  await starter.close();
  assert.deepEqual(readdirSync(stateDir), [], 'the socket goes with the filter');
  assert.deepEqual(said, []);
});

test('the example filter adds its field and decides nothing', async () => {
  const filter = await serve(helloFilter, { listen: 'inet:0@127.0.0.1', signals: [], log: () => {} });
  const port = Number(/:(\d+)@/.exec(filter.addresses[0]!)![1]);
  const socket = connect(port, '127.0.0.1');
  const packet = (code: string, payload = ''): Buffer => {
    const bytes = Buffer.from(`\0\0\0\0${code}${payload}`, 'latin1');
    bytes.writeUInt32BE(bytes.length - 4);
    return bytes;
  };
  socket.write(packet('O', '\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff'));
  let heard = '';
  let asked = false;
  for await (const chunk of socket) {
    heard += (chunk as Buffer).toString('latin1');
    if (!asked)
      socket.write(
        Buffer.concat([
          packet('M', '<a@example.org>\0'),
          packet('R', '<b@example.org>\0'),
          packet('L', 'Subject\0hello\0'),
          packet('N'),
          packet('E'),
        ]),
      );
    asked = true;
    if (heard.includes(HELLO_FIELD) && heard.endsWith('\0\0\0\x01c')) break;
  }
  await filter.close(0);
  assert.match(heard, new RegExp(`h${HELLO_FIELD}\0.+\0\0\0\0\x01c$`, 's'));
  assert.doesNotMatch(heard, /\0\0\0\x01[artd]/);
});
