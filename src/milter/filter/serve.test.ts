import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { defineMilter, reject, serve, type LogEntry, type ServeOptions } from '#milter/filter';
import { CONNECT, HELO, MAIL, PLAIN_OFFER, RCPT, frame, framesOf } from './raw-mta.cases.ts';

const folder = await mkdtemp(join(tmpdir(), 'filter-'));
after(() => rm(folder, { recursive: true }));

const filter = defineMilter({
  name: 't',
  needs: ['addHeaders'],
  onRcpt: (_s, to) => (to.local === 'bad' ? reject(550, '5.1.1', 'no such user') : undefined),
  onMessage: (_s, _e, msg) => msg.headers.prepend('X-Seen', String(msg.size)),
});
const log: LogEntry[] = [];
const start = (options: Partial<ServeOptions> = {}, f = filter) =>
  serve(f, { listen: 'inet:0@127.0.0.1', signals: [], log: (e) => log.push(e), ...options });
const portOf = (address: string) => Number(/:(\d+)@/.exec(address)![1]);

/** A socket whose bytes are written and read by hand. */
function dial(address: string) {
  const socket: Socket = address.startsWith('unix:')
    ? connect(address.slice(5))
    : connect({ port: portOf(address), host: address.split('@')[1]! });
  let got = Buffer.alloc(0);
  socket.on('data', (d) => (got = Buffer.concat([got, d])));
  socket.on('error', () => {});
  return {
    socket,
    closed: new Promise<void>((resolve) => socket.once('close', () => resolve())),
    /** Reads until that many bytes are there, and takes them. */
    async bytes(count: number): Promise<string> {
      while (got.length < count) await once(socket, 'data');
      const taken = got.subarray(0, count);
      got = got.subarray(count);
      return taken.toString('hex');
    },
    async frames(count: number): Promise<string[]> {
      for (;;) {
        try {
          const all = framesOf(got);
          if (all.length >= count) {
            got = Buffer.alloc(0);
            return all;
          }
        } catch {
          // A frame is not complete yet.
        }
        await once(socket, 'data');
      }
    },
  };
}

test('speaks the protocol byte for byte over a socket, several addresses at a time', async () => {
  const path = join(folder, 'two.sock');
  await using serving = await start({ listen: ['inet:0@127.0.0.1', `unix:${path}`] });
  assert.equal(serving.addresses[1], `unix:${path}`);
  for (const address of serving.addresses) {
    const mta = dial(address);
    const say = (hex: string) => mta.socket.write(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
    say('00 00 00 0d 4f 00 00 00 06 00 00 01 ff 00 1f ff ff');
    // ADDHDRS; NR for CONNECT HELO MAIL HDR BODY; NO for DATA EOH UNKNOWN.
    assert.equal(await mta.bytes(17), '0000000d4f0000000600000001000873c0');
    say('00 00 00 18 43 68 2e 65 78 61 6d 70 6c 65 00 34 09 dd 31 39 32 2e 30 2e 32 2e 31 00');
    say(
      '00 00 00 1f 4d 3c 61 40 62 2e 63 3e 00 53 49 5a 45 3d 31 30 00 42 4f 44 59 3d 38 42 49 54 4d 49 4d 45 00',
    );
    say('00 00 00 09 52 3c 64 40 65 2e 66 3e 00');
    assert.equal(await mta.bytes(5), '0000000163');
    say('00 00 00 0b 52 3c 62 61 64 40 65 2e 66 3e 00');
    assert.equal(await mta.bytes(28), '0000001879' + Buffer.from('550 5.1.1 no such user\0').toString('hex'));
    say('00 00 00 13 4c 53 75 62 6a 65 63 74 00 68 69 0a 20 74 68 65 72 65 00');
    say('00 00 00 05 42 68 69 0d 0a');
    say('00 00 00 01 45');
    assert.equal(await mta.bytes(23), '0000000e6900000001582d5365656e0034000000000163');
    say('00 00 00 01 51');
    await mta.closed;
  }
});

test('a stale unix socket is replaced, with the mode asked for; a living one and a file are left alone', async () => {
  const path = join(folder, 'stale.sock');
  // A socket whose owner died: bound, then closed without unlinking.
  const dead = createServer().listen(path);
  await once(dead, 'listening');
  const { rename } = await import('node:fs/promises');
  await rename(path, path + '.kept');
  dead.close();
  await rename(path + '.kept', path);
  const serving = await start({ listen: `unix:${path}`, mode: 0o600 });
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  await assert.rejects(start({ listen: `unix:${path}` }), { code: 'socket_in_use' });
  await serving.close();
  const file = join(folder, 'file');
  await writeFile(file, 'precious');
  await assert.rejects(start({ listen: `unix:${file}` }), { code: 'socket_in_use' });
  assert.equal((await stat(file)).size, 8);
});

test('when one address cannot be had none is kept', async () => {
  const path = join(folder, 'none.sock');
  await assert.rejects(start({ listen: [`unix:${path}`, 'nonsense'] }), { code: 'listen' });
  await assert.rejects(stat(path), { code: 'ENOENT' });
});

test('connections beyond the bound are turned away', async () => {
  await using serving = await start({ maxConnections: 1 });
  const one = dial(serving.addresses[0]!);
  one.socket.write(PLAIN_OFFER);
  await one.frames(1);
  const two = dial(serving.addresses[0]!);
  await two.closed;
  one.socket.destroy();
});

test('a connection that does not negotiate, or falls silent, is closed', async () => {
  await using serving = await start({ negotiateWithin: 1, idle: 1 });
  const mute = dial(serving.addresses[0]!);
  await mute.closed;
  await using patient = await start({ idle: 1 });
  const idle = dial(patient.addresses[0]!);
  idle.socket.write(PLAIN_OFFER);
  await idle.frames(1);
  await idle.closed;
  assert.deepEqual(
    log.filter((e) => e.event === 'connection.silent').map((e) => e.says),
    ['no option negotiation came', 'nothing was said for too long'],
  );
});

test('close lets a client finish, ends idle connections at once, and stragglers after the drain', async () => {
  const serving = await start();
  const [busy, idle, stuck] = [1, 2, 3].map(() => dial(serving.addresses[0]!));
  for (const c of [busy!, idle!, stuck!]) c.socket.write(PLAIN_OFFER);
  await Promise.all([busy!, idle!, stuck!].map((c) => c.frames(1)));
  for (const c of [busy!, stuck!]) {
    c.socket.write(Buffer.concat([CONNECT, HELO, MAIL, RCPT]));
    await c.frames(4);
  }
  let done = false;
  const closing = serving.close(600_000).then(() => (done = true));
  await idle!.closed;
  await assert.rejects(async () => {
    const late = dial(serving.addresses[0]!);
    late.socket.write(PLAIN_OFFER);
    await Promise.race([late.frames(1), late.closed.then(() => Promise.reject(new Error('closed')))]);
  });
  busy!.socket.write(Buffer.concat([frame('E'), frame('Q')]));
  assert.equal((await busy!.frames(2)).at(-1), 'c');
  await busy!.closed;
  assert.equal(done, false);
  await serving.close(1);
  await Promise.all([stuck!.closed, closing]);
});

test('the filter sees a client that vanishes', async () => {
  const events: string[] = [];
  let closed = (): void => {};
  const gone = new Promise<void>((resolve) => (closed = resolve));
  const watching = defineMilter({
    name: 't',
    onMail() {},
    onAbort: () => void events.push('abort'),
    onClose() {
      events.push('close');
      closed();
    },
  });
  await using serving = await start({}, watching);
  const mta = dial(serving.addresses[0]!);
  mta.socket.write(Buffer.concat([PLAIN_OFFER, MAIL]));
  await mta.frames(2);
  mta.socket.resetAndDestroy();
  await gone;
  assert.deepEqual(events, ['abort', 'close']);
});

test('a signal of the process closes, and handlers for it do not stay', async () => {
  const before = process.listenerCount('SIGUSR2');
  const serving = await start({ signals: ['SIGUSR2'] });
  assert.equal(process.listenerCount('SIGUSR2'), before + 1);
  const probe = dial(serving.addresses[0]!);
  probe.socket.write(PLAIN_OFFER);
  await probe.frames(1);
  process.kill(process.pid, 'SIGUSR2');
  await probe.closed;
  await serving.close();
  assert.equal(process.listenerCount('SIGUSR2'), before);
});
