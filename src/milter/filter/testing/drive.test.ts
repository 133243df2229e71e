import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { defineMilter, quarantine, reject, tempfail, type Action } from '#milter/filter';
import { drive, type DriveOptions } from '#milter/filter/testing';

const ALL: Action[] = [
  'addHeaders',
  'changeHeaders',
  'replaceBody',
  'addRecipient',
  'removeRecipient',
  'changeFrom',
  'quarantine',
];
const INVOICE = 'Subject: Your invoice\nTo: me@example.org\n\nPay now.\n';

const guard = defineMilter({
  name: 'invoice-guard',
  needs: ['addHeaders', 'quarantine'],
  onRcpt(_s, to) {
    if (to.domain === 'closed.example') return reject(550, '5.7.1', 'Recipient domain is closed');
  },
  onMessage(_s, env, msg) {
    msg.headers.add('X-Checked-By', 'invoice-guard');
    if (!env.user && /invoice/i.test(msg.headers.get('Subject') ?? ''))
      return quarantine('unsolicited invoice');
  },
});

/** Every MTA, over memory and over a socket, whole and cut. */
const HOSTS: DriveOptions[] = (['postfix', 'sendmail', 'stalwart', 'millrace'] as const).flatMap((as) =>
  (['memory', 'socket'] as const).flatMap((over) => [
    { as, over },
    { as, over, chunk: 7 },
    { as, over, chunk: 'random' as const },
  ]),
);

test('holds an unsolicited invoice, the same behind every MTA, in memory and over a socket, however it is cut', async () => {
  for (const host of HOSTS) {
    await using mta = drive(guard, host);
    const out = await mta.mail('x@bad.test').rcpt('me@example.org').message({ text: INVOICE });
    const at = JSON.stringify(host);
    assert.deepEqual(out.decision, { kind: 'quarantine', reason: 'unsolicited invoice' }, at);
    assert.equal(out.stage, 'end', at);
    assert.equal(out.headers.get('X-Checked-By'), 'invoice-guard', at);
    assert.equal(Buffer.from(out.body).toString(), 'Pay now.\r\n', at);
    const known = await mta
      .mail('y@good.test')
      .rcpt('a@closed.example')
      .rcpt('me@example.org')
      .message({ text: 'A: 1\n\nx' });
    assert.equal(known.decision.kind, 'continue', at);
    assert.deepEqual(
      known.recipients.map((r) => r.decision),
      [
        { kind: 'reject', reply: { code: 550, enhanced: '5.7.1', text: 'Recipient domain is closed' } },
        { kind: 'continue' },
      ],
      at,
    );
    assert.deepEqual(known.envelope, { sender: 'y@good.test', recipients: ['me@example.org'] }, at);
  }
});

test('an authenticated user comes as macros', async () => {
  for (const as of ['postfix', 'sendmail', 'millrace'] as const) {
    await using mta = drive(guard, { as }).connect({ user: 'jo' });
    assert.equal((await mta.mail('x@bad.test').message({ text: INVOICE })).decision.kind, 'continue');
  }
  await using mta = drive(guard).macro('mail', { auth_authen: 'jo' });
  assert.equal((await mta.mail('x@bad.test').message({ text: INVOICE })).decision.kind, 'continue');
});

test('edits make the message they should, and diff shows it', async () => {
  const editor = defineMilter({
    name: 'editor',
    needs: ALL,
    onMessage(_s, env, msg) {
      msg.headers.set('Subject', 'Grüße');
      msg.headers.prepend('X-First', '1');
      msg.headers.insertBefore('X-Mid', 'To', 'm');
      msg.headers.prepend('A-R', 'pass', 'top');
      msg.headers.remove('X-Gone');
      msg.headers.add('X-Last', 'z');
      msg.replaceBody('new\n');
      msg.removeRecipient(env.recipients[0]!);
      msg.addRecipient('new@example.org');
      msg.changeFrom('');
    },
  });
  await using mta = drive(editor, { as: 'postfix' });
  const out = await mta
    .mail('a@b.example')
    .rcpt('r@example.org')
    .message({ text: 'Subject: a\nX-Gone: 1\nTo: b\nX-Gone: 2\n\nold\n' });
  const expected =
    'A-R: pass\r\nX-First: 1\r\nSubject: Grüße\r\nX-Mid: m\r\nTo: b\r\nX-Last: z\r\n\r\nnew\r\n';
  assert.equal(Buffer.from(out.bytes).toString(), expected);
  assert.deepEqual(out.envelope, { sender: '', recipients: ['new@example.org'] });
  assert.deepEqual(out.diff().split('\n'), [
    '-Subject: a',
    '-X-Gone: 1',
    '+A-R: pass',
    '+X-First: 1',
    '+Subject: Grüße',
    '+X-Mid: m',
    ' To: b',
    '-X-Gone: 2',
    '+X-Last: z',
    ' ',
    '-old',
    '+new',
    ' ',
  ]);
});

test('a message that is not touched stays as it was, byte for byte', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'drive-'));
  try {
    const file = join(folder, 'a.eml');
    const bytes = Buffer.from('A:  odd \r\nB: \xff\r\n\tfold\r\n\r\n\x00body\r\n', 'latin1');
    await writeFile(file, bytes);
    await using mta = drive(defineMilter({ name: 't', onMessage() {} }));
    for (const source of [{ file }, { bytes }]) {
      const out = await mta.mail('').message(source);
      assert.deepEqual(Buffer.from(out.bytes), bytes);
      assert.equal(out.diff(), '');
      assert.deepEqual(out.edits, []);
    }
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a refusal is a result with the stage it came from, and nothing further is sent', async () => {
  const no = tempfail(451, '4.7.1', 'later');
  for (const [handler, stage] of [
    ['onConnect', 'connect'],
    ['onHelo', 'helo'],
    ['onMail', 'mail'],
    ['onRcpt', 'rcpt'],
    ['onData', 'data'],
    ['onHeaders', 'eoh'],
    ['onMessage', 'end'],
  ] as const) {
    await using mta = drive(defineMilter({ name: 't', [handler]: () => no }));
    const out = await mta.mail('a@b.c').message({ text: 'A: 1\n\nx' });
    assert.deepEqual(
      [out.decision, out.stage],
      [{ kind: 'tempfail', reply: { code: 451, enhanced: '4.7.1', text: 'later' } }, stage],
    );
    assert.deepEqual(Buffer.from(out.bytes).toString().slice(0, 4), 'A: 1');
    assert.equal(out.packets.filter((p) => p.from === 'filter' && p.code === 'y').length, 1);
  }
});

test('the macros are those of the MTA being played', async () => {
  const seen: Record<string, (string | undefined)[]> = {};
  for (const as of ['postfix', 'sendmail', 'millrace'] as const) {
    const note = (s: { macro(n: string): string | undefined }) =>
      void (seen[as] ??= []).push(s.macro('i'), s.macro('v'));
    await using mta = drive(defineMilter({ name: 't', onMail: note, onMessage: note }), { as });
    await mta.mail('a@b.c').message({ text: 'A: 1\n\nx' });
    const empty = mta.packets.filter((p) => p.code === 'D' && p.bytes.length === 1).length;
    assert.equal(empty > 0, as !== 'millrace', as);
  }
  assert.deepEqual(seen, {
    postfix: [undefined, 'Postfix 3.8.1', '4MR0000001', 'Postfix 3.8.1'],
    sendmail: ['4MR0000001', undefined, '4MR0000001', undefined],
    millrace: ['4MR0000001', 'Millrace 0.1.0', '4MR0000001', 'Millrace 0.1.0'],
  });
});

test('an unknown command, ABORT, and IPv6 in the manner of the MTA', async () => {
  const seen: string[] = [];
  const filter = defineMilter({
    name: 't',
    onUnknown: () => tempfail(),
    onMail: (s) => void seen.push(s.client.address, s.macro('client_addr') ?? ''),
    onAbort: () => void seen.push('abort'),
  });
  await using mta = drive(filter, { as: 'sendmail' }).connect({ address: '2001:db8::1' });
  assert.deepEqual(await mta.unknown('FOO'), { kind: 'tempfail' });
  assert.equal((await mta.mail('a@b.c').abort()).stage, 'abort');
  assert.deepEqual(seen, ['2001:db8::1', '', 'abort']);
});

test('falling out of step is an error: silence, a closed connection', async () => {
  const mute = drive(
    defineMilter({ name: 't', limits: { handler: 0 }, onMail: () => new Promise<void>(() => {}) }),
    { patience: 1 },
  );
  await assert.rejects(mute.mail('a@b.c').message({ text: 'x' }), { code: 'silent' });
  await mute.close();
  const poor = drive(defineMilter({ name: 't', needs: ['quarantine'] }), {
    offer: { version: 6, actions: 1, protocol: 0 },
  });
  await assert.rejects(poor.mail('a@b.c').message({ text: 'x' }), { code: 'closed' });
  await poor.close();
});

test('a streaming filter is the same filter behind every host', async () => {
  const footer = defineMilter({
    name: 'footer',
    needs: ['replaceBody'],
    body: 'stream',
    skip: true,
    onMessage(_s, _e, msg) {
      const { body } = msg;
      msg.replaceBody(
        (async function* () {
          yield* body;
          yield Buffer.from('-- \r\nfooter\r\n');
        })(),
      );
    },
  });
  for (const host of HOSTS) {
    await using mta = drive(footer, host);
    const out = await mta.mail('a@b.c').message({ text: 'A: 1\n\nline\n'.repeat(1) + 'more\n'.repeat(500) });
    assert.equal(
      Buffer.from(out.body).toString(),
      'line\r\n' + 'more\r\n'.repeat(500) + '-- \r\nfooter\r\n',
      JSON.stringify(host),
    );
  }
});
