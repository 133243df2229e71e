/** XCLIENT and XFORWARD: who may, what becomes of the session, and what the handler hears. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Forwarded } from '#message';
import { codeOf, rig, type Recorder, type Rig } from './rig.cases.ts';

const trusting = (more: Parameters<typeof rig>[0] = {}, make?: Parameters<typeof rig>[1]): Promise<Rig> =>
  rig({ mayXclient: (address) => address === '127.0.0.1', ...more }, make);

test('both are offered to who may use them, and refused with 550 5.7.0 to everybody else', async () => {
  const [open, shut] = [await trusting(), await rig()];
  const yes = await open.client();
  await yes.reply();
  const offered = await yes.ask('EHLO x');
  assert.match(offered, /250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\|/);
  assert.match(offered, /250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE$/);
  const no = await shut.client();
  await no.reply();
  assert.doesNotMatch(await no.ask('EHLO x'), /XCLIENT|XFORWARD/);
  assert.equal(codeOf(await no.ask('XCLIENT ADDR=192.0.2.1')), '550 5.7.0');
  assert.equal(codeOf(await no.ask('XFORWARD ADDR=192.0.2.1')), '550 5.7.0');
  assert.deepEqual(shut.handlers[0]!.calls, ['connect', 'EHLO x']);
  await open.stop();
  await shut.stop();
});

test('XCLIENT: the session begins anew with a handler of its own, which hears the declared client', async () => {
  const r = await trusting();
  const client = await (await r.client()).hello();
  assert.match(
    await client.ask(
      'XCLIENT NAME=spike.test ADDR=192.0.2.1 PORT=4711 LOGIN=joe DESTADDR=198.51.100.2 DESTPORT=587',
    ),
    /^220 mx\.test ESMTP/,
  );
  assert.deepEqual(r.handlers[0]!.calls, ['connect', 'EHLO client.test', 'close']);
  const { origin } = r.handlers[1]!;
  assert.deepEqual(
    { ...origin, session: '' },
    {
      listener: 'test',
      protocol: 'smtp',
      session: '',
      remoteAddress: '192.0.2.1',
      remotePort: 4711,
      localAddress: '198.51.100.2',
      localPort: 587,
      clientName: 'spike.test',
      clientPtr: 'spike.test',
      helo: '',
      heloVerb: '',
      tls: null,
      user: 'joe',
      authMethod: 'XCLIENT',
      clientConnections: 1,
      proxy: '127.0.0.1',
    },
  );
  assert.equal(origin!.session, r.handlers[0]!.origin!.session);
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('EHLO again.test')), '250');
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '250 2.1.0');
  assert.equal(codeOf(await client.ask('XCLIENT ADDR=192.0.2.7')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('RSET')), '250 2.0.0');
  assert.equal(codeOf(await client.ask('XCLIENT ADDR=192.0.2.7')), '220');
  assert.deepEqual(
    [r.handlers[2]!.origin!.remoteAddress, r.handlers[2]!.origin!.user, r.handlers[2]!.origin!.remotePort],
    ['192.0.2.7', '', 0],
  );
  client.socket.end();
  await r.closed(2);
  for (const h of r.handlers) assert.equal(h.calls.filter((call) => call === 'close').length, 1);
  await r.stop();
});

test('XCLIENT: with HELO the greeting is asked at once, and mail may follow', async () => {
  const r = await trusting();
  const client = await r.client();
  await client.reply();
  assert.equal(
    codeOf(await client.ask('XCLIENT ADDR=192.0.2.1 NAME=[UNAVAILABLE] HELO=spike PROTO=SMTP')),
    '220',
  );
  assert.deepEqual(r.handlers[1]!.calls, ['connect', 'HELO spike']);
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '250 2.1.0');
  await r.stop();
});

test('XCLIENT: a refusal of the declared client is the answer', async () => {
  const r = await trusting({}, (handler) => {
    const connect = handler.connect.bind(handler);
    handler.connect = (origin) => {
      void connect(origin);
      return origin.remoteAddress === '192.0.2.66'
        ? { code: 554, enhanced: '5.7.1', text: 'Not you', by: '' }
        : null;
    };
    return handler;
  });
  const client = await (await r.client()).hello();
  assert.equal(codeOf(await client.ask('XCLIENT ADDR=192.0.2.66')), '554 5.7.1');
  assert.equal(codeOf(await client.ask('EHLO x')), '503 5.5.1');
  assert.equal(codeOf(await client.ask('QUIT')), '221 2.0.0');
  await r.stop();
});

test('XCLIENT: an address alone is looked up, one that is not available is the peer, marked', async () => {
  const r = await trusting({
    clientName: (address) => Promise.resolve({ name: `host-${address}`, ptr: `host-${address}` }),
  });
  const client = await (await r.client()).hello();
  assert.equal(codeOf(await client.ask('XCLIENT ADDR=IPV6:2001:DB8::1')), '220');
  assert.equal(r.handlers[1]!.origin!.clientName, 'host-2001:db8::1');
  assert.equal(codeOf(await client.ask('XCLIENT ADDR=[UNAVAILABLE]')), '220');
  const { remoteAddress, clientName, undeclared } = r.handlers[2]!.origin!;
  assert.deepEqual([remoteAddress, clientName, undeclared], ['127.0.0.1', 'host-127.0.0.1', true]);
  assert.equal(codeOf(await client.ask('XCLIENT NAME=x.test')), '220');
  assert.equal(r.handlers[3]!.origin!.undeclared, true);
  assert.equal(codeOf(await client.ask('XCLIENT ADDR=192.0.2.1')), '220');
  assert.equal(r.handlers[4]!.origin!.undeclared, undefined);
  await r.stop();
});

test('XCLIENT: a client that is gone during the look-up closes the one handler there is', async () => {
  let found: (name: { name: string; ptr: string }) => void = () => {};
  let asked: () => void = () => {};
  const looking = new Promise<void>((resolve) => (asked = resolve));
  const r = await trusting({
    clientName: (address) =>
      address === '127.0.0.1'
        ? Promise.resolve({ name: '', ptr: '' })
        : new Promise((resolve) => {
            found = resolve;
            asked();
          }),
  });
  const client = await (await r.client()).hello();
  client.send('XCLIENT ADDR=192.0.2.1\r\n');
  await looking;
  client.socket.resetAndDestroy();
  while (!r.notices.some((n) => n.startsWith('smtp.socket-error'))) await new Promise(setImmediate);
  await new Promise(setImmediate);
  found({ name: 'late', ptr: 'late' });
  await r.closed(0);
  assert.equal(r.handlers.length, 1);
  assert.deepEqual(r.handlers[0]!.calls.filter((c) => c === 'close').length, 1);
  await r.stop();
});

test('XCLIENT: bad attributes are 501 and change nothing', async () => {
  const r = await trusting();
  const client = await (await r.client()).hello();
  for (const args of ['', ' ADDR=x', ' FOO=1', ' ADDR', ' NAME=a+b'])
    assert.equal(codeOf(await client.ask(`XCLIENT${args}`)), '501 5.5.4', args);
  assert.equal(r.handlers.length, 1);
  assert.equal(codeOf(await client.ask('MAIL FROM:<a@in.test>')), '250 2.1.0');
  await r.stop();
});

test('XFORWARD: told before MAIL, for one transaction', async () => {
  const told: (Forwarded | null)[] = [];
  const r = await trusting({}, (handler: Recorder) =>
    Object.assign(handler, { forwarded: (facts: Forwarded | null) => void told.push(facts) }),
  );
  const client = await (await r.client()).hello();
  const codes = async (...lines: readonly string[]): Promise<string> => {
    const all: string[] = [];
    for (const line of lines) all.push(codeOf(await client.ask(line)));
    return all.join(' ');
  };
  assert.equal(
    await codes(
      'XFORWARD NAME=spike ADDR=192.0.2.1 PORT=1',
      'XFORWARD IDENT=ABC SOURCE=REMOTE',
      'MAIL FROM:<a@in.test>',
    ),
    '250 2.0.0 250 2.0.0 250 2.1.0',
  );
  assert.equal(await codes('XFORWARD NAME=y', 'MAIL FROM:<a@in.test>'), '503 5.5.1 503 5.5.1');
  const said = {
    name: 'spike',
    address: '192.0.2.1',
    port: 1,
    protocol: '',
    helo: '',
    ident: 'ABC',
    source: 'REMOTE',
  };
  assert.deepEqual(told, [said]);
  await codes('RSET', 'MAIL FROM:<b@in.test>', 'RSET', 'MAIL FROM:<c@in.test>');
  assert.deepEqual(told, [said, null]);
  await codes('RSET', 'XFORWARD NAME=z', 'RSET', 'MAIL FROM:<d@in.test>');
  assert.deepEqual(told, [said, null]);
  assert.equal(await codes('RSET', 'XFORWARD FOO=z', 'XFORWARD'), '250 2.0.0 501 5.5.4 501 5.5.4');
  await r.stop();
});
