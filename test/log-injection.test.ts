/** Text of strangers in the log: one event is one line, and the line is harmless (reliability A10, P20). */
import assert from 'node:assert/strict';
import { createServer, type Socket } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import { CATALOGUE, type NoticeFields, type NoticeName } from '#notices';
import { byteStringOf } from '#message';
import { logTo } from '../src/gateway/log.ts';
import { Cleanup } from './support/folders.ts';
import { frame, frames, house, rawFilter, WANTS_ALL } from './support/house.ts';
import { until } from './support/wait.ts';

/** Longest line a test allows: what a stranger sends is 100 kB and more. */
const LONGEST = 40_000;

const EVIL = [
  'a\r\nb',
  'a\nb',
  'a\rb',
  '\x1b[2J\x1b]0;owned\x07',
  '","level":"error","event":"gateway.fault","x":"',
  '"}\n{"level":"error"}',
  `\\","a":"`,
  byteStringOf('\u2028\u2029\u0085'),
  byteStringOf('\u202e\u2066x\u2069'),
  '\x85\x9b2J',
  '\xff\xfe',
  '\0\x7f\x08',
  '%s %d %j %o',
  '${x} {{x}} <script>',
  'ü'.repeat(2000),
  byteStringOf('€'.repeat(2000)),
  byteStringOf('😀'.repeat(2000)),
  'A'.repeat(100_000),
  `${'x'.repeat(1023)}\n`,
];

const RAW = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;

/** A log that keeps its lines as written. */
function logOf(format: 'json' | 'pretty'): {
  lines: string[];
  say: (name: NoticeName, f: NoticeFields) => void;
} {
  const lines: string[] = [];
  const { notices } = logTo({ write: (line) => void lines.push(line) }, { level: 'debug', format });
  return { lines, say: notices };
}

/** The line is one, harmless and not too long. */
function assertHarmless(line: string): void {
  assert.ok(line.endsWith('\n'));
  assert.doesNotMatch(line.slice(0, -1), RAW);
  assert.ok(line.length <= LONGEST, `${line.length}`);
}

test('A10: every notice with any text is one line of JSON with the fields it was given', () => {
  const { lines, say } = logOf('json');
  for (const name of Object.keys(CATALOGUE) as NoticeName[])
    for (const text of EVIL) {
      lines.length = 0;
      say(name, { a: text, list: [text, text], n: 1, last: 'kept' });
      assert.equal(lines.length, 1);
      assertHarmless(lines[0]!);
      const said = JSON.parse(lines[0]!) as Record<string, unknown>;
      assert.deepEqual(Object.keys(said), ['level', 'time', 'event', 'a', 'list', 'n', 'last', 'msg']);
      assert.equal(said['level'], CATALOGUE[name].level);
      assert.equal(said['event'], name);
      assert.equal(said['last'], 'kept');
      assert.ok(String(said['a']).length <= 1024);
    }
});

test('A10: long lists are cut and say what is left out; text is cut between characters', () => {
  const { lines, say } = logOf('json');
  say('message.accepted', { to: Array.from({ length: 1000 }, (_, i) => `user${i}@in.test`) });
  const { to } = JSON.parse(lines[0]!) as { to: string[] };
  assert.ok(to.length < 400 && lines[0]!.length < 8000);
  assert.equal(to.at(-1), `… ${1000 - (to.length - 1)} more`);
  for (const odd of ['€', '😀', 'é', 'a€', 'ab😀']) {
    lines.length = 0;
    say('message.accepted', { helo: byteStringOf(odd.repeat(5000)) });
    const { helo } = JSON.parse(lines[0]!) as { helo: string };
    assert.ok(helo.endsWith('…') && helo.length <= 1024 && helo.length > 500, odd);
    assert.ok(odd.repeat(5000).startsWith(helo.slice(0, -1)), 'decoded, and not torn');
  }
});

test('A10: any bytes at all make one harmless line, in both formats', () => {
  const json = logOf('json');
  const pretty = logOf('pretty');
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
    maxLength: 300,
  });
  fc.assert(
    fc.property(bytes, fc.array(bytes, { maxLength: 4 }), (text, list) => {
      json.lines.length = pretty.lines.length = 0;
      json.say('message.refused', { text, list });
      pretty.say('message.refused', { text, list });
      for (const { lines } of [json, pretty]) {
        assert.equal(lines.length, 1);
        assertHarmless(lines[0]!);
      }
      assert.equal(typeof (JSON.parse(json.lines[0]!) as { text: unknown }).text, 'string');
    }),
    { numRuns: 300 },
  );
});

test('A10: in the readable format no text can pretend to be another field', () => {
  const { lines, say } = logOf('pretty');
  say('message.accepted', { helo: 'x client=10.0.0.1 (gateway.fault)', from: 'a"b', client: '192.0.2.1' });
  assert.match(
    lines[0]!,
    / helo="x client=10\.0\.0\.1 \(gateway\.fault\)" from="a\\"b" client=192\.0\.2\.1\n$/,
  );
});

test('A10: a whole evil conversation: client, filter and next hop', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await rawFilter(cleanup, (socket) =>
    frames(socket, (code) => {
      if (code === 'O') socket.write(WANTS_ALL, 'latin1');
      else if (code === 'R')
        socket.write(frame('y', '450 4.7.1 no\x1b[2J "},{"level":"error" \x85\0'), 'latin1');
      else if ('CHMTLNBEU'.includes(code)) socket.write(frame('c'), 'latin1');
    }),
  );
  const hop = await evilHop(cleanup);
  const listeners = [
    { name: 'smtp', bind: '127.0.0.1:0', relay: { networks: ['127.0.0.0/8'] }, limits: { maxErrors: 1000 } },
  ];
  const delivery = { routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${hop}` }] };
  const h = await house(cleanup, [{ port: filter, more: { stages: ['connect', 'ehlo', 'mail', 'rcpt'] } }], {
    listeners,
    delivery,
  });
  const plain = await house(cleanup, [], { listeners, delivery });
  for (const evil of [h, plain]) {
    const session = await evil.open();
    for (const text of EVIL) {
      // Line ends are the client's own: what stands behind one is a command by itself.
      const line = text.replace(/[\r\n]/g, ' ').slice(0, 1500);
      await session.command(`EHLO ${line.replace(/\s/g, '')}`);
      await session.command(line === '' ? 'NOOP' : `X${line}`);
      await session.command('EHLO client.test');
      await session.command(`MAIL FROM:<"${line.replace(/["\\]/g, '').slice(0, 60)}"@out.test>`);
      await session.command('RSET');
    }
    await session.quit();
    const other = await evil.open();
    for (const local of ['"}{\\"a\\":\\"b"', '"<b> x=y"', '%s%d'])
      await other.transaction(
        `${local}@out.test`,
        [`${local}@ext.test`],
        `Subject: ${EVIL.join(' ')
          .replace(/[\r\n\0]/g, ' ')
          .slice(0, 2000)}\r\n\r\nb\r\n`,
      );
    await other.quit();
  }
  await until(
    'refusals of the next hop',
    5000,
    () => plain.heard.filter((n) => n.name === 'delivery.failed').length >= 3,
  );
  const json = logOf('json');
  for (const { name, fields } of [...h.heard, ...plain.heard]) json.say(name, fields);
  assert.equal(json.lines.length, h.heard.length + plain.heard.length);
  for (const line of json.lines) {
    assertHarmless(line);
    JSON.parse(line);
  }
  const accepted = plain.heard.filter((n) => n.name === 'message.accepted').map((n) => n.fields);
  assert.equal(accepted.length, 3);
  assert.equal(accepted[2]!['from'], '%s%d@out.test');
});

/** Says to every recipient what nobody should have to read. */
async function evilHop(cleanup: Cleanup): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.setEncoding('latin1');
    socket.on('error', () => undefined);
    socket.write('220 hop\r\n');
    socket.on('data', (text: string) => {
      for (const line of text.split('\r\n').slice(0, -1))
        socket.write(
          /^RCPT|^DATA/.test(line)
            ? '550 5.1.1 "},{"level":"error"} \x1b[2J \xe2\x80\xa8 \x85 ' + 'y'.repeat(300) + '\r\n'
            : '250 ok\r\n',
          'latin1',
        );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanup.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return typeof address === 'object' && address ? address.port : 0;
}
