// Larger frames: agreed on by MDS bits in flagsProtocol and in the filter's choice, otherwise no frame is above 65535 bytes.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { frame, frames, house, rawFilter } from './support/house.ts';
import { sameBytes, startOutbox, withoutTrace } from './support/outbox.ts';

const [MDS_256K, MDS_1M] = [0x10000000, 0x20000000];
const [BOTH, EVERY] = [0x30000000, 0x1fffff];
const [OF_256K, OF_1M, OF_64K] = [262_143, 1_048_575, 65_535];

/** A number of the wire: four bytes, highest first. */
const uint32 = (n: number): string =>
  String.fromCharCode(n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255);

const LINE = 'a line of the body that is said again and again, and again and then once more\r\n';
const BODY = LINE.repeat(Math.ceil(2_500_000 / LINE.length));
const NEW_BODY = 'X'.repeat(200_000) + '\r\n';

for (const [what, offered, chosen, size] of [
  ['both sides have MDS_256K', EVERY | MDS_256K, MDS_256K, OF_256K],
  ['both sides have MDS_1M', EVERY | MDS_1M, MDS_1M, OF_1M],
  ['both are offered and the filter takes MDS_256K', EVERY | BOTH, MDS_256K, OF_256K],
  ['both are offered and the filter takes MDS_1M', EVERY | BOTH, MDS_1M, OF_1M],
  ['MDS_1M is offered and the filter takes neither', EVERY | MDS_1M, 0, OF_64K],
  ['MDS_1M is offered and the filter takes MDS_256K', EVERY | MDS_1M, MDS_256K, OF_64K],
  ['nothing of it is offered and the filter says MDS_1M', null, MDS_1M, OF_64K],
] as const)
  test(`frames have at most ${size} bytes when ${what}`, async (t) => {
    const cleanup = new Cleanup(t);
    const offers: string[] = [];
    const chunks: string[] = [];
    const port = await rawFilter(cleanup, (socket) =>
      frames(socket, (code, payload) => {
        if (code === 'O') {
          offers.push(payload.slice(8, 12));
          socket.write(frame('O', uint32(6) + uint32(0x1ff) + uint32(chosen)), 'latin1');
        } else if (code === 'E') socket.write(frame('b', NEW_BODY) + frame('c'), 'latin1');
        else if ('CHMRTLNB'.includes(code)) socket.write(frame('c'), 'latin1');
        if (code === 'B') chunks.push(payload);
      }),
    );
    // The one before it edits, so that this one is given the whole message in one go.
    const first = await rawFilter(cleanup, (socket) =>
      frames(socket, (code) => {
        if (code === 'O') socket.write(frame('O', uint32(6) + uint32(0x1ff) + uint32(0)), 'latin1');
        else if ('CHMRTLNBE'.includes(code)) socket.write(frame('c'), 'latin1');
      }),
    );
    const outbox = await startOutbox(cleanup);
    const h = await house(
      cleanup,
      [{ port: first }, { port, more: offered === null ? {} : { flagsProtocol: offered } }],
      { delivery: outbox.delivery },
    );
    const session = await h.open();
    const { reply } = await session.transaction('a@out.test', ['b@in.test'], `Subject: x\r\n\r\n${BODY}`);
    assert.equal(reply.code, 250, reply.text);
    await session.quit();
    assert.deepEqual(offers, [uint32(offered ?? EVERY)]);
    assert.ok(chunks.join('') === BODY, 'the body is whole');
    const sizes = chunks.map((chunk) => chunk.length);
    assert.equal(Math.max(...sizes), size, sizes.join(' '));
    // What the filter sends is bound by maxResponseSize alone.
    sameBytes(withoutTrace((await outbox.message(1)).content), `R\r\nSubject: x\r\n\r\n${NEW_BODY}`);
  });

test('a field larger than a frame of 65535 bytes is shown whole where larger frames were agreed on', async (t) => {
  const field = `X-Big: ${'y'.repeat(900)}\r\n`.replace(
    '\r\n',
    `${`\r\n ${'z'.repeat(900)}`.repeat(110)}\r\n`,
  );
  for (const [chosen, code] of [
    [MDS_256K, 250],
    [0, 552],
  ] as const) {
    const cleanup = new Cleanup(t);
    const headers: string[] = [];
    const port = await rawFilter(cleanup, (socket) =>
      frames(socket, (letter, payload) => {
        if (letter === 'O') socket.write(frame('O', uint32(6) + uint32(0x1ff) + uint32(chosen)), 'latin1');
        else if ('CHMRTLNBE'.includes(letter)) socket.write(frame('c'), 'latin1');
        if (letter === 'L') headers.push(payload);
      }),
    );
    const h = await house(cleanup, [{ port, more: { flagsProtocol: EVERY | MDS_256K } }]);
    const session = await h.open();
    const { reply } = await session.transaction('a@out.test', ['b@in.test'], `${field}\r\nbody\r\n`);
    assert.equal(reply.code, code, reply.text);
    await session.quit();
    if (code === 250)
      assert.equal(headers[0], field.replace(': ', '\0').replaceAll('\r\n', '\n').replace(/\n$/, '\0'));
  }
});
