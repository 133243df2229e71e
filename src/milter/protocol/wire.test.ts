import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bytesOf, latin1, makeField } from '#message';
import {
  FrameReader,
  FrameWriter,
  MilterProtocolError,
  decodeAnswer,
  decodeEvent,
  encodeBare,
  encodeBody,
  encodeChoice,
  encodeConnect,
  encodeEdit,
  encodeHeader,
  encodeHeaderField,
  encodeHelo,
  encodeMacros,
  encodeMail,
  encodeOffer,
  encodeProgress,
  encodeRcpt,
  encodeUnknown,
  encodeVerdict,
  type Answer,
  type Edit,
  type MilterEvent,
  type Verdict,
} from '#milter/protocol';
import { everyCut, hex } from './vectors.cases.ts';

const written = (encode: (w: FrameWriter) => void): string => {
  const writer = new FrameWriter();
  encode(writer);
  return writer
    .take()
    .map((p) => Buffer.from(p).toString('hex'))
    .join('');
};

const frameOf = (bytes: Uint8Array) => {
  const reader = new FrameReader(100_000);
  reader.push(bytes);
  const frame = reader.next();
  assert.ok(frame);
  return frame;
};

/** Decodes a fixture whole, byte by byte and cut at every offset; all must agree. */
const decoded = <T>(bytes: Uint8Array, decode: (frame: { code: number; payload: Uint8Array }) => T): T => {
  let first: T | undefined;
  for (const chunks of everyCut(bytes)) {
    const reader = new FrameReader(100_000);
    let frame = null;
    for (const chunk of chunks) {
      assert.equal(frame, null);
      reader.push(chunk);
      frame = reader.next();
    }
    assert.ok(frame);
    const value = plain(decode(frame));
    if (first === undefined) first = value;
    else assert.deepEqual(value, first);
  }
  return first as T;
};

/** Byte arrays as text, so that views compare by content. */
const plain = <T>(value: T): T =>
  JSON.parse(
    JSON.stringify(value, (_, v: unknown) =>
      v instanceof Uint8Array ? latin1(v) : v instanceof Map ? [...(v as Map<unknown, unknown>)] : v,
    ),
  ) as T;

const bytes = bytesOf;

type EventVector = [title: string, wire: string, event: MilterEvent, encode: (w: FrameWriter) => void];

const EVENTS: EventVector[] = [
  [
    'OPTNEG offer, v6, all',
    '0000000d 4f 00000006 000001ff 001fffff',
    { kind: 'optneg', version: 6, actions: 0x1ff, protocol: 0x1fffff },
    (w) => encodeOffer(w, { version: 6, actions: 0x1ff, protocol: 0x1fffff }),
  ],
  [
    'OPTNEG offer, v2, all',
    '0000000d 4f 00000002 0000003f 0000007f',
    { kind: 'optneg', version: 2, actions: 0x3f, protocol: 0x7f },
    (w) => encodeOffer(w, { version: 2, actions: 0x3f, protocol: 0x7f }),
  ],
  [
    'MACRO for CONNECT',
    '0000001a 44 43 6a00 6d7800 7b6461656d6f6e5f6e616d657d00 736d747000',
    {
      kind: 'macro',
      event: 'connect',
      pairs: [
        ['j', 'mx'],
        ['{daemon_name}', 'smtp'],
      ],
    },
    (w) =>
      encodeMacros(w, 'connect', [
        ['j', 'mx'],
        ['v', ''],
        ['{daemon_name}', 'smtp'],
      ]),
  ],
  [
    'MACRO for RCPT, none',
    '00000002 44 52',
    { kind: 'macro', event: 'rcpt', pairs: [] },
    (w) => encodeMacros(w, 'rcpt', []),
  ],
  [
    'CONNECT IPv4',
    '00000018 43 682e6578616d706c6500 34 09dd 3139322e302e322e3100',
    { kind: 'connect', host: 'h.example', family: '4', port: 2525, address: '192.0.2.1' },
    (w) => encodeConnect(w, { host: 'h.example', family: '4', port: 2525, address: '192.0.2.1' }),
  ],
  [
    'CONNECT IPv6, Sendmail style',
    '00000028 43 5b495076363a323030313a6462383a3a315d00 36 09dd 495076363a323030313a6462383a3a3100',
    { kind: 'connect', host: '[IPv6:2001:db8::1]', family: '6', port: 2525, address: '2001:db8::1' },
    (w) =>
      encodeConnect(w, { host: '[IPv6:2001:db8::1]', family: '6', port: 2525, address: 'IPv6:2001:db8::1' }),
  ],
  [
    'CONNECT unix',
    '00000015 43 6c6f63616c686f737400 4c 0000 2f72756e2f7800',
    { kind: 'connect', host: 'localhost', family: 'L', port: 0, address: '/run/x' },
    (w) => encodeConnect(w, { host: 'localhost', family: 'L', port: 99, address: '/run/x' }),
  ],
  [
    'CONNECT unknown',
    '0000000c 43 6c6f63616c686f737400 55',
    { kind: 'connect', host: 'localhost', family: 'U', port: 0, address: '' },
    (w) => encodeConnect(w, { host: 'localhost', family: 'U', port: 25, address: 'x' }),
  ],
  [
    'HELO',
    '0000000b 48 682e6578616d706c6500',
    { kind: 'helo', name: 'h.example' },
    (w) => encodeHelo(w, 'h.example'),
  ],
  [
    'MAIL with two parameters',
    '0000001f 4d 3c6140622e633e00 53495a453d313000 424f44593d384249544d494d4500',
    { kind: 'mail', path: '<a@b.c>', params: ['SIZE=10', 'BODY=8BITMIME'] },
    (w) => encodeMail(w, '<a@b.c>', ['SIZE=10', 'BODY=8BITMIME']),
  ],
  [
    'MAIL, empty sender',
    '00000004 4d 3c3e00',
    { kind: 'mail', path: '<>', params: [] },
    (w) => encodeMail(w, '<>', []),
  ],
  [
    'RCPT',
    '00000009 52 3c6440652e663e00',
    { kind: 'rcpt', path: '<d@e.f>', params: [] },
    (w) => encodeRcpt(w, '<d@e.f>', []),
  ],
  ['DATA', '00000001 54', { kind: 'data' }, (w) => encodeBare(w, 'data')],
  [
    'HEADER folded',
    '00000013 4c 5375626a65637400 68690a20746865726500',
    { kind: 'header', name: 'Subject', value: 'hi\n there' },
    (w) => encodeHeaderField(w, makeField('Subject', ' hi\n there'), false),
  ],
  [
    'HEADER with HDR_LEADSPC',
    '00000014 4c 5375626a65637400 2068690a20746865726500',
    { kind: 'header', name: 'Subject', value: ' hi\n there' },
    (w) => encodeHeaderField(w, makeField('Subject', ' hi\n there'), true),
  ],
  ['EOH', '00000001 4e', { kind: 'eoh' }, (w) => encodeBare(w, 'eoh')],
  [
    'BODY',
    '00000005 42 68690d0a',
    { kind: 'body', data: bytes('hi\r\n') },
    (w) => encodeBody(w, [bytes('hi'), bytes('\r\n')]),
  ],
  ['BODYEOB', '00000001 45', { kind: 'end', data: bytes('') }, (w) => encodeBare(w, 'end')],
  ['ABORT', '00000001 41', { kind: 'abort' }, (w) => encodeBare(w, 'abort')],
  ['QUIT', '00000001 51', { kind: 'quit' }, (w) => encodeBare(w, 'quit')],
  ['QUIT_NC', '00000001 4b', { kind: 'quitNc' }, (w) => encodeBare(w, 'quitNc')],
  [
    'UNKNOWN',
    '00000009 55 464f4f2062617200',
    { kind: 'unknown', line: 'FOO bar' },
    (w) => encodeUnknown(w, 'FOO bar'),
  ],
];

for (const [title, wire, event, encode] of EVENTS)
  test(`${title}: written as typed by hand, and read back however it is cut`, () => {
    assert.equal(written(encode), wire.replaceAll(' ', ''));
    assert.deepEqual(
      decoded(hex(wire), (f) => decodeEvent(f, true)),
      plain(event),
    );
  });

const edit = (code: string, value: Edit): Answer => ({ kind: 'edit', code: code.charCodeAt(0), edit: value });
const verdict = (value: Verdict): Answer => ({ kind: 'verdict', verdict: value });

type AnswerVector = [title: string, wire: string, answer: Answer, also?: 'read only'];

const ANSWERS: AnswerVector[] = [
  ['CONTINUE', '00000001 63', verdict({ kind: 'continue' })],
  ['ACCEPT', '00000001 61', verdict({ kind: 'accept' })],
  ['REJECT', '00000001 72', verdict({ kind: 'reject' })],
  ['TEMPFAIL', '00000001 74', verdict({ kind: 'tempfail' })],
  ['DISCARD', '00000001 64', verdict({ kind: 'discard' })],
  ['SKIP', '00000001 73', verdict({ kind: 'skip' })],
  ['SHUTDOWN', '00000001 34', verdict({ kind: 'shutdown' })],
  ['CONN_FAIL', '00000001 66', verdict({ kind: 'connfail' })],
  ['PROGRESS', '00000001 70', { kind: 'progress' }],
  ['OPTNEG reply', '0000000d 4f 00000006 00000111 00100702', optneg([])],
  [
    'OPTNEG reply with EOH list',
    '00000013 4f 00000006 00000111 00100702 00000006 6900',
    optneg([['eoh', ['i']]]),
  ],
  ['ADDHEADER', '00000009 68 582d4100 6f6e6500', edit('h', { kind: 'addHeader', name: 'X-A', value: 'one' })],
  [
    'INSHEADER',
    '0000000d 69 00000001 582d4100 6f6e6500',
    edit('i', { kind: 'insertHeader', index: 1, name: 'X-A', value: 'one' }),
  ],
  [
    'CHGHEADER, delete',
    '0000000a 6d 00000002 582d4100 00',
    edit('m', { kind: 'changeHeader', index: 2, name: 'X-A', value: '' }),
  ],
  [
    'CHGFROM bare',
    '00000009 65 3c6e40622e633e00',
    edit('e', { kind: 'changeSender', address: '<n@b.c>', params: '' }),
  ],
  [
    'CHGFROM, empty second string',
    '0000000a 65 3c6e40622e633e00 00',
    edit('e', { kind: 'changeSender', address: '<n@b.c>', params: '' }),
    'read only',
  ],
  [
    'CHGFROM, ENVID',
    '00000011 65 3c6e40622e633e00 454e5649443d7800',
    edit('e', { kind: 'changeSender', address: '<n@b.c>', params: 'ENVID=x' }),
  ],
  [
    'ADDRCPT',
    '00000009 2b 3c7a40652e663e00',
    edit('+', { kind: 'addRecipient', address: '<z@e.f>', params: '' }),
  ],
  [
    'ADDRCPT_PAR',
    '00000016 32 3c7a40652e663e00 4e4f544946593d4e4556455200',
    edit('2', { kind: 'addRecipient', address: '<z@e.f>', params: 'NOTIFY=NEVER' }),
  ],
  [
    'ADDRCPT_PAR bare',
    '00000009 32 3c7a40652e663e00',
    edit('2', { kind: 'addRecipient', address: '<z@e.f>', params: '' }),
    'read only',
  ],
  ['DELRCPT', '00000009 2d 3c6440652e663e00', edit('-', { kind: 'deleteRecipient', address: '<d@e.f>' })],
  ['QUARANTINE', '00000007 71 766972757300', edit('q', { kind: 'quarantine', reason: 'virus' })],
  [
    'REPLYCODE',
    '0000000e 79 35353020352e372e31206e6f00',
    verdict({ kind: 'replycode', text: '550 5.7.1 no' }),
  ],
  [
    'REPLYCODE, two lines',
    '0000001a 79 3535302d352e372e3120610d0a35353020352e372e31206200',
    verdict({ kind: 'replycode', text: '550-5.7.1 a\r\n550 5.7.1 b' }),
  ],
  [
    'REPLYCODE, 100%',
    '0000001b 79 34353120342e372e31206469736b203130302525206675 6c6c00',
    verdict({ kind: 'replycode', text: '451 4.7.1 disk 100%% full' }),
  ],
  ['REPLBODY', '00000006 62 6e65770d0a', edit('b', { kind: 'replaceBody', chunks: [bytes('new\r\n')] })],
  ['REPLBODY, empty', '00000001 62', edit('b', { kind: 'replaceBody', chunks: [bytes('')] })],
];

function optneg(lists: [string, string[]][]): Answer {
  return { kind: 'optneg', version: 6, actions: 0x111, protocol: 0x100702, macros: new Map(lists) as never };
}

const writeAnswer = (w: FrameWriter, answer: Answer): void => {
  if (answer.kind === 'verdict') encodeVerdict(w, answer.verdict);
  else if (answer.kind === 'progress') encodeProgress(w);
  else if (answer.kind === 'edit') encodeEdit(w, answer.edit);
  else encodeChoice(w, answer);
};

for (const [title, wire, answer, also] of ANSWERS)
  test(`answer ${title}: read as typed by hand however it is cut, and written back`, () => {
    assert.deepEqual(decoded(hex(wire), decodeAnswer), plain(answer));
    if (also !== 'read only')
      assert.equal(
        written((w) => writeAnswer(w, answer)),
        wire.replaceAll(' ', ''),
      );
  });

const refusalOf = (fn: () => unknown): string => {
  try {
    fn();
  } catch (error) {
    assert.ok(error instanceof MilterProtocolError, String(error));
    return error.code;
  }
  return 'none';
};

test('answers that do not decode are refused', () => {
  const cases: [string, string][] = [
    ['00000005 61 01020304', 'frame_invalid'], // ACCEPT with four bytes
    ['00000002 63 00', 'frame_invalid'],
    ['00000004 68 582d41', 'frame_invalid'], // no NUL
    ['00000005 68 582d4100', 'frame_invalid'], // one string
    ['0000000a 68 582d4100 6f6e6500 00', 'frame_invalid'], // three
    ['00000004 68 00 6100', 'frame_invalid'], // no name
    ['00000004 69 000000', 'frame_invalid'],
    ['0000000d 69 80000000 582d4100 6f6e6500', 'frame_invalid'], // 2^31
    ['00000001 79', 'frame_invalid'],
    ['00000004 79 353530', 'frame_invalid'],
    ['00000009 79 35353020 00 6100 00', 'frame_invalid'], // text with NUL
    ['0000000c 65 3c6e40622e633e00 6100 6200', 'frame_invalid'],
    ['00000001 7a', 'unexpected_reply'],
    ['00000001 6c', 'unexpected_reply'], // SETSYMLIST is never a frame
    ['0000000c 4f 00000006 00000111 001007', 'negotiation'],
    ['00000011 4f 00000006 00000111 00100702 00000006', 'negotiation'], // tail without string
    ['00000012 4f 00000006 00000111 00100702 00000006 69', 'negotiation'], // tail without NUL
  ];
  for (const [wire, code] of cases)
    assert.equal(
      refusalOf(() => decodeAnswer(frameOf(hex(wire)))),
      code,
      wire,
    );
});

test('commands that do not decode are refused', () => {
  const cases: [string, string][] = [
    ['00000001 43', 'frame_invalid'],
    ['00000006 43 686f00 34 09', 'frame_invalid'],
    ['00000007 43 686f00 39 09dd', 'frame_invalid'], // family 9
    ['00000006 43 686f00 55 00', 'frame_invalid'], // U with more
    ['00000001 48', 'frame_invalid'],
    ['00000005 4c 6100 6200', 'none'],
    ['00000003 4c 6100', 'frame_invalid'],
    ['00000002 54 00', 'frame_invalid'],
    ['00000001 44', 'frame_invalid'],
    ['00000001 5a', 'unexpected_reply'],
    ['00000005 4f 00000006', 'frame_invalid'],
  ];
  for (const [wire, code] of cases)
    assert.equal(
      refusalOf(() => decodeEvent(frameOf(hex(wire)))),
      code,
      wire,
    );
});

test('macros are read strictly or forgivingly', () => {
  const even = frameOf(hex('00000006 44 4d 6900 7800'));
  assert.deepEqual(decodeEvent(even, true), { kind: 'macro', event: 'mail', pairs: [['i', 'x']] });
  const loose = frameOf(hex('00000007 44 4d 6900 7800 6a'));
  assert.equal(
    refusalOf(() => decodeEvent(loose, true)),
    'frame_invalid',
  );
  assert.deepEqual(decodeEvent(loose), { kind: 'macro', event: 'mail', pairs: [['i', 'x']] });
  const unended = frameOf(hex('00000005 44 4d 6900 78'));
  assert.deepEqual(decodeEvent(unended), { kind: 'macro', event: 'mail', pairs: [['i', 'x']] });
  const stranger = frameOf(hex('00000006 44 5a 6900 7800'));
  assert.deepEqual(decodeEvent(stranger, true), { kind: 'macro', event: null, pairs: [['i', 'x']] });
});

test('an IPv4-mapped client is announced as IPv4', () => {
  const wire = written((w) =>
    encodeConnect(w, { host: 'h', family: '6', port: 1, address: '::ffff:192.0.2.1' }),
  );
  assert.equal(
    wire,
    written((w) => encodeConnect(w, { host: 'h', family: '4', port: 1, address: '192.0.2.1' })),
  );
});

test('header fields travel as filters expect: one space gone, LF folds, NUL as a space, 8-bit kept', () => {
  const value = (raw: string, space = false): string => {
    const field = makeField('A', ' x');
    Object.assign(field, { raw: bytes(raw) });
    const event = decodeEvent(frameOf(hex(written((w) => encodeHeaderField(w, field, space)))));
    assert.ok(event.kind === 'header');
    return event.value;
  };
  assert.equal(value('A:  two\r\n'), ' two');
  assert.equal(value('A:\ttab\r\n'), '\ttab');
  assert.equal(value('A:none\r\n'), 'none');
  assert.equal(value('A:\r\n'), '');
  assert.equal(value('A: \r\n'), '');
  assert.equal(value('A: \r\n', true), ' ');
  assert.equal(value('A: a\r\n\tb\r\n c\r\n'), 'a\n\tb\n c');
  assert.equal(value('A: a\rb\r\n'), 'a\rb');
  assert.equal(value('A: a\0b\0\r\n'), 'a b ');
  assert.equal(value('A: \xfc\xe9\r\n'), '\xfc\xe9');
});

test('a header value that does not fit a frame is cut, at the limit it is not', () => {
  const writer = new FrameWriter(10);
  assert.equal(encodeHeaderField(writer, makeField('Ab', ' 123456'), false), true);
  assert.equal(encodeHeaderField(writer, makeField('Ab', ' 1234567'), false), false);
  const [first, second] = [frameOf(writer.take()[0]!), null];
  assert.equal(latin1(first.payload), 'Ab\x00123456\0');
  assert.equal(second, null);
});

test('an added recipient uses the action that was granted', () => {
  const add: Edit = { kind: 'addRecipient', address: 'a', params: '' };
  assert.equal(
    written((w) => encodeEdit(w, add, 0x084)),
    '000000032b6100',
  );
  assert.equal(
    written((w) => encodeEdit(w, add, 0x080)),
    '00000003326100',
  );
});

test('a new body is cut into frames that fit, and no chunk is an empty body', () => {
  const writer = new FrameWriter(4);
  encodeEdit(writer, { kind: 'replaceBody', chunks: [bytes('abcdef'), bytes('g')] });
  assert.equal(latin1(writer.take()[0]!), '\0\0\0\x05babcd\0\0\0\x03bef\0\0\0\x02bg');
  encodeEdit(writer, { kind: 'replaceBody', chunks: [] });
  assert.equal(latin1(writer.take()[0]!), '\0\0\0\x01b');
});

const text = fc.string({
  unit: fc.integer({ min: 1, max: 255 }).map((n) => String.fromCharCode(n)),
  maxLength: 60,
});
const name = text.filter((t) => t !== '');

test('any envelope command survives the wire', () => {
  fc.assert(
    fc.property(text, fc.array(text, { maxLength: 5 }), (path, params) => {
      const event = decodeEvent(frameOf(hex(written((w) => encodeMail(w, path, params)))));
      assert.deepEqual(event, { kind: 'mail', path, params });
    }),
  );
});

test('any macros survive the wire, read strictly', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(name, name), { maxLength: 6 }), (pairs) => {
      const event = decodeEvent(frameOf(hex(written((w) => encodeMacros(w, 'end', pairs)))), true);
      assert.deepEqual(event, { kind: 'macro', event: 'end', pairs });
    }),
  );
});

test('any header, unknown line and greeting survive the wire', () => {
  fc.assert(
    fc.property(text, text, (a, b) => {
      assert.deepEqual(decodeEvent(frameOf(hex(written((w) => encodeHeader(w, a, b))))), {
        kind: 'header',
        name: a,
        value: b,
      });
      assert.deepEqual(decodeEvent(frameOf(hex(written((w) => encodeUnknown(w, a))))), {
        kind: 'unknown',
        line: a,
      });
      assert.deepEqual(decodeEvent(frameOf(hex(written((w) => encodeHelo(w, b))))), {
        kind: 'helo',
        name: b,
      });
    }),
  );
});

test('any edit survives the wire', () => {
  const index = fc.integer({ min: 0, max: 0x7fffffff });
  const edits = fc.oneof<fc.Arbitrary<Edit>[]>(
    fc.record({ kind: fc.constant('addHeader'), name, value: text }),
    fc.record({ kind: fc.constant('insertHeader'), index, name, value: text }),
    fc.record({ kind: fc.constant('changeHeader'), index, name, value: text }),
    fc.record({ kind: fc.constant('addRecipient'), address: text, params: text }),
    fc.record({ kind: fc.constant('deleteRecipient'), address: text }),
    fc.record({ kind: fc.constant('changeSender'), address: text, params: text }),
    fc.record({ kind: fc.constant('quarantine'), reason: text }),
  );
  fc.assert(
    fc.property(edits, (value) => {
      const answer = decodeAnswer(frameOf(hex(written((w) => encodeEdit(w, value)))));
      assert.ok(answer.kind === 'edit');
      assert.deepEqual(answer.edit, { ...value });
    }),
  );
});

test('no frame makes a decoder throw anything but its own error', () => {
  fc.assert(
    fc.property(fc.nat(255), fc.uint8Array({ maxLength: 40 }), (code, payload) => {
      for (const decode of [decodeAnswer, decodeEvent]) {
        try {
          decode({ code, payload });
        } catch (error) {
          assert.ok(error instanceof MilterProtocolError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
