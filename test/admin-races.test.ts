/**
 * A17: orders of four clients over the API race each other and a gateway that delivers all the while: every answer is true, nothing
 * is lost or doubled, and who did what is written down, also after a restart.
 */
import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import test from 'node:test';
import { Cleanup } from './support/folders.ts';
import { deferred, relaying, send, TAKES } from './support/operator.ts';
import { until } from './support/wait.ts';

const MESSAGES = 500;

interface Answer {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Requests over the control socket, under a name. */
function client(socketPath: string, who: string) {
  const agent = new Agent({ keepAlive: true, maxSockets: 4 });
  const ask = (method: string, path: string, what?: object): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const headers = { 'content-type': 'application/json', 'x-operator': who };
      const made = request({ socketPath, agent, method, path, headers }, (answer) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (more: string) => (text += more));
        answer.once('end', () => {
          resolve({
            status: answer.statusCode ?? 0,
            body: text === '' ? {} : (JSON.parse(text) as Answer['body']),
          });
        });
      });
      made.once('error', reject);
      made.end(what && JSON.stringify(what));
    });
  return { ask, close: () => agent.destroy() };
}

test('A17: delete, hold, release and retry of four clients and a job race the delivery of 500 messages', async (t) => {
  const cleanup = new Cleanup(t);
  const { gateway, folder, port, hop } = await relaying(cleanup);
  const ids = await send(port, MESSAGES);
  await deferred(gateway, MESSAGES);
  hop.answer = TAKES;
  const socket = join(folder, 'state/control.sock');
  const done = new Map<string, { verb: string; who: string }[]>();
  const statuses = new Map<number, number>();
  const verbs = ['retry', 'hold', 'release', 'delete'];

  let onHalf = (): Promise<void> => Promise.resolve();
  const race = async (offset: number): Promise<void> => {
    const who = `client${offset}`;
    const { ask, close } = client(socket, who);
    for (let n = 0; n < ids.length; n++) {
      if (offset === 0 && n === ids.length / 2) await onHalf();
      const id = ids[(n * 7 + offset * 125) % ids.length]!;
      const verb = verbs[(n + offset) % 4]!;
      if (verb === 'delete' && n % 8 > 3) continue;
      const { status, body } = await ask('POST', `/api/v1/queue/${id}/${verb}`, {});
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.equal(
        status,
        { done: 200, absent: 404, busy: 409, unfit: 409 }[String(body['result'])],
        JSON.stringify(body),
      );
      if (status === 200) done.set(id, [...(done.get(id) ?? []), { verb, who }]);
    }
    close();
  };

  const boss = client(socket, 'boss');
  cleanup.after(() => boss.close());
  let begun: Answer | undefined;
  onHalf = async () => {
    begun = await boss.ask('POST', '/api/v1/jobs', { verb: 'retry', all: true });
    assert.equal(begun.status, 202);
  };
  await Promise.all([0, 1, 2, 3].map(race));
  for (const status of [200, 404, 409])
    assert.ok((statuses.get(status) ?? 0) > 0, `nothing was answered ${status}`);
  const job = await until('the job to end', 10_000, async () => {
    const { body } = await boss.ask('GET', `/api/v1/jobs/${String(begun!.body['id'])}`);
    return body['finished'] === true && body;
  });
  assert.equal(Number(job['done']) + Number(job['failed']), job['total']);

  // What is left goes out now.
  for (const order of [
    { verb: 'release', where: ['state=held'] },
    { verb: 'retry', all: true },
  ]) {
    const { body } = await boss.ask('POST', '/api/v1/jobs', order);
    await until(
      'a job to end',
      10_000,
      async () => (await boss.ask('GET', `/api/v1/jobs/${String(body['id'])}`)).body['finished'] === true,
    );
  }
  await until('the queue to be empty', 30_000, async () => (await gateway.queue()).length === 0);

  const copies = new Map<string, number>();
  for (const { content } of hop.taken) {
    const n = /^Subject: (\d+)/m.exec(content)![1]!;
    copies.set(n, (copies.get(n) ?? 0) + 1);
  }
  const deleted = (id: string): boolean => done.get(id)?.some(({ verb }) => verb === 'delete') === true;
  for (const [n, id] of ids.entries())
    assert.equal(copies.get(String(n)) ?? 0, deleted(id) ? 0 : 1, `message ${n} ${id}`);
  assert.ok(ids.filter(deleted).length > 20, 'too few were deleted to tell');

  const audit = async (): Promise<void> => {
    const { ask, close } = client(socket, 'auditor');
    for (const [id, orders] of done) {
      const { records } = (await ask('GET', `/api/v1/quarantine/${id}/audit`)).body as {
        records: { verb: string; by: string; result: string }[];
      };
      const told = records.filter((r) => r.result === 'done' && r.by.startsWith('operator:client'));
      const words = (all: readonly { verb: string; who: string }[]): string[] =>
        all.map((o) => `${o.verb} ${o.who}`).toSorted();
      assert.deepEqual(
        words(told.map((r) => ({ verb: r.verb, who: r.by.slice('operator:'.length) }))),
        words(orders),
        id,
      );
    }
    close();
  };
  await audit();
  await gateway.kill();
  await gateway.start();
  // It greets before it opens its doors for operators.
  await until(
    'the control socket',
    10_000,
    () => gateway.log.filter((l) => l['event'] === 'gateway.started').length === 2,
  );
  await audit();
});
