import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { test, type TestContext } from 'node:test';
import { ClientNames, resolveBy, resolverFor } from './name-servers.ts';

/** A name server that knows nothing and says so (NXDOMAIN); counts what it is asked. */
async function nameServer(t: TestContext): Promise<{ readonly servers: readonly string[]; asked: number }> {
  const socket = createSocket('udp4');
  const server = { servers: [] as string[], asked: 0 };
  socket.on('message', (query, from) => {
    server.asked++;
    const answer = Buffer.from(query);
    answer.writeUInt16BE(0x8183, 2);
    answer.writeUInt16BE(0, 10); // without what came in the additional section
    let end = 12;
    while (answer[end]! > 0) end += 1 + answer[end]!;
    socket.send(answer.subarray(0, end + 5), from.port, from.address);
  });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  t.after(() => socket.close());
  server.servers.push(`127.0.0.1:${socket.address().port}`);
  return server;
}

test('the name servers that are named are asked, for mail hosts and for next hops', async (t) => {
  const server = await nameServer(t);
  const dns = { servers: server.servers, timeout: 1000 };
  assert.deepEqual(resolverFor(dns).getServers(), server.servers);
  await assert.rejects(resolverFor(dns).resolveMx('d.test'), { code: 'ENOTFOUND' });
  assert.equal(server.asked, 1);
  await assert.rejects(resolveBy(dns)('hop.test'), { code: 'name' });
  assert.equal(server.asked, 3);
});

test('without any it is those of the machine', () => {
  assert.ok(resolverFor({ servers: [], timeout: 1000 }).getServers().length > 0);
});

test('client names are remembered while the name servers are the same', async (t) => {
  const [first, second] = [await nameServer(t), await nameServer(t)];
  const names = new ClientNames();
  const by = (servers: readonly string[]) => names.by({ servers, timeout: 1000 });
  const find = by(first.servers);
  assert.equal(by([...first.servers]), find);
  assert.deepEqual(await find('192.0.2.1'), { name: '', ptr: '' });
  await find('192.0.2.1');
  assert.deepEqual([first.asked, second.asked], [1, 0]);
  assert.notEqual(by(second.servers), find);
  await by(second.servers)('192.0.2.1');
  assert.deepEqual([first.asked, second.asked], [1, 1]);
});
