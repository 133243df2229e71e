/**
 * A start on a spool with very much in it, and with things in it that do not belong there (R12, D10).
 */
import assert from 'node:assert/strict';
import { chmod, mkdir, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { test, type TestContext } from 'node:test';
import { openLmdbReader } from '#spool';
import { honest, p99, start } from './support/besieged.ts';
import { memoryOf } from './support/crowd.ts';
import { Cleanup, ROOT, tempFolder } from './support/folders.ts';
import { run } from './support/processes.ts';
import { startNextHop } from './support/next-hop.ts';
import { freePorts } from './support/ports.ts';
import { pause, until } from './support/wait.ts';
import { ADMIN, ask, TOKEN } from './support/web.ts';

const MANY = 200_000;
const GOOD = 100_000;
/** Of the good ones, those that are due: what is delivered while the test watches. */
const DUE = 3000;

/** Fills the spool below `state`. */
async function fill(state: string, count: number, soon: number): Promise<void> {
  const program = join(ROOT, 'test', 'support', 'fill-queue.ts');
  const spool = join(state, 'spool');
  const args = [
    '--conditions=source',
    '--import',
    import.meta.resolve('tsx'),
    program,
    spool,
    `${count}`,
    `${soon}`,
  ];
  const { code, output } = await run('fill-queue', process.execPath, args, { limitMs: 60_000 });
  assert.equal(code, 0, output);
}

/** Pages, a search and a bulk delete over HTTP, while honest clients are served. */
async function orders(t: TestContext, admin: number, port: number): Promise<void> {
  const queue = async (query: string): Promise<{ entries: unknown[]; next?: string | null }> => {
    const answer = await ask(admin, 'GET', `/api/v1/queue?${query}`, { headers: ADMIN });
    assert.equal(answer.status, 200, answer.text);
    return answer.json() as { entries: unknown[]; next?: string | null };
  };
  const timed = async <T>(what: string, limitMs: number, work: () => Promise<T>): Promise<T> => {
    const times: number[] = [];
    const end = new AbortController();
    const clients = (async () => {
      while (!end.signal.aborted) {
        times.push(await honest(port));
        await pause(20);
      }
    })();
    const began = performance.now();
    const result = await work().finally(() => end.abort());
    const took = performance.now() - began;
    await clients;
    t.diagnostic(
      `${what}: ${took.toFixed(0)} ms; mail meanwhile p99 ${p99(times).toFixed(0)} ms of ${times.length}`,
    );
    assert.ok(took < limitMs, `${what} took ${took.toFixed(0)} ms`);
    assert.ok(p99(times) < 1000, `${what}: mail waited ${p99(times).toFixed(0)} ms`);
    return result;
  };
  await timed('20 pages of 100', 20_000, async () => {
    for (let pages = 0, after = ''; pages < 20; pages++) {
      const began = performance.now();
      const page = await queue(`limit=100${after && `&after=${after}`}`);
      assert.ok(performance.now() - began < 1000, `a page took ${performance.now() - began} ms`);
      assert.equal(page.entries.length, 100);
      after = page.next!;
    }
  });
  const found = await timed('a search through all', 30_000, async () => {
    let count = 0;
    let after: string | null | undefined = '';
    do {
      const page = await queue(
        `where=${encodeURIComponent('sender=s199999@load.test')}${after && `&after=${after}`}`,
      );
      count += page.entries.length;
      after = page.next;
    } while (after);
    return count;
  });
  assert.equal(found, 1);
  // Those that are being tried at that moment are answered as busy, and are there for the next order.
  const body = { verb: 'delete', where: ['rcpt=r19*@in.test'] };
  const rounds: Record<string, number>[] = [];
  const left = (): number => (rounds.length === 0 ? 1 : (rounds.at(-1)!['busy'] ?? 0));
  await timed('deleting 11,111', 60_000, async () => {
    while (left() > 0 && rounds.length < 20) {
      const about = { headers: ADMIN, body, limitMs: 60_000 };
      const answer = await ask(admin, 'POST', '/api/v1/queue-orders', about);
      assert.equal(answer.status, 200, answer.text.slice(0, 300));
      const count: Record<string, number> = {};
      for (const line of answer.text.split('\n').filter(Boolean)) {
        const { result } = JSON.parse(line) as { result: string };
        count[result] = (count[result] ?? 0) + 1;
      }
      rounds.push(count);
    }
  });
  t.diagnostic(`orders: ${JSON.stringify(rounds)}`);
  const done = rounds.reduce((sum, { done: n = 0 }) => sum + n, 0);
  assert.equal(done, 11_111, 'each once');
}

test(`R12: with ${MANY} messages queued and the next hop down: up in 10 s, under 500 MB, listed and fed meanwhile`, async (t) => {
  const cleanup = new Cleanup(t);
  const state = await tempFolder(cleanup);
  const began = performance.now();
  await fill(state, MANY, MANY);
  t.diagnostic(`filled in ${(performance.now() - began).toFixed(0)} ms`);
  const [down = 0, admin = 0] = await freePorts(2);
  const at = performance.now();
  const { port, gateway } = await start(t, {
    listener: { limits: { maxConnectionRate: 1_000_000 } },
    more: {
      stateDir: state,
      delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${down}`] }], retry: ['1h'] },
      admin: { bind: `127.0.0.1:${admin}`, token: TOKEN },
    },
  });
  t.diagnostic(`greets after ${(performance.now() - at).toFixed(0)} ms`);
  assert.ok(performance.now() - at < 10_000);
  const times: number[] = [];
  const ingest = async (): Promise<void> => {
    for (let n = 0; n < 300; n++) times.push(await honest(port));
  };
  const [lines] = await Promise.all([gateway.queue(), ingest()]);
  assert.ok(lines.length >= MANY, `${lines.length} listed`);
  const reader = await openLmdbReader({ dir: join(state, 'spool'), notices: () => undefined });
  for (let after = '', pages = 0; pages < 20; pages++) {
    const asked = performance.now();
    const page = await reader.list({ limit: 500, after, state: 'queued' });
    assert.ok(performance.now() - asked < 1000, `a page took ${performance.now() - asked} ms`);
    after = page.at(-1)!.id;
  }
  await reader.close();
  await orders(t, admin, port);
  const { pid } = gateway.process;
  t.diagnostic(
    `ingest p99 ${p99(times).toFixed(0)} ms of ${times.length}; ${(await memoryOf(pid)).toFixed(0)} MB`,
  );
  assert.ok(p99(times) < 500);
  assert.ok((await memoryOf(pid)) < 500);
});

/** What may lie in a folder of the spool and is none of ours. `outside`: what links point to. */
async function litter(folder: string, outside: string): Promise<void> {
  await writeFile(join(folder, 'empty'), '');
  await writeFile(join(folder, 'garbage'), Buffer.alloc(5000, 0x9d));
  await writeFile(join(folder, 'large'), '');
  await truncate(join(folder, 'large'), 2 ** 30);
  await mkdir(join(folder, '0A1B2C3D4E5F'));
  await writeFile(join(folder, '0A1B2C3D4E5F', 'inner'), 'x');
  await symlink(join(folder, 'nowhere'), join(folder, 'dangling'));
  await symlink(join(folder, 'loop'), join(folder, 'loop'));
  await symlink(outside, join(folder, 'outside'));
  await writeFile(join(folder, '..%2f'), 'x');
  await writeFile(join(folder, 'unreadable'), 'x');
  await chmod(join(folder, 'unreadable'), 0);
}

test(`D10: on a spool with ${GOOD} good messages and every kind of litter the gateway starts, delivers, and sets the litter aside`, async (t) => {
  const cleanup = new Cleanup(t);
  const state = await tempFolder(cleanup);
  const outside = await tempFolder(cleanup);
  await writeFile(join(outside, 'precious'), 'not of the spool');
  await fill(state, GOOD, DUE);
  const spool = join(state, 'spool');
  for (const name of ['incoming', 'bodies', 'open']) await litter(join(spool, name), outside);
  let taken = 0;
  const [hop = 0] = await freePorts(1);
  await startNextHop(cleanup, hop, () => {
    taken++;
    return '250 2.0.0 taken';
  });
  const at = performance.now();
  const { gateway } = await start(t, {
    more: {
      stateDir: state,
      delivery: { routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop}`] }], retry: ['4h'] },
    },
  });
  t.diagnostic(`greets after ${(performance.now() - at).toFixed(0)} ms`);
  assert.ok(performance.now() - at < 10_000);
  await until('the good ones to be delivered', 20_000, () => taken >= DUE);
  const said = (event: string): number => gateway.log.filter((line) => line['event'] === event).length;
  assert.equal(said('spool.stranger'), 2 * 9, 'each stranger is told of');
  for (const name of ['incoming', 'bodies']) assert.deepEqual(await readdir(join(spool, name)), []);
  assert.equal((await readdir(join(spool, 'damaged'))).length, 2 * 9);
  assert.equal(await readFile(join(outside, 'precious'), 'latin1'), 'not of the spool');
  assert.deepEqual(await readdir(outside), ['precious']);
  assert.equal(taken, DUE);
});
