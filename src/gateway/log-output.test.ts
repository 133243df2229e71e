import assert from 'node:assert/strict';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FileOutput, PipeOutput } from './log-output.ts';

const server = createServer();
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
after(() => server.close());

/** An output and its reader, who does not read yet. */
async function pipe(): Promise<{ output: PipeOutput; reader: Socket }> {
  const { port } = server.address() as { port: number };
  const [[reader], socket] = await Promise.all([
    once(server, 'connection') as Promise<[Socket]>,
    new Promise<Socket>((resolve) => {
      const connecting = connect(port, '127.0.0.1', () => resolve(connecting));
    }),
  ]);
  return { output: new PipeOutput(socket), reader };
}

test('lines arrive whole and in order, the last of them when the output is closed', async () => {
  const { output, reader } = await pipe();
  let text = '';
  reader.setEncoding('utf8').on('data', (more: string) => (text += more));
  const lines = Array.from({ length: 5000 }, (_, i) => `line ${i}\n`);
  for (const line of lines) output.write(line);
  await output.close();
  while (text.length < lines.join('').length) await once(reader, 'data');
  assert.equal(text, lines.join(''));
  reader.destroy();
});

test('when nobody reads, lines wait up to the bound, then are dropped, counted and told of when reading goes on', async () => {
  const { output, reader } = await pipe();
  const told: number[] = [];
  output.tellLost((lines) => told.push(lines));
  const line = `${'x'.repeat(99_999)}\n`;
  let [taken, dropped] = [0, 0];
  // The system holds some megabytes for us; beyond, the output's own bound counts.
  for (let i = 0; i < 400; i++) {
    await new Promise(setImmediate);
    if (output.write(line)) taken++;
    else dropped++;
  }
  assert.ok(dropped > 100, String(dropped));
  assert.deepEqual(told, []);
  const drained = new Promise<void>((resolve) => output.once('drain', resolve));
  let read = 0;
  reader.on('data', (more: Buffer) => (read += more.length));
  await drained;
  assert.equal(told.length, 1);
  await output.close();
  assert.equal(output.write('after\n'), true);
  while (read < (400 - told[0]!) * line.length) await once(reader, 'data');
  assert.ok(taken + dropped === 400 && told[0]! <= dropped && told[0]! > dropped - 20);
  reader.destroy();
});

test('a reader that is gone costs nothing: lines are dropped, nobody waits', async () => {
  const { output, reader } = await pipe();
  reader.resetAndDestroy();
  for (let i = 0; i < 100_000 && output.write('gone\n'); i++)
    if (i % 1000 === 0) await new Promise(setImmediate);
  await new Promise<void>((resolve) => output.once('drain', resolve));
  assert.equal(output.write('x'.repeat(2_000_000)), true);
  await output.close();
});

test('closing does not wait for ever for a reader that has stopped', async () => {
  const { output, reader } = await pipe();
  for (let i = 0; i < 200; i++) {
    await new Promise(setImmediate);
    output.write(`${'x'.repeat(99_999)}\n`);
  }
  const began = performance.now();
  await output.close();
  const took = performance.now() - began;
  assert.ok(took > 500 && took < 5000, String(took));
  reader.destroy();
});

test('a file gets all lines in order, what came while others were written and the last ones included', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-log-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const fd = openSync(join(folder, 'log'), 'a');
  t.after(() => closeSync(fd));
  const exits = process.listenerCount('exit');
  const output = new FileOutput(fd);
  const lines = Array.from({ length: 5000 }, (_, i) => `línea ${i}\n`);
  for (const line of lines) {
    if (!output.write(line)) await new Promise<void>((resolve) => output.once('drain', resolve));
  }
  output.write('the last\n');
  await output.close();
  assert.equal(readFileSync(join(folder, 'log'), 'utf8'), `${lines.join('')}the last\n`);
  assert.equal(process.listenerCount('exit'), exits, 'nothing is left for the end of the process');
  assert.equal(output.write('after\n'), true);
});

test('on a full volume lines wait up to the bound, the others are dropped, and closing ends at once', async (t) => {
  const fd = openSync('/dev/full', 'a');
  t.after(() => closeSync(fd));
  const exits = process.listenerCount('exit');
  const output = new FileOutput(fd);
  const told: number[] = [];
  output.tellLost((lines) => told.push(lines));
  const line = `${'x'.repeat(9_999)}\n`;
  let [taken, refused] = [0, 0];
  for (let i = 0; i < 400; i++) {
    if (output.write(line)) taken++;
    else refused++;
    if (i % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.ok(taken < 5 && refused > 390, `${taken} ${refused}`);
  const began = performance.now();
  await output.close();
  assert.ok(performance.now() - began < 900);
  assert.equal(process.listenerCount('exit'), exits);
  assert.deepEqual(told, []);
});
