import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import fc from 'fast-check';
import { ManualClock } from '#clock';
import { bodyOf, bytesOf, latin1 } from '#message';
import type { Body } from '#message';
import { START, entryTo } from '../rig.cases.ts';
import { makeMaildirAgent } from './maildir.ts';
import { folderFor, hostPart, safeName, withLf } from './maildir-names.ts';

async function rig(t: TestContext, pattern = '{domain}/{local}') {
  const dir = await mkdtemp(join(tmpdir(), 'millrace-maildir-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  const heard: string[] = [];
  const agent = makeMaildirAgent({
    to: join(dir, 'mail', pattern),
    hostname: 'mx.test',
    clock: new ManualClock(START + 123.456),
    notices: (name) => heard.push(name),
  });
  const deliver = (
    addresses: readonly string[],
    body?: Body,
    header = 'Subject: x\r\n',
    sender = 'from@test',
  ) => {
    const made = entryTo(addresses, { sender }, header);
    return agent.deliver({
      entry: made.meta,
      recipients: made.meta.recipients,
      content: async () => ({ header: made.header, body: body ?? made.body }),
      signal: new AbortController().signal,
    });
  };
  const messages = async (folder: string): Promise<string[]> => {
    const names = await readdir(join(dir, 'mail', folder, 'new'));
    return Promise.all(names.map((n) => readFile(join(dir, 'mail', folder, 'new', n), 'latin1')));
  };
  return { dir, heard, deliver, messages };
}

test('each recipient gets a file with Return-Path and Delivered-To on top and LF line ends', async (t) => {
  const { dir, deliver, messages } = await rig(t);
  const outcomes = await deliver(['bob@X.test', 'eve@y.test']);
  assert.deepEqual(
    outcomes.map((o) => [o.address, o.status.code]),
    [
      ['bob@X.test', 250],
      ['eve@y.test', 250],
    ],
  );
  assert.deepEqual(await messages('x.test/bob'), [
    'Return-Path: <from@test>\nDelivered-To: bob@X.test\nSubject: x\n\nbody\n',
  ]);
  assert.equal((await messages('y.test/eve')).length, 1);
  assert.deepEqual((await readdir(join(dir, 'mail/x.test/bob'))).toSorted(), ['cur', 'new', 'tmp']);
  assert.deepEqual(await readdir(join(dir, 'mail/x.test/bob/tmp')), []);
  assert.equal((await stat(join(dir, 'mail/x.test/bob'))).mode & 0o777, 0o700);
  const [name] = await readdir(join(dir, 'mail/x.test/bob/new'));
  assert.match(name!, /^1795348800\.M123456P\d+Q\d+\.mx\.test$/);
});

test('a message that lay in the mailbox before is refused, for that mailbox alone', async (t) => {
  const { deliver, messages } = await rig(t);
  const header = 'Return-Path: <a@b>\r\nDelivered-To: bob@X.TEST\r\nSubject: x\r\n';
  const outcomes = await deliver(['bob@x.test', 'Bob@x.test', 'eve@x.test'], undefined, header);
  assert.deepEqual(
    outcomes.map((o) => [o.status.code, o.status.enhanced]),
    [
      [554, '5.4.6'],
      [250, '2.0.0'],
      [250, '2.0.0'],
    ],
  );
  assert.match(
    (await messages('x.test/eve'))[0]!,
    /^Return-Path: <from@test>\nDelivered-To: eve@x\.test\nReturn-Path: <a@b>\n/,
  );
});

test('a bounce has the null return path', async (t) => {
  const { deliver, messages } = await rig(t);
  await deliver(['bob@x'], undefined, undefined, '');
  assert.match((await messages('x/bob'))[0]!, /^Return-Path: <>\nDelivered-To: bob@x\n/);
});

test('many messages at once all get names of their own', async (t) => {
  const { deliver, messages } = await rig(t);
  await Promise.all(Array.from({ length: 50 }, () => deliver(['bob@x'])));
  assert.equal((await messages('x/bob')).length, 50);
});

test('a message for very many is written to some at a time, and its outcomes keep their order', async (t) => {
  const { deliver } = await rig(t);
  const addresses = Array.from({ length: 60 }, (_, n) => `u${n}@x.test`);
  let open = 0;
  let most = 0;
  const body: Body = {
    size: 6,
    chunks: null,
    async *read() {
      most = Math.max(most, ++open);
      await new Promise((go) => setTimeout(go, 2));
      yield bytesOf('body\r\n');
      open--;
    },
  };
  const outcomes = await deliver(addresses, body);
  assert.deepEqual(
    outcomes.map((o) => o.address),
    addresses,
  );
  assert.ok(outcomes.every((o) => o.status.code === 250));
  assert.ok(most > 1 && most <= 16, `${most} at a time`);
});

test('a body that comes in pieces is stored whole, line ends cut apart or not', async (t) => {
  const { deliver, messages } = await rig(t);
  const pieces = ['one\r', '\ntwo\r\n', 'a\rb\r', '\n', '', '\xe9\r'].map((p) => bytesOf(p));
  const body: Body = { size: 20, chunks: null, read: () => bodyOf(pieces).read() };
  await deliver(['bob@x'], body);
  assert.match((await messages('x/bob'))[0]!, /\n\none\ntwo\na\rb\n\xe9\r$/);
});

test('a body that breaks leaves nothing behind and is tried again', async (t) => {
  const { dir, deliver, heard } = await rig(t);
  const body: Body = {
    size: 20,
    chunks: null,
    async *read() {
      yield bytesOf('half');
      throw new Error('disk');
    },
  };
  const [o] = await deliver(['bob@x'], body);
  assert.deepEqual([o!.status.code, o!.status.enhanced], [451, '4.3.0']);
  assert.deepEqual(await readdir(join(dir, 'mail/x/bob/tmp')), []);
  assert.deepEqual(await readdir(join(dir, 'mail/x/bob/new')), []);
  assert.deepEqual(heard, ['delivery.mailbox-trouble']);
});

test('a folder that cannot be made defers and names no path to the outside', async (t) => {
  const { dir, deliver, heard } = await rig(t);
  await writeFile(join(dir, 'mail'), 'a file');
  const [o] = await deliver(['bob@x']);
  assert.equal(o!.status.code, 451);
  assert.ok(!o!.status.text.includes('/'));
  assert.deepEqual(heard, ['delivery.mailbox-trouble']);
});

test('a folder removed while we run is made again', async (t) => {
  const { dir, deliver, messages } = await rig(t);
  await deliver(['bob@x']);
  await rm(join(dir, 'mail'), { recursive: true });
  const [o] = await deliver(['bob@x']);
  assert.equal(o!.status.code, 250);
  assert.equal((await messages('x/bob')).length, 1);
});

test('no address leaves its folder', () => {
  assert.equal(folderFor('/m/{domain}/{local}', '../../etc/passwd@..'), '/m/%2E./%2E.%2F..%2Fetc%2Fpasswd');
  assert.equal(folderFor('/m/{address}', '"a/b"@x'), '/m/%22a%2Fb%22@x');
  assert.equal(folderFor('/m/{domain}/{local}', 'postmaster'), '/m/_/postmaster');
  assert.equal(folderFor('/m/{local}', '{domain}@x'), '/m/%7Bdomain%7D');
  const bytes = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
    maxLength: 300,
  });
  fc.assert(
    fc.property(bytes, (text) => {
      const name = safeName(text);
      assert.match(name, /^[A-Za-z0-9_+=@%~-][A-Za-z0-9._+=@%~-]*$/);
      assert.ok(name.length <= 200);
    }),
  );
});

test('long names stay apart', () => {
  const a = safeName('a'.repeat(300) + '1');
  const b = safeName('a'.repeat(300) + '2');
  assert.notEqual(a, b);
  assert.equal(safeName('a'.repeat(200)), 'a'.repeat(200));
  assert.equal(safeName('a'.repeat(201)).length, 200);
});

test('a host name cannot bend a file name', () => {
  assert.equal(hostPart('a/b:c'), 'a\\057b\\072c');
});

test('LF conversion is the same however the bytes are cut', () => {
  const text = 'a\r\n\r\nb\rc\n\r\r\nd';
  const convert = (parts: readonly string[]): string => {
    const lines = withLf();
    return parts.map((p) => latin1(lines.take(bytesOf(p)))).join('') + latin1(lines.end());
  };
  for (let i = 0; i <= text.length; i++)
    for (let j = i; j <= text.length; j++)
      assert.equal(
        convert([text.slice(0, i), text.slice(i, j), text.slice(j)]),
        text.replaceAll('\r\n', '\n'),
      );
});
