// Writing several pieces in one go, to sockets that pass everything on at once and to such that do not.
import assert from 'node:assert/strict';
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { bytesOf, writeTogether } from '#message';

/** A connection; `read` resolves with all that came once the other side has ended. */
async function pair(t: TestContext): Promise<{ near: Socket; far: Socket; read: () => Promise<Buffer> }> {
  const server = createServer();
  t.after(() => server.close());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const near = connect((server.address() as AddressInfo).port, '127.0.0.1');
  const [[far]] = await Promise.all([once(server, 'connection') as Promise<[Socket]>, once(near, 'connect')]);
  t.after(() => [near, far].forEach((socket) => socket.destroy()));
  const read = async (): Promise<Buffer> => {
    const chunks: Buffer[] = [];
    for await (const chunk of far) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  return { near, far, read };
}

const filled = (size: number, byte: number): Uint8Array => new Uint8Array(size).fill(byte);

test('pieces arrive in order, few bytes and many', async (t) => {
  const { near, read } = await pair(t);
  const goes = [
    [bytesOf('one'), bytesOf('two'), bytesOf('')],
    [filled(20_000, 1), filled(3, 2)],
    [bytesOf('alone')],
    [filled(16_000, 3), filled(384, 4)],
  ];
  for (const pieces of goes) assert.equal(writeTogether(near, pieces), Buffer.concat(pieces).length);
  near.end();
  assert.deepEqual(await read(), Buffer.concat(goes.flat()));
});

test('what a socket could not pass on is not written over by what another one sends', async (t) => {
  const slow = await pair(t);
  const swift = await pair(t);
  slow.far.pause();
  const expected: Uint8Array[] = [];
  // Until the system takes no more, and then some.
  for (let n = 0; slow.near.writableLength < 50_000; n++) {
    const pieces = [filled(9000, n % 200), filled(1000, (n + 1) % 200)];
    expected.push(...pieces);
    writeTogether(slow.near, pieces);
    writeTogether(swift.near, [filled(9000, 255), filled(1000, 254)]);
  }
  slow.near.end();
  swift.near.end();
  const [came] = await Promise.all([slow.read(), swift.read()]);
  assert.ok(came.equals(Buffer.concat(expected)));
});
