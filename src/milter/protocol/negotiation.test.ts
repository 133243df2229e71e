import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  DEFAULT_MACROS,
  FrameWriter,
  MilterProtocolError,
  SMFIF,
  SMFIP,
  agree,
  awaitsAnswer,
  codeName,
  decodeChoice,
  encodeStageMacros,
  flagNames,
  macrosFor,
  makeOffer,
  rightsOf,
  sendsEvent,
  strangerOf,
  type Choice,
  type Offer,
} from '#milter/protocol';
import { latin1 } from '#message';
import { hex } from './vectors.cases.ts';

const FULL: Offer = makeOffer(6);
const choice = (version: number, actions: number, protocol: number): Choice => ({
  version,
  actions,
  protocol,
  macros: new Map(),
});

const refusal = (offer: Offer, chosen: Choice): string => {
  try {
    agree(offer, chosen);
  } catch (error) {
    assert.ok(error instanceof MilterProtocolError && error.code === 'negotiation');
    return error.message;
  }
  return '';
};

test('the offer of a version is everything it has, or what was configured masked to it', () => {
  assert.deepEqual(makeOffer(6), { version: 6, actions: 0x1ff, protocol: 0x1fffff });
  assert.deepEqual(makeOffer(2), { version: 2, actions: 0x3f, protocol: 0x7f });
  assert.deepEqual(makeOffer(3), { version: 3, actions: 0x3f, protocol: 0x17f });
  assert.deepEqual(makeOffer(6, 255, 66), { version: 6, actions: 255, protocol: 66 });
  assert.deepEqual(makeOffer(2, 255, 0xffff), { version: 2, actions: 0x3f, protocol: 0x7f });
  assert.equal(makeOffer(6, undefined, 0x301fffff).protocol, 0x301fffff);
});

test('the measured replies of real filters lead to the agreements they expect', () => {
  const dkim = agree(FULL, choice(6, 0x111, 0x100702));
  assert.ok(!sendsEvent(dkim, 'helo') && !sendsEvent(dkim, 'unknown') && !sendsEvent(dkim, 'data'));
  assert.ok(sendsEvent(dkim, 'body') && awaitsAnswer(dkim, 'body'));
  const rspamd = agree(makeOffer(6, 255, 66), choice(6, 0xff, 0xff080));
  for (const event of [
    'connect',
    'helo',
    'mail',
    'rcpt',
    'data',
    'header',
    'eoh',
    'body',
    'unknown',
  ] as const)
    assert.ok(sendsEvent(rspamd, event) && !awaitsAnswer(rspamd, event), event);
  assert.ok(awaitsAnswer(rspamd, 'end'));
  const dmarc = agree(FULL, choice(6, 0x21, 0x710));
  assert.ok(!sendsEvent(dmarc, 'body') && sendsEvent(dmarc, 'end'));
});

test('versions outside what was offered are refused, all within work', () => {
  for (const version of [0, 1, 7, 0xffffffff]) assert.match(refusal(FULL, choice(version, 0, 0)), /version/);
  assert.match(refusal(makeOffer(2), choice(3, 0, 0)), /version 3/);
  for (const version of [2, 3, 4, 5, 6]) assert.equal(agree(FULL, choice(version, 0, 0)).version, version);
});

test('a lower version drops the commands it does not know', () => {
  const events = (version: number): boolean[] =>
    (['data', 'unknown', 'eoh'] as const).map((e) => sendsEvent(agree(FULL, choice(version, 0, 0)), e));
  assert.deepEqual(events(2), [false, false, true]);
  assert.deepEqual(events(3), [false, true, true]);
  assert.deepEqual(events(4), [true, true, true]);
});

test('bits a version cannot have are cleared, NR_HDR is older than its number', () => {
  assert.equal(agree(FULL, choice(2, 0x1ff, 0x1fffff)).protocol, 0xff);
  assert.equal(agree(FULL, choice(2, 0x1ff, 0)).actions, 0x3f);
  assert.equal(agree(FULL, choice(6, 0, 0xc0000000)).protocol, 0);
});

test('actions that were not offered are refused with what to set', () => {
  assert.match(refusal(makeOffer(6, 0x01), choice(6, 0x3f, 0)), /CHGBODY.*set flagsAction to 63 \(0x3f\)/);
  assert.match(refusal(makeOffer(6, 255), choice(6, 0x111, 0)), /SETSYMLIST.*511/);
  assert.match(refusal(makeOffer(2), choice(2, 0x40, 0)), /CHGFROM.*protocolVersion v6/);
  assert.match(refusal(FULL, choice(6, 0x1000, 0)), /0x1000.*no action/);
});

test('a larger data size needs both sides', () => {
  const sized = (offered: number, chosen: number): number =>
    agree(makeOffer(6, undefined, offered), choice(6, 0, chosen)).maxData;
  assert.equal(sized(0, 0x10000000), 65535);
  assert.equal(sized(0x30000000, 0), 65535);
  assert.equal(sized(0x30000000, 0x10000000), 262143);
  assert.equal(sized(0x30000000, 0x20000000), 1048575);
});

const TAIL = '00000006 00000111 00000000';

test('macro lists replace the default per stage; empty means none; unknown stages are passed over', () => {
  // EOM "i {x}", stage 9 "z", CONNECT empty, MAIL "{i},auth_type"
  const bytes = hex(
    `${TAIL} 00000005 69207b787d00 00000009 7a00 00000000 00 00000002 7b697d2c617574685f7479706500`,
  );
  const agreement = agree(FULL, decodeChoice(bytes));
  assert.deepEqual(
    [...agreement.macros],
    [
      ['end', ['i', 'x']],
      ['connect', []],
      ['mail', ['i', '{auth_type}']],
    ],
  );
  const all = (n: string): string => n.toUpperCase();
  assert.deepEqual(macrosFor(agreement, 'connect', all), []);
  assert.deepEqual(macrosFor(agreement, 'mail', all), [
    ['i', 'I'],
    ['{auth_type}', '{AUTH_TYPE}'],
  ]);
  assert.deepEqual(macrosFor(agreement, 'data', all), [['i', 'I']]);
  assert.equal(agree(makeOffer(6, 0xff), { ...decodeChoice(bytes), actions: 0x11 }).macros.size, 0);
});

test('the number of names in a list is bound: 256 go, 257 do not', () => {
  const tail = (n: number): Uint8Array =>
    Uint8Array.from([...hex(`${TAIL} 00000000`), ...Buffer.from('i '.repeat(n)), 0]);
  assert.equal(decodeChoice(tail(256)).macros.get('connect')!.length, 256);
  assert.throws(() => decodeChoice(tail(257)), { code: 'negotiation' });
});

test('stage macros: no frame for an empty list, an empty frame when nothing has a value', () => {
  const agreement = { macros: new Map([['helo', []]] as const) };
  const writer = new FrameWriter();
  encodeStageMacros(writer, agreement, 'helo', () => 'x');
  assert.equal(writer.size, 0);
  encodeStageMacros(writer, agreement, 'rcpt', () => undefined);
  assert.equal(latin1(writer.take()[0]!), '\0\0\0\x02DR');
  encodeStageMacros(writer, agreement, 'end', (n) => (n === 'i' ? 'Q1' : ''));
  assert.equal(latin1(writer.take()[0]!), '\0\0\0\x07DEi\0Q1\0');
});

test('default lists hold wire names only', () => {
  for (const list of Object.values(DEFAULT_MACROS))
    for (const name of list) assert.match(name, /^(?:[a-zA-Z_]|\{[a-z_]{2,}\})$/);
});

test('numbers have their names', () => {
  assert.deepEqual(flagNames(0x21, SMFIF), ['ADDHDRS', 'QUARANTINE']);
  assert.deepEqual(flagNames(0x80000402, SMFIP), ['NOHELO', 'SKIP', '0x80000000']);
  assert.equal(codeName(0x7a, { A: 1 }), '0x7a');
  assert.equal(strangerOf(0x01020304), null);
});

test('the option reply is bound: 65535 bytes go, one more does not', () => {
  const reply = (length: number): Uint8Array => {
    const bytes = new Uint8Array(length).fill(0x61);
    bytes.set(hex(`${TAIL} 00000000`));
    bytes[length - 1] = 0;
    return bytes;
  };
  assert.equal(decodeChoice(reply(65535)).macros.size, 1);
  assert.throws(() => decodeChoice(reply(65536)), { code: 'negotiation' });
});

test('rights are read off the agreement', () => {
  const rights = (actions: number, protocol = 0): unknown =>
    rightsOf(agree(FULL, choice(6, actions, protocol)));
  const none = { changesContent: false, replacesBody: false, leadingSpace: false };
  assert.deepEqual(rights(0x1ec), none);
  assert.deepEqual(rights(0x01, 0x100000), { ...none, changesContent: true, leadingSpace: true });
  assert.deepEqual(rights(0x10), { ...none, changesContent: true });
  assert.deepEqual(rights(0x02), { ...none, changesContent: true, replacesBody: true });
});
