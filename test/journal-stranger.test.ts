/** What is no filter, before the whole gateway: its conversation shows what it sent, as text. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { house } from './support/house.ts';
import { until } from './support/wait.ts';

test('what is no filter is shown in its lane as the text it sent', async (t) => {
  const cleanup = new Cleanup(t);
  const clamd = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.once('data', () => socket.end('UNKNOWN COMMAND\n'));
  });
  clamd.listen(0, '127.0.0.1');
  await once(clamd, 'listening');
  cleanup.after(() => void clamd.close());
  const { port } = clamd.address() as AddressInfo;
  const at = await house(cleanup, [{ port, more: { name: 'clamd', stages: ['mail'] } }], { journal: true });
  const session = await at.open();
  await session.command('EHLO client.test');
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 451);
  await session.quit();
  const journal = at.gateway.office!.journal!;
  const lines = async (open: boolean) => (await journal.conversations({ where: { open }, limit: 10 })).lines;
  await until('the conversation to be kept', 5000, async () => (await lines(true)).length === 0);
  const [line] = await lines(false);
  const packets = (await journal.packets(line!.session))!;
  const notes = packets.filter(({ lane, kind }) => lane === 'clamd' && kind === 'note');
  assert.equal(notes[0]!.summary, 'no milter packet; as text: UNKNOWN COMMAND');
  assert.match(notes[1]!.summary, /this is clamd/);
});
