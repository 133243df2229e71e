/**
 * Rspamd, over TCP and over a unix socket, asked at every stage and at the content alone: several messages in one session,
 * clean ones unharmed, spam refused in its words, every edit it can ask for done. See also test/specification-example.
 */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { guestAt, TRANSPORTS, type Place } from './support/filter-program.ts';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { startOutbox, withoutTrace } from './support/outbox.ts';
import { freePort } from './support/ports.ts';
import { skipWithout } from './support/processes.ts';
import { GTUBE, startRspamd } from './support/rspamd.ts';

const STAGES = {
  'every stage': { stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'] },
  'data alone': { stages: ['data'] },
  // What the specification prints; Rspamd answers with no-reply bits that were not offered.
  'every stage, flags 255 and 66': {
    stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
    flagsAction: 255,
    flagsProtocol: 66,
  },
} as const;

/** Rules of ours: what they do is asked for by the subject. The symbols have no weight, so only the edits count. */
const RULES = `
local function on_subject(name, subject, act)
  rspamd_config:register_symbol{ name = name, type = 'callback', callback = function(task)
    if task:get_header('Subject') == subject then act(task) end
  end }
end
on_subject('EDIT_HEADERS', 'edit headers', function(task)
  task:set_milter_reply({
    add_headers = { ['X-First'] = { value = 'top', order = 0 }, ['X-Last'] = 'end' },
    remove_headers = { ['X-Twice'] = 2, ['X-Gone'] = 0 },
  })
end)
on_subject('EDIT_ENVELOPE', 'edit envelope', function(task)
  task:set_milter_reply({ change_from = 'other@out.test', add_rcpt = { 'more@in.test' }, del_rcpt = { 'b@in.test' } })
end)
on_subject('SOFT', 'later please', function(task) task:set_pre_result('soft reject', 'Come back in 100% of an hour') end)
on_subject('HOLD', 'hold this', function(task) 
  task:set_milter_reply({ reject = 'quarantine' })
  task:set_pre_result('reject', 'held by a rule')
end)
on_subject('WHO', 'who is it', function(task)
  local ip, from = task:get_from_ip(), (task:get_from('smtp') or {{}})[1]
  local to = {}
  for _, r in ipairs(task:get_recipients('smtp') or {}) do to[#to + 1] = r.addr end
  task:set_milter_reply({ add_headers = { ['X-Who'] = { order = 1, value = table.concat({ tostring(ip),
    task:get_helo() or '-', from.addr or '-', table.concat(to, '+'), task:get_queue_id() or '-' }, ' ') } } })
end)
on_subject('BODY', 'other body', function(task)
  local body = string.rep('new line\\r\\n', 20000)
  task:set_milter_reply({ add_headers = { ['X-Length'] = { value = tostring(#body), order = 1 } } })
  task:set_message(task:get_raw_headers() .. '\\r\\n' .. body)
end)
`;

const message = (subject: string, body: string, more = ''): string =>
  `From: <a@out.test>\r\nTo: <b@in.test>\r\nSubject: ${subject}\r\nDate: Thu, 01 Jan 2026 00:00:00 +0000\r\n` +
  `Message-ID: <1@out.test>\r\n${more}MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\n${body}`;

test(
  'Rspamd decides and edits over both transports',
  { skip: skipWithout('rspamd'), timeout: 120_000 },
  async (t) => {
    const cleanup = new Cleanup(t);
    const port = await freePort();
    const { socket } = await startRspamd(cleanup, port, { socket: 'milter.sock', lua: RULES });
    const places = { tcp: port, unix: socket } as const;
    for (const transport of TRANSPORTS)
      for (const [name, more] of Object.entries(STAGES))
        await t.test(`${transport}, ${name}: good and bad in turns, a reset between, one session`, (t) =>
          severalMessages(t, places[transport], more),
        );
    await edits(t, port);
    await t.test('offered version 2 it hangs up, and its policy decides', async (t) => {
      const more = { ...STAGES['every stage'], ...PATIENT, protocolVersion: 'v2' };
      const h = await house(new Cleanup(t), [guestAt(port, more)]);
      const session = await h.open();
      assert.match((await session.command('MAIL FROM:<a@out.test>')).lines.join('|'), /^451 4\.7\.1 /);
      assert.notDeepEqual(failures(h), []);
      await session.quit();
    });
  },
);

async function severalMessages(
  t: TestContext,
  place: Place,
  more: Readonly<Record<string, unknown>>,
): Promise<void> {
  const cleanup = new Cleanup(t);
  const outbox = await startOutbox(cleanup);
  const h = await house(cleanup, [guestAt(place, { ...more, ...PATIENT })], { delivery: outbox.delivery });
  const session = await h.open();
  const send = async (subject: string, body: string): Promise<string> => {
    const { at, reply } = await session.transaction(
      'a@out.test',
      ['b@in.test', 'c@in.test'],
      message(subject, body),
    );
    return `${at} ${reply.lines.join('|')}`;
  };
  const long = 'A line of ordinary words for the filter to read.\r\n'.repeat(4000);
  assert.match(await send('first', 'Good morning.\r\n'), /^end 250 /);
  assert.equal(await send('spam', GTUBE + '\r\n'), 'end 554 5.7.1 Gtube pattern');
  assert.match(await send('second', long), /^end 250 /);
  await session.command('MAIL FROM:<x@out.test>');
  await session.command('RCPT TO:<b@in.test>');
  assert.equal((await session.command('RSET')).code, 250);
  await session.command('MAIL FROM:<y@out.test>');
  assert.equal((await session.command('RSET')).code, 250);
  assert.equal((await session.command('FOO bar')).code, 500);
  assert.equal(await send('spam again', GTUBE + '\r\n'), 'end 554 5.7.1 Gtube pattern');
  assert.match(await send('third', ''), /^end 250 /);
  await session.quit();
  assert.deepEqual(failures(h), []);
  const taken = [await outbox.message(1), await outbox.message(2), await outbox.message(3)];
  const bySubject = (subject: string): string =>
    taken.find(({ content }) => content.includes(`Subject: ${subject}\r\n`))?.content ?? '';
  for (const [subject, body] of [
    ['first', 'Good morning.\r\n'],
    ['second', long],
    ['third', ''],
  ] as const) {
    const content = bySubject(subject);
    assert.ok(addedAtEnd(content, message(subject, body)), content.slice(0, 3000));
    assert.match(content, /^X-Rspamd-Server: /m);
    // The id that Rspamd logs is the queue's.
    const id = /with \w+ id (\S+?);?\r\n/.exec(content)?.[1];
    assert.equal(/^X-Rspamd-Queue-Id: (.*)\r$/m.exec(content)?.[1], id, content);
  }
  assert.equal(outbox.taken.length, 3);
}

/** Fields of Rspamd stand behind those of the message; nothing else of the message is different. */
function addedAtEnd(content: string, original: string): boolean {
  const [head, body] = splitOnce(original);
  const [delivered, deliveredBody] = splitOnce(content);
  const rest = delivered.slice(delivered.indexOf(head) + head.length);
  return (
    delivered.includes(head) &&
    deliveredBody === body &&
    /^(?:\r\nX-[^\r\n]*(?:\r\n[ \t][^\r\n]*)*)*$/.test(rest)
  );
}

function splitOnce(content: string): readonly [string, string] {
  const end = content.indexOf('\r\n\r\n');
  return [content.slice(0, end), content.slice(end + 4)];
}

async function edits(t: TestContext, port: number): Promise<void> {
  const cleanup = new Cleanup(t);
  const outbox = await startOutbox(cleanup);
  const all = STAGES['every stage'];
  const h = await house(cleanup, [guestAt(port, { ...all, ...PATIENT })], { delivery: outbox.delivery });
  const session = await h.open();
  const send = (subject: string, more = '', to: readonly string[] = ['b@in.test']) =>
    session.transaction('a@out.test', to, message(subject, 'body\r\n', more));

  await t.test('fields inserted at 0, added, and removed by number', async () => {
    const more = 'X-Twice: one\r\nX-Gone: a\r\nX-Twice: two\r\nX-Gone: b\r\n';
    assert.equal((await send('edit headers', more)).reply.code, 250);
    const content = withoutTrace((await outbox.message(1)).content).replace(
      /^X-(?:Rspamd|Spam)[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*/gm,
      '',
    );
    assert.equal(
      content,
      `X-First: top\r\nR\r\n${message('edit headers', 'body\r\n', 'X-Twice: one\r\n')}`.replace(
        '\r\n\r\nbody',
        '\r\nX-Last: end\r\n\r\nbody',
      ),
    );
  });

  await t.test('sender changed, recipients added and removed', async () => {
    assert.equal((await send('edit envelope', '', ['b@in.test', 'c@in.test'])).reply.code, 250);
    const { sender, recipients } = await outbox.message(2);
    assert.deepEqual([sender, recipients.toSorted()], ['other@out.test', ['c@in.test', 'more@in.test']]);
  });

  await t.test('a soft reject keeps its words, percent sign and all', async () => {
    const { at, reply } = await send('later please');
    assert.deepEqual([at, reply.lines], ['end', ['451 4.7.1 Come back in 100% of an hour']]);
  });

  await t.test('quarantine holds the message, the client hears 250', async () => {
    assert.equal((await send('hold this')).reply.code, 250);
    const held = h.heard.filter((n) => n.name === 'message.accepted').at(-1)?.fields['held'];
    assert.match(String(held), /spam/i);
    assert.equal(outbox.taken.length, 2);
  });

  await t.test('it is told who it is: address, HELO, sender, recipients, queue id', async () => {
    assert.equal((await send('who is it', '', ['b@in.test', 'c@in.test'])).reply.code, 250);
    const { content } = await outbox.message(3);
    const id = /with \w+ id (\S+?);?\r\n/.exec(content)?.[1];
    assert.equal(
      /^X-Who: (.*)\r$/m.exec(content)?.[1],
      `127.0.0.1 client.load.test a@out.test b@in.test+c@in.test ${id}`,
    );
  });

  await t.test('a body of 200 kB in place of the one sent', async () => {
    assert.equal((await send('other body')).reply.code, 250);
    const { content } = await outbox.message(4);
    const [head, body] = splitOnce(content);
    assert.ok(body === 'new line\r\n'.repeat(20_000), `${body.length} bytes`);
    assert.match(head, /^X-Length: 200000\r$/m);
    assert.match(head, /^Subject: other body\r$/m);
  });
  await session.quit();
  assert.deepEqual(failures(h), []);
}

/** A loaded machine is not what is tested here. */
const PATIENT = { timeoutConnect: '10s', timeoutCommand: '10s', timeoutData: '20s' };

function failures(h: House): readonly unknown[] {
  return h.heard.filter((n) => n.name === 'milter.failed');
}
