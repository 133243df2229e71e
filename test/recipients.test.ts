/** Recipients of our own domains that there are not: by list, by file, and by asking the next hop (issue 4, 5). */
import assert from 'node:assert/strict';
import { rename, rm, writeFile } from 'node:fs/promises';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { freePort } from './support/ports.ts';
import { until } from './support/wait.ts';

const NO_SUCH = '550 5.1.1 No such recipient here';

const listening = (relay: Readonly<Record<string, unknown>>) => ({
  listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay: { domains: ['in.test', 'more.test'], ...relay } }],
});

/** What is said to each of these recipients, in one transaction. */
async function answers(h: House, ...recipients: readonly string[]): Promise<string[]> {
  const session = await h.open();
  await session.expect(250, await session.command('MAIL FROM:<a@out.test>'));
  const said: string[] = [];
  for (const to of recipients) {
    const { code, text } = await session.command(`RCPT TO:<${to}>`);
    said.push(code === 250 ? '250' : `${code} ${text}`);
  }
  await session.quit();
  return said;
}

test('a list in the configuration: who is not on it is refused, in the domains it has, and the log tells', async (t) => {
  const recipients = ['Info@in.test', 'sales@in.test'];
  const h = await house(new Cleanup(t), [], listening({ recipients }));
  assert.deepEqual(
    await answers(
      h,
      'info@in.test',
      'SALES@In.Test',
      'nobody@in.test',
      'postmaster@in.test',
      'Postmaster',
      'x@more.test',
    ),
    ['250', '250', NO_SUCH, '250', '250', '250'],
  );
  assert.deepEqual(await answers(h, 'info+x@in.test', 'u@ext.test'), [
    NO_SUCH,
    '554 5.7.1 Relay access denied',
  ]);
  const [refused] = h.heard.filter((n) => n.name === 'recipient.refused');
  assert.equal(refused?.fields['to'], 'nobody@in.test');
  assert.equal(refused?.fields['enhanced'], '5.1.1');
});

test('trusted clients meet the list too, in our own domains alone', async (t) => {
  const relay = { networks: ['127.0.0.0/8'], recipients: ['@more.test', 'info@in.test'] };
  const h = await house(new Cleanup(t), [], listening(relay));
  assert.deepEqual(await answers(h, 'nobody@in.test', 'any@more.test', 'u@ext.test'), [
    NO_SUCH,
    '250',
    '250',
  ]);
});

test('a list in a file is read again when it changes; a version that cannot be used changes nothing', async (t) => {
  const cleanup = new Cleanup(t);
  const folder = await tempFolder(cleanup);
  const file = join(folder, 'recipients');
  const put = async (text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await put('# ours\r\ninfo@in.test # the office\r\n\n  "a#b"@in.test\n');
  const h = await house(cleanup, [], listening({ recipients: file }));
  const heard = (name: string): number => h.heard.filter((n) => n.name === name).length;
  const ask = (): Promise<string[]> => answers(h, 'info@in.test', '"a#b"@in.test', 'new@in.test');
  assert.deepEqual(await ask(), ['250', '250', NO_SUCH]);
  await put('new@in.test\n');
  await until('the new list', 5000, () => heard('recipients.read') === 1);
  assert.deepEqual(await ask(), [NO_SUCH, NO_SUCH, '250']);
  await put('info@in.test\nnot an address\n');
  await until('a notice', 5000, () => heard('recipients.not-read') === 1);
  const bad = h.heard.find((n) => n.name === 'recipients.not-read')!;
  assert.match(String(bad.fields['reason']), /recipients:2: neither an address nor @ and a domain$/);
  assert.deepEqual(await ask(), [NO_SUCH, NO_SUCH, '250']);
  await rm(file);
  await until('another notice', 5000, () => heard('recipients.not-read') === 2);
  assert.deepEqual(await ask(), [NO_SUCH, NO_SUCH, '250']);
  await put('info@in.test\n');
  await until('the list that is back', 5000, () => heard('recipients.read') === 2);
  assert.deepEqual(await ask(), ['250', NO_SUCH, NO_SUCH]);
});

test('a gateway does not start on a file with a bad line', async (t) => {
  const cleanup = new Cleanup(t);
  const file = join(await tempFolder(cleanup), 'recipients');
  await writeFile(file, 'a@in.test\n@@\n');
  await assert.rejects(house(cleanup, [], listening({ recipients: file })), {
    code: 'bad-line',
    message: `${file}:2: neither an address nor @ and a domain`,
  });
});

/** A next hop that answers RCPT by its table, keeps what it was asked, and may be slow. */
async function asking(cleanup: Cleanup, port: number, table: Readonly<Record<string, string>>) {
  const commands: string[] = [];
  const sockets = new Set<Socket>();
  const hop = { commands, most: 0, connections: 0, delayMs: 0 };
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    hop.connections++;
    hop.most = Math.max(hop.most, sockets.size);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    socket.setEncoding('latin1');
    socket.write('220 hop\r\n');
    socket.on('data', (text: string) => {
      for (const line of text.split('\r\n').slice(0, -1)) {
        commands.push(line);
        const to = /^RCPT TO:<(.*)>/.exec(line)?.[1];
        const answer = to === undefined ? (table[line.slice(0, 4)] ?? '250 ok') : (table[to] ?? '250 ok');
        const say = (): void =>
          void (line === 'QUIT' ? socket.end('221 bye\r\n') : socket.write(`${answer}\r\n`, 'latin1'));
        if (to !== undefined && hop.delayMs > 0) setTimeout(say, hop.delayMs);
        else say();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  cleanup.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return hop;
}

test('call-ahead: the next hop’s word counts, is cleaned, is remembered, and no message is sent for it', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await freePort();
  const hop = await asking(cleanup, port, {
    'bad@in.test': '550 5.1.1 no \x1b[2J such user \xe2\x80\xa8 here',
    'lines@in.test': '550-one\r\n550 two',
    'busy@in.test': '451 4.3.0 come again',
    'full@in.test': '552 5.2.2 mailbox full',
  });
  const h = await house(cleanup, [], {
    ...listening({ callAhead: true, recipients: ['listed@more.test'] }),
    delivery: {
      routes: [
        { match: "rcpt == 'local@in.test'", via: 'discard' },
        { match: 'true', via: 'smtp', to: `127.0.0.1:${port}` },
      ],
    },
  });
  const ask = (): Promise<string[]> =>
    answers(
      h,
      'good@in.test',
      'bad@in.test',
      'lines@in.test',
      'full@in.test',
      'busy@in.test',
      'local@in.test',
      'postmaster@in.test',
    );
  const expected = [
    '250',
    '550 5.1.1 Next hop refused: 550 5.1.1 no ?[2J such user ? here',
    '550 5.1.1 Next hop refused: 550 one?two',
    '550 5.1.1 Next hop refused: 552 5.2.2 mailbox full',
    '450 4.1.1 Recipient cannot be verified now, try again later',
    '250',
    '250',
  ];
  assert.deepEqual(await ask(), expected);
  assert.equal(hop.connections, 5);
  assert.deepEqual(hop.commands.filter((c) => c !== 'QUIT').slice(0, 3), [
    'EHLO mx.test',
    'MAIL FROM:<>',
    'RCPT TO:<good@in.test>',
  ]);
  assert.ok(!hop.commands.some((c) => c.startsWith('DATA')));
  // Answers are remembered; the temporary one is asked for again. The case of the domain does not matter.
  assert.deepEqual(await ask(), expected);
  assert.equal(hop.connections, 6);
  assert.deepEqual(await answers(h, 'good@IN.TEST', 'listed@more.test', 'x@more.test'), [
    '250',
    '250',
    NO_SUCH,
  ]);
  assert.equal(hop.connections, 6);
});

test('call-ahead: a hop that cannot be asked, or says no to us, lets the recipient in and is left in peace', async (t) => {
  const cleanup = new Cleanup(t);
  const [dead, rude] = [await freePort(), await freePort()];
  const hop = await asking(cleanup, rude, { MAIL: '550 5.7.1 not from nobody' });
  const h = await house(cleanup, [], {
    ...listening({ callAhead: true }),
    delivery: {
      routes: [
        { match: "rcpt_domain == 'in.test'", via: 'smtp', to: `127.0.0.1:${dead}` },
        { match: 'true', via: 'smtp', to: `127.0.0.1:${rude}` },
      ],
    },
  });
  assert.deepEqual(await answers(h, 'a@in.test', 'b@in.test', 'a@more.test', 'b@more.test'), [
    '250',
    '250',
    '250',
    '250',
  ]);
  assert.equal(hop.connections, 1);
  const said = h.heard.filter((n) => n.name === 'call-ahead.no-answer').map((n) => n.fields['recipient']);
  assert.deepEqual(said, ['a@in.test', 'a@more.test']);
});

test('call-ahead: the second hop of a route is asked when the first is gone; one question per address at a time', async (t) => {
  const cleanup = new Cleanup(t);
  const [dead, alive] = [await freePort(), await freePort()];
  const hop = await asking(cleanup, alive, { 'bad@in.test': '550 no' });
  hop.delayMs = 100;
  const h = await house(cleanup, [], {
    ...listening({ callAhead: true }),
    delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${dead}`, `127.0.0.1:${alive}`] }] },
  });
  const all = await Promise.all([1, 2, 3, 4].map(() => answers(h, 'bad@in.test')));
  assert.deepEqual(all, Array(4).fill(['550 5.1.1 Next hop refused: 550 no']));
  assert.equal(hop.connections, 1);
});
