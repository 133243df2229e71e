import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { bytesOf } from '#message';
import { base64, HOSTILE, idOf, lineOf, packetOf, START } from '../rig.cases.ts';
import { exportOf, type Conversation } from './index.ts';

const CONTENT = 'Subject: one\r\n\r\n.dot\r\nbody\r\n';

/** One message through one filter, as the journal tells it. */
function whole(more: Partial<Conversation> = {}): Conversation {
  let n = 0;
  const at = (part: number, lane: string, direction: 'sent' | 'received', code: string, data: string) =>
    packetOf(++n, part, {
      lane,
      direction,
      kind: lane === 'client' ? 'smtp' : 'milter',
      code,
      data: base64(data),
      at: n * 1.25,
      summary: `${code} ${data.length}`,
    });
  const packets = [
    at(0, 'client', 'sent', '220', '220 mx.test ESMTP\r\n'),
    at(0, 'client', 'received', 'EHLO', 'EHLO client.test'),
    at(0, 'judge', 'sent', 'SMFIC_OPTNEG', '\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff'),
    at(0, 'judge', 'received', 'SMFIC_OPTNEG', '\0\0\0\x06\0\0\x01\xff\0\0\0\0'),
    at(0, 'client', 'sent', '250', '250-mx.test\r\n250 SIZE\r\n'),
    at(1, 'client', 'received', 'MAIL', 'MAIL FROM:<a@out.test>'),
    at(1, 'client', 'received', 'RCPT', 'RCPT TO:<b@in.test> NOTIFY=NEVER'),
    at(1, 'client', 'received', 'RCPT', 'RCPT TO:<c@in.test>'),
    at(1, 'client', 'received', 'DATA', 'DATA'),
    at(1, 'client', 'sent', '354', '354 go on\r\n'),
    at(1, 'client', 'received', 'CONTENT', CONTENT.slice(0, 16)),
    at(1, 'judge', 'sent', 'SMFIC_HEADER', 'Subject\0 one\0'),
    at(1, 'client', 'received', 'CONTENT', CONTENT.slice(16)),
    at(1, 'judge', 'sent', 'SMFIC_BODY', '.dot\r\nbody\r\n'),
    at(1, 'judge', 'sent', 'SMFIC_BODYEOB', ''),
    at(1, 'judge', 'received', 'SMFIR_REPLYCODE', '550 5.7.1 no\0'),
    packetOf(++n, 1, { lane: 'gateway', kind: 'decision', code: '', summary: 'reject', at: n * 1.25 }),
    at(1, 'client', 'sent', '550', '550 5.7.1 no\r\n'),
  ];
  const parts = [lineOf('s1', 0), lineOf('s1', 1, { id: idOf(1), outcome: 'rejected' })];
  return { session: 's1', parts, packets, changes: [], ...more };
}

/** A block of a capture file: its type and body, options included. */
function blocksOf(file: Buffer): { type: number; body: Buffer }[] {
  const blocks = [];
  for (let at = 0; at < file.length;) {
    const length = file.readUInt32LE(at + 4);
    assert.ok(length >= 12 && length % 4 === 0 && at + length <= file.length);
    assert.equal(file.readUInt32LE(at + length - 4), length, 'the length stands at both ends');
    blocks.push({ type: file.readUInt32LE(at), body: file.subarray(at + 8, at + length - 4) });
    at += length;
  }
  return blocks;
}

/** Adds up 16-bit words; a right checksum makes it all ones. */
function sum(...parts: Buffer[]): number {
  const all = Buffer.concat(parts.map((p) => (p.length % 2 ? Buffer.concat([p, Buffer.alloc(1)]) : p)));
  let total = 0;
  for (let i = 0; i < all.length; i += 2) total += all.readUInt16BE(i);
  while (total > 0xffff) total = (total & 0xffff) + Math.floor(total / 65_536);
  return total;
}

interface Segment {
  readonly from: string;
  readonly to: string;
  readonly seq: number;
  readonly ack: number;
  readonly flags: number;
  readonly payload: string;
  readonly at: number;
}

/** Frames of a capture file, read again by an own hand; everything that can be checked is. */
function segmentsOf(file: Buffer): Segment[] {
  const [section, face, ...packets] = blocksOf(file);
  assert.deepEqual([section!.type, section!.body.readUInt32LE(0)], [0x0a0d0d0a, 0x1a2b3c4d]);
  assert.deepEqual([face!.type, face!.body.readUInt16LE(0)], [1, 1]);
  return packets.map(({ type, body }) => {
    assert.equal(type, 6);
    const at = (body.readUInt32LE(4) * 2 ** 32 + body.readUInt32LE(8)) / 1000;
    const [kept, size] = [body.readUInt32LE(12), body.readUInt32LE(16)];
    assert.equal(kept, size);
    const frame = body.subarray(20, 20 + kept);
    const six = frame.readUInt16BE(12) === 0x86dd;
    const ip = frame.subarray(14);
    const [source, target, tcp] = six
      ? [ip.subarray(8, 24), ip.subarray(24, 40), ip.subarray(40)]
      : [ip.subarray(12, 16), ip.subarray(16, 20), ip.subarray(20)];
    if (six) assert.equal(ip.readUInt16BE(4), tcp.length);
    else {
      assert.equal(ip.readUInt16BE(2), ip.length);
      assert.equal(sum(ip.subarray(0, 20)), 0xffff);
    }
    const length = Buffer.from([0, 6, tcp.length >> 8, tcp.length & 255]);
    assert.equal(sum(source, target, length, tcp), 0xffff);
    const end = (address: Buffer, port: number): string => `${address.toString('hex')}:${port}`;
    return {
      from: end(source, tcp.readUInt16BE(0)),
      to: end(target, tcp.readUInt16BE(2)),
      seq: tcp.readUInt32BE(4),
      ack: tcp.readUInt32BE(8),
      flags: tcp[13]!,
      payload: tcp.subarray(20).toString('latin1'),
      at,
    };
  });
}

/** Both directions of every connection, put together by sequence number; a gap is an error. */
function streamsOf(segments: readonly Segment[]): Map<string, string> {
  const streams = new Map<string, string>();
  const next = new Map<string, number>();
  for (const { from, to, seq, ack, flags, payload } of segments) {
    const key = `${from} ${to}`;
    const expected = next.get(key);
    if (expected !== undefined) assert.equal(seq, expected, `${key} has a gap`);
    if (flags & 16) assert.equal(ack, next.get(`${to} ${from}`));
    next.set(key, seq + payload.length + (flags & 3 ? 1 : 0));
    streams.set(key, (streams.get(key) ?? '') + payload);
  }
  return streams;
}

const capture = (conversation: Conversation): Buffer => {
  const copy = exportOf(conversation, 'pcapng');
  assert.ok(typeof copy === 'object');
  return Buffer.from(copy.content);
};

test('a capture file holds the streams as they were on the wires, with right numbers and checksums', () => {
  const segments = segmentsOf(capture(whole()));
  const [toUs, toClient, toFilter, fromFilter] = streamsOf(segments).values();
  assert.equal(
    toUs,
    'EHLO client.test\r\nMAIL FROM:<a@out.test>\r\nRCPT TO:<b@in.test> NOTIFY=NEVER\r\nRCPT TO:<c@in.test>\r\nDATA\r\n' +
      'Subject: one\r\n\r\n..dot\r\nbody\r\n.\r\n',
  );
  assert.equal(toClient, '220 mx.test ESMTP\r\n250-mx.test\r\n250 SIZE\r\n354 go on\r\n550 5.7.1 no\r\n');
  assert.equal(
    toFilter,
    '\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\x1f\xff\xff' +
      '\0\0\0\x0eLSubject\0 one\0\0\0\0\x0dB.dot\r\nbody\r\n\0\0\0\x01E',
  );
  assert.equal(fromFilter, '\0\0\0\x0dO\0\0\0\x06\0\0\x01\xff\0\0\0\0\0\0\0\x0ey550 5.7.1 no\0');
  const [first] = segments;
  assert.equal(first!.from.split(':')[0], 'c0000207', 'the client has its own address');
  assert.equal(Math.round(first!.at * 1000), (START + 1.25) * 1000);
});

test('a client of IPv6, also one that is IPv4 inside', () => {
  const of = (client: string) =>
    segmentsOf(capture(whole({ parts: whole().parts.map((p) => ({ ...p, client })) })))[0]!.from.split(
      ':',
    )[0];
  assert.equal(of('2001:db8::7:1'), '20010db8000000000000000000070001');
  assert.equal(of('::ffff:192.0.2.9'), 'c0000209');
  assert.equal(of('64:ff9b::192.0.2.9'), '0064ff9b0000000000000000c0000209');
  assert.equal(of(''), 'c0000201', 'none, at a unix socket');
});

test('what was not kept is a gap in the stream; what is long is cut into segments', () => {
  const packets = whole().packets.map((row) => (row.code === 'SMFIC_BODY' ? { ...row, cut: 100 } : row));
  assert.throws(() => streamsOf(segmentsOf(capture(whole({ packets })))), /gap/);
  const long = 'x'.repeat(50_000);
  const big = whole({ packets: [packetOf(1, 0, { data: base64(long), code: 'CONTENT' })] });
  const segments = segmentsOf(capture(big));
  assert.ok(segments.length > 6);
  assert.ok(streamsOf(segments).values().next().value!.startsWith(long));
});

test('hostile text can stand in a comment', () => {
  const packets = whole().packets.map((row) => ({ ...row, summary: HOSTILE, note: 'x'.repeat(70_000) }));
  assert.ok(segmentsOf(capture(whole({ packets }))).length > 10);
});

const FILTER = `import { defineMilter, reject } from 'millrace/filter';
export const filter = defineMilter({
  name: 'judge',
  async onMessage(s, env, m) {
    const body = Buffer.from(await m.bytes()).toString();
    const facts = [s.client.address, s.helo, env.sender.address, env.recipients.map((p) => p.address).join(), m.headers.get('Subject')];
    console.log('HEARD ' + JSON.stringify(facts) + JSON.stringify(body));
    return reject(550, '5.7.1', 'no');
  },
});
`;

test('a test made of a conversation runs against the filter and sends what was sent', (t) => {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'millrace-export-'));
  t.after(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules/millrace'));
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  writeFileSync(join(folder, 'filter.ts'), FILTER);
  const copy = exportOf(whole(), 'test');
  assert.ok(typeof copy === 'object');
  assert.equal(copy.name, 'conversation-s1.test.ts');
  writeFileSync(join(folder, copy.name), copy.content);
  const tsx = join(root, 'node_modules/tsx/dist/esm/index.mjs');
  const args = ['--conditions=source', '--import', tsx, '--test', copy.name];
  const env = { ...process.env, NODE_TEST_CONTEXT: undefined } as unknown as NodeJS.ProcessEnv;
  const { stdout, status } = spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8', env });
  assert.equal(status, 0, stdout);
  assert.match(stdout, /HEARD \["192\.0\.2\.7","client\.test","a@out\.test","b@in\.test,c@in\.test","one"\]/);
  assert.ok(stdout.includes('.dot'), stdout);
});

test('a message is taken from where it is whole: as it came, from the client, or from what a filter was shown', () => {
  const of = (more: Partial<Conversation>): string | null => {
    const copy = exportOf(whole(more), 'test');
    if (typeof copy === 'string') return null;
    const [, lines = ''] = /\[\n([^\]]*)\n {4}\]/.exec(String(copy.content))!;
    return Buffer.from(lines.replace(/[^A-Za-z0-9+/=]/g, ''), 'base64').toString();
  };
  assert.equal(of({}), CONTENT);
  const without = (code: string) =>
    whole().packets.map((row) => (row.code === code ? { ...row, cut: 1 } : row));
  assert.equal(of({ packets: without('CONTENT') }), CONTENT);
  const neither = without('CONTENT').map((row) => (row.code === 'SMFIC_BODY' ? { ...row, cut: 1 } : row));
  assert.equal(of({ packets: neither }), null);
  const original = {
    sender: 'x@y.test',
    recipients: ['z@in.test'],
    header: bytesOf('A: 1\r\n'),
    body: bytesOf('b'),
    bodySize: 1,
  };
  assert.equal(of({ packets: neither, changes: [{ id: idOf(1), original, steps: [] }] }), 'A: 1\r\n\r\nb');
  const cut = { ...original, bodySize: 2 };
  assert.equal(of({ packets: neither, changes: [{ id: idOf(1), original: cut, steps: [] }] }), null);
});

test('A06: hostile text in an exported test stays a literal', () => {
  const evil = `\`\${process.exit(7)}*/\n'); process.exit(7); //</script>${HOSTILE}`;
  const parts = whole().parts.map((p) => ({
    ...p,
    client: evil,
    from: evil,
    milters: [evil],
    outcome: evil,
  }));
  const copy = exportOf(whole({ parts }), 'test');
  assert.ok(typeof copy === 'object');
  const code = String(copy.content)
    .split('\n')
    .filter((l) => l.includes('process.exit'));
  assert.ok(code.length > 0);
  for (const line of code)
    assert.match(
      line,
      /^(test\(".*", async|  mta\.connect\(\{ address: ".*" \}\)\.helo|  const out = await mta\.mail\(".*"\)|  \/\/ Then: ")/,
    );
  assert.doesNotMatch(String(copy.content), /<script|[\x00-\x09\x0b-\x1f\u2028\u202e]/);
});

test('the plain copy is what the journal says', () => {
  const copy = exportOf(whole(), 'json');
  assert.ok(typeof copy === 'object');
  const { session, parts, packets } = whole();
  assert.deepEqual(JSON.parse(String(copy.content)), { session, parts, packets });
});
