/** Limits on how often, how slowly and how long a client may come, and refusals of a server that has enough to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { codeOf, rig } from './rig.cases.ts';

test('R01: connections from one address beyond the rate are 421 4.7.0, and clients of ours are not counted', async () => {
  for (const most of [1, 3]) {
    const r = await rig({ limits: { maxConnectionRate: most } });
    const codes: string[] = [];
    for (let i = 0; i < most + 2; i++) {
      const client = await r.client();
      codes.push(codeOf(await client.reply()));
      client.socket.destroy();
    }
    assert.deepEqual(codes, [...Array<string>(most).fill('220'), '421 4.7.0', '421 4.7.0']);
    assert.equal(r.handlers.length, most);
    await r.stop();
  }
  const own = await rig({ limits: { maxConnectionRate: 1 }, isOwn: (address) => address === '127.0.0.1' });
  for (let i = 0; i < 5; i++) assert.equal(codeOf(await (await own.client()).reply()), '220');
  await own.stop();
});

test('R01: a flood of refused connections is told of in a few notices, none of them lost from the count', async () => {
  const r = await rig({ limits: { maxConnections: 0 } });
  for (let i = 0; i < 40; i++) assert.equal(codeOf(await (await r.client()).reply()), '421 4.3.2');
  const told = r.notices.filter((n) => n.startsWith('smtp.connection-refused'));
  assert.ok(told.length >= 10 && told.length < 40, String(told.length));
  await r.stop();
});

test('a server that is busy refuses who comes with 421 4.3.2 and goes on with who is there', async () => {
  let busy = false;
  const r = await rig({ busy: () => busy });
  const there = await (await r.client()).hello();
  busy = true;
  const comes = await r.client();
  assert.equal(codeOf(await comes.reply()), '421 4.3.2');
  assert.equal(await comes.rest(), '');
  there.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\nx\r\n.\r\n');
  assert.deepEqual(await there.codes(4), ['250 2.1.0', '250 2.1.0', '354', '250 2.0.0']);
  busy = false;
  assert.equal(codeOf(await (await r.client()).reply()), '220');
  assert.deepEqual(
    r.notices.filter((n) => n.startsWith('smtp.connection-refused')),
    [],
  );
  await r.stop();
});

test('R05: a session has its number of transactions, one more is 421 4.7.0', async () => {
  for (const most of [0, 1, 3]) {
    const r = await rig({ limits: { maxTransactions: most } });
    const client = await (await r.client()).hello();
    client.send('MAIL FROM:<a@in.test>\r\nRSET\r\n'.repeat(most) + 'MAIL FROM:<a@in.test>\r\nNOOP\r\n');
    const codes = await client.codes(2 * most + 1);
    assert.equal(codes.at(-1), '421 4.7.0');
    assert.equal(codes.filter((code) => code.startsWith('250')).length, 2 * most);
    assert.equal(await client.rest(), '');
    await r.stop();
  }
});

test('R02: content that drips is cut off with 421 4.4.2, in time as the rate demands; content at the rate is not', async () => {
  const r = await rig({ limits: { minDataRate: 1000, dataTimeout: 300 } });
  const start = async () => {
    const client = await (await r.client()).hello();
    client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
    await client.codes(3);
    return client;
  };
  const drip = await start();
  const flow = await start();
  const began = performance.now();
  const drips = setInterval(() => drip.send('x'), 20);
  const flows = setInterval(() => flow.send(`${'y'.repeat(1000)}\r\n`), 20);
  assert.equal(codeOf(await drip.reply()), '421 4.4.2');
  const took = performance.now() - began;
  assert.ok(took >= 250 && took < 2000, String(took));
  clearInterval(drips);
  await new Promise((resolve) => void setTimeout(resolve, began + 800 - performance.now()));
  clearInterval(flows);
  flow.send('\r\n.\r\n');
  assert.equal(codeOf(await flow.reply()), '250 2.0.0');
  await r.stop();
});

test('R02: without a least rate only dataTimeout counts', async () => {
  const r = await rig({ limits: { minDataRate: 0, dataTimeout: 200 } });
  const client = await (await r.client()).hello();
  client.send('MAIL FROM:<a@in.test>\r\nRCPT TO:<b@in.test>\r\nDATA\r\n');
  await client.codes(3);
  assert.equal(codeOf(await client.reply()), '421 4.4.2');
  await r.stop();
});
