/**
 * Errors of the gateway itself while filters are asked: they are never a filter's, and no `onError` lets mail pass on them.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EditableMessage } from '#edits';
import { systemClock } from '#gateway';
import { bytesOf, makeField, pathOf, type Body, type Origin } from '#message';
import { defineMilter, serve } from '#milter/filter';
import { makeOffer } from '#milter/protocol';
import type { NoticeFields, NoticeName } from '#notices';
import { Chain, FilterAccess, type FilterSettings, type OnError } from '#stages';
import { Cleanup } from './support/folders.ts';

const CLIENT: Origin = {
  ...{ listener: 'smtp', protocol: 'smtp', session: 's' },
  ...{ remoteAddress: '192.0.2.1', remotePort: 40_000, localAddress: '192.0.2.2', localPort: 25 },
  ...{ clientName: '', clientPtr: '', helo: 'h.test', heloVerb: 'EHLO' },
  ...{ tls: null, user: '', authMethod: '', clientConnections: 1 },
};

/** A filter that may change everything, and one behind it that therefore waits for it. */
async function chained(cleanup: Cleanup, onError: OnError, holds: () => boolean = () => true) {
  const heard: { name: NoticeName; fields: NoticeFields }[] = [];
  const around = {
    clock: systemClock,
    notices: (name: NoticeName, fields: NoticeFields) => void heard.push({ name, fields }),
  };
  const filters: FilterAccess[] = [];
  for (const name of ['first', 'second']) {
    const filter = defineMilter({
      name,
      needs: ['addHeaders', 'replaceBody'],
      onMessage: (_s, _e, message) => message.headers.add('X-Seen', name),
    });
    const served = await serve(filter, { listen: 'inet:0@127.0.0.1', signals: [], log: () => undefined });
    cleanup.after(() => served.close(100));
    const port = Number(/^inet:(\d+)@/.exec(served.addresses[0]!)![1]);
    const settings: FilterSettings = {
      ...{ name, onError, input: 'chained', reuse: false, parallel: false },
      client: {
        endpoint: { kind: 'tcp', host: '127.0.0.1', port },
        ...{ tls: null, offer: makeOffer(6), pipeline: true, nudge: true },
        ...{ timeoutConnect: 5000, timeoutCommand: 5000, timeoutData: 5000, timeoutMessage: 0 },
        ...{ maxResponseSize: 1 << 20, maxBodySize: 1 << 20, maxEdits: 100 },
      },
      stages: new Set(['mail', 'rcpt', 'data']),
      enable: { constant: null, holds },
    };
    const access = new FilterAccess(settings, around);
    cleanup.after(() => access.close());
    filters.push(access);
  }
  const chain = new Chain(
    {
      ...around,
      filters,
      hostname: 'mx.test',
      version: '1',
      mailerOf: () => ({ mailer: 'smtp', host: 'h' }),
    },
    CLIENT,
  );
  cleanup.after(() => chain.close());
  return { chain, heard };
}

const SENDER = pathOf('a@out.test');
const RECIPIENT = { path: pathOf('b@in.test'), params: [] };

/** One message through the chain, with this body. */
async function through(chain: Chain, id: string, body: Body): Promise<string> {
  const steps = [await chain.mail(id, SENDER, []), await chain.rcpt(RECIPIENT), await chain.data()].map(
    (ruling) => ruling.kind,
  );
  assert.deepEqual(steps, ['pass', 'pass', 'pass']);
  const content = chain.content();
  const fields = [makeField('Subject', ' x')];
  await content.fields(fields);
  await content.endOfHeaders('');
  await content.body(bytesOf('hello\r\n'));
  const envelope = { sender: SENDER, senderParams: [], recipients: [RECIPIENT] };
  const received: EditableMessage = { envelope, fields, body, quarantine: null };
  const ruling = await content.finish(received);
  chain.endTransaction();
  return ruling.kind === 'refuse' ? String(ruling.status.code) : ruling.kind;
}

const WHOLE: Body = {
  size: 7,
  chunks: [bytesOf('hello\r\n')],
  async *read() {
    yield bytesOf('hello\r\n');
  },
};
/** As one that was spilled to a disk which cannot be read any more. */
const UNREADABLE: Body = {
  size: 7,
  chunks: null,
  read: () => ({
    [Symbol.asyncIterator]: () => ({
      next: () => Promise.reject(Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' })),
    }),
  }),
};

for (const onError of ['accept', 'reject', 'quarantine', 'tempfail'] as const)
  test(`a body that cannot be read puts the message off, although onError is ${onError}`, async (t) => {
    const { chain, heard } = await chained(new Cleanup(t), onError);
    assert.equal(await through(chain, 'Q1', WHOLE), 'pass');
    heard.length = 0;
    // More than would open the breaker: the filter is not to blame.
    for (let n = 2; n < 6; n++) assert.equal(await through(chain, `Q${n}`, UNREADABLE), '451');
    assert.equal(await through(chain, 'Q6', WHOLE), 'pass');
    assert.deepEqual(
      heard.filter(({ name }) => name === 'milter.failed' || name === 'milter.unavailable'),
      [],
    );
    const faults = heard.filter(({ name }) => name === 'milter.fault');
    assert.equal(faults.length, 4);
    const { milter, stage, id, error } = faults[0]!.fields;
    assert.deepEqual([milter, stage, id, error], ['second', 'data', 'Q2', 'EIO: i/o error, read']);
  });

test("an enable that cannot be evaluated is the filter's: onError decides", async (t) => {
  const { chain, heard } = await chained(new Cleanup(t), 'accept', () => {
    throw new TypeError('no such thing');
  });
  assert.equal(await through(chain, 'Q1', WHOLE), 'pass');
  const failed = heard.filter(({ name }) => name === 'milter.failed');
  assert.deepEqual(
    failed.map(({ fields }) => [fields['milter'], fields['kind'], fields['error']]),
    [
      ['first', 'expression', 'no such thing'],
      ['second', 'expression', 'no such thing'],
    ],
  );
});
