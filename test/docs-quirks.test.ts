/** docs/quirks.md: the tests it names exist, and what no other test holds is held here. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { defineMilter, reject, tempfail } from '#milter/filter';
import { readText, tablesIn } from './support/documents.ts';
import { Cleanup, ROOT } from './support/folders.ts';
import { house, rawFilter } from './support/house.ts';
import { arrived, readMaildir } from './support/maildir.ts';
import { SmtpSession } from './support/smtp-session.ts';

test('every test that the document names exists', () => {
  const rows = tablesIn(readText('docs/quirks.md')).flatMap((table) => {
    assert.deepEqual(table.columns, ['When', 'Millrace', 'Others', 'Held by'], table.heading);
    return table.rows;
  });
  assert.ok(rows.length >= 60);
  let held = 0;
  for (const row of rows) {
    assert.equal(row.length, 4, row[0]);
    if (row[3] === '–') continue;
    const [, file = '', title = ''] = /^`([^`]+)`: (.+)$/.exec(row[3]!) ?? [];
    assert.ok(existsSync(join(ROOT, file)), `${row[0]}: there is no file ${file || row[3]}`);
    assert.ok(
      titlesIn(file).some((t) => t.includes(title)),
      `${row[0]}: ${file} has no test "${title}"`,
    );
    held++;
  }
  assert.ok(held >= rows.length * 0.9, `${held} of ${rows.length}`);
});

const known = new Map<string, readonly string[]>();

/** Titles of a file's tests, as written. */
function titlesIn(file: string): readonly string[] {
  const before = known.get(file);
  if (before) return before;
  const code = readText(file);
  const titles = [...code.matchAll(/\btest\(\s*(?:'((?:[^'\\]|\\.)*)'|`([^`]*)`|"([^"]*)")/g)].map(
    ([, a, b, c]) => a ?? b ?? c ?? '',
  );
  known.set(file, titles);
  return titles;
}

const ENVELOPE = ['MAIL FROM:<a@out.test>', 'RCPT TO:<b@in.test>', 'DATA'];

async function sent(session: SmtpSession, content: string): Promise<string> {
  for (const line of ENVELOPE) await session.command(line);
  session.write(`${content}.\r\n`);
  return (await session.reply()).lines[0]!;
}

test('a message of header alone gets its blank line, our trace field, and no other field', async (t) => {
  const h = await house(new Cleanup(t), []);
  const session = await h.open();
  assert.match(await sent(session, 'Subject: only\r\n'), /^250 2\.0\.0 Ok: queued as \w+$/);
  const { text } = await arrived(h.mail, 'the message', () => true);
  assert.match(
    text,
    /^Return-Path: <a@out\.test>\nDelivered-To: b@in\.test\nReceived: from client\.load\.test \(localhost \[127\.0\.0\.1\]\)\n\tby mx\.test \(Millrace\) with ESMTP id \w+\n\tfor <b@in\.test>;\n\t[^\n]+ \+0000\nSubject: only\n\n$/,
  );
  await session.quit();
});

test('a line that is no field ends the header, and it and the rest are the body', async (t) => {
  const h = await house(new Cleanup(t), []);
  const session = await h.open();
  await sent(session, 'Subject: x\r\nno field\r\nTo: nobody\r\n\r\nend\r\n');
  const { text } = await arrived(h.mail, 'the message', () => true);
  assert.match(text, /\nSubject: x\n\nno field\nTo: nobody\n\nend\n$/);
  await session.quit();
});

test('NUL in content is refused, VRFY and EXPN tell nothing', async (t) => {
  const h = await house(new Cleanup(t), []);
  const session = await h.open();
  assert.equal(await sent(session, 'Subject: x\r\n\r\na\0b\r\n'), '550 5.6.0 NUL in message');
  assert.match((await session.command('VRFY b')).lines[0]!, /^252 2\.0\.0 /);
  assert.match((await session.command('EXPN b')).lines[0]!, /^502 5\.5\.1 /);
  await session.quit();
  assert.deepEqual(await readMaildir(h.mail), []);
});

test('a refused EHLO is answered with the refusal, and so is every MAIL after the next EHLO', async (t) => {
  let asked = 0;
  const filter = defineMilter({
    name: 'door',
    onHelo: () => {
      asked++;
      return reject(550, '5.7.1', 'Not by that name');
    },
  });
  const h = await house(new Cleanup(t), [{ filter, more: { stages: ['ehlo', 'mail'] } }]);
  const session = SmtpSession.open(h.port);
  assert.equal((await session.reply()).code, 220);
  assert.equal((await session.command('EHLO bad.test')).lines[0], '550 5.7.1 Not by that name');
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).lines[0], '503 5.5.1 Say hello first');
  assert.equal((await session.command('EHLO good.test')).code, 250);
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).lines[0], '550 5.7.1 Not by that name');
  assert.equal(asked, 1);
  await session.quit();
});

test("refusals without words of the filter's own have ours, 550 at the envelope and 554 for the content", async (t) => {
  const filter = defineMilter({
    name: 'terse',
    onMail: (_s, from) => (from.local === 'bad' ? reject() : from.local === 'late' ? tempfail() : undefined),
    onMessage: () => reject(),
  });
  const h = await house(new Cleanup(t), [{ filter, more: { stages: ['mail', 'data'] } }]);
  const session = await h.open();
  const said = async (line: string): Promise<string> => (await session.command(line)).lines[0]!;
  assert.equal(await said('MAIL FROM:<bad@out.test>'), '550 5.7.1 Command rejected');
  assert.equal(await said('MAIL FROM:<late@out.test>'), '451 4.7.1 Service unavailable - try again later');
  assert.equal(await sent(session, 'Subject: x\r\n\r\nbody\r\n'), '554 5.7.1 Command rejected');
  await session.quit();
});

test('a filter that fails with onError reject makes it 550 5.5.0', async (t) => {
  const cleanup = new Cleanup(t);
  const port = await rawFilter(cleanup, (socket) => socket.destroy());
  const h = await house(cleanup, [{ port, more: { stages: ['mail'], onError: 'reject' } }]);
  const session = await h.open();
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).lines[0], '550 5.5.0 Service unavailable');
  await session.quit();
});

test('an enable that cannot be evaluated counts as a failure of the filter', async (t) => {
  // A list of more elements than a list may have, out of a text that the client chose.
  const enable = `count(split(${Array.from({ length: 200 }, () => 'sender').join(' + ')}, 'x')) > 0`;
  const filter = defineMilter({ name: 'never', onMail: () => undefined });
  const h = await house(new Cleanup(t), [{ filter, more: { stages: ['mail'], enable } }]);
  const session = await h.open();
  assert.equal((await session.command('MAIL FROM:<a@out.test>')).code, 250);
  await session.command('RSET');
  const reply = await session.command(`MAIL FROM:<${'x'.repeat(60)}@out.test>`);
  assert.match(reply.lines[0]!, /^451 4\.7\.1 /);
  assert.equal(h.heard.find((n) => n.name === 'milter.failed')?.fields['kind'], 'expression');
  await session.quit();
});

test('a filter without the data stage never hears content and makes no edits', async (t) => {
  const heard: string[] = [];
  const filter = defineMilter({
    name: 'early',
    needs: ['addHeaders'],
    onRcpt: () => void heard.push('rcpt'),
    onMessage: (_s, _e, m) => {
      heard.push('message');
      m.headers.add('X-Early', 'yes');
    },
  });
  const h = await house(new Cleanup(t), [{ filter, more: { stages: ['mail', 'rcpt'] } }]);
  const session = await h.open();
  await sent(session, 'Subject: x\r\n\r\nbody\r\n');
  const { text } = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(heard, ['rcpt']);
  assert.doesNotMatch(text, /X-Early/);
  await session.quit();
});

test('a message whose every recipient a filter removed is accepted and goes nowhere, which is noticed', async (t) => {
  const filter = defineMilter({
    name: 'sink',
    needs: ['removeRecipient'],
    onMessage: (_s, env, m) => {
      for (const to of env.recipients) m.removeRecipient(to);
    },
  });
  const h = await house(new Cleanup(t), [{ filter }]);
  const session = await h.open();
  assert.match(await sent(session, 'Subject: x\r\n\r\nbody\r\n'), /^250 2\.0\.0 /);
  await session.quit();
  assert.ok(h.heard.some((n) => n.name === 'message.discarded'));
  assert.deepEqual(await readMaildir(h.mail), []);
});
