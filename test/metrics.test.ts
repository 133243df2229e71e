/**
 * Every metric moves by a cause: real gateways, filters, clients and next hops. The last test holds that none was forgotten; what
 * needs a process of its own (reloads, log lines, HTTP, disk, journal) is caused in metrics-scrape.test.ts, which is named there.
 */
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { operatorOf, METRICS, type Metrics } from '#gateway';
import { defineMilter, quarantine } from '#milter/filter';
import type { HopScript } from '../src/smtp/client/scripted-hop.cases.ts';
import { Watched, type Line } from './support/figures.ts';
import { Cleanup } from './support/folders.ts';
import { frame, house, type House } from './support/house.ts';
import { relayScene } from './support/relay-scene.ts';
import { addHeader, CONTINUE, ScriptedFilter, type Script } from './support/scripted-filter.ts';
import { at } from './support/scene.ts';
import { SmtpSession } from './support/smtp-session.ts';
import { pause } from './support/wait.ts';

const CONTENT = 'Subject: one\r\n\r\nbody\r\n';
const RELAY = { networks: ['127.0.0.0/8'], domains: ['in.test'] };
/** Metrics that moved so far, in all tests here. */
const seen = new Set<string>();

const metricsOf = (h: House): Metrics => h.gateway.office!.metrics;
const watch = (h: House): Watched => new Watched(metricsOf(h), seen);

/** A message; the code of the reply that decided. */
async function send(h: House, to = 'b@in.test', from = 'a@out.test'): Promise<number> {
  const session = await h.open();
  const { reply } = await session.transaction(from, [to], CONTENT);
  await session.quit();
  return reply.code;
}

test('SMTP: connections, commands, recipients, messages and their sizes and times', async (t) => {
  const h = await house(new Cleanup(t), []);
  const w = watch(h);
  const session = await h.open();
  await w.shows('smtp_connections_total', { listener: 'smtp' }, 1);
  await w.shows('smtp_connections_active', { listener: 'smtp' }, 1);
  await session.transaction('a@out.test', ['b@in.test'], CONTENT);
  await session.command('BOGUS');
  await session.command('MAIL FROM:<a@out.test>');
  await session.command('RSET');
  await session.quit();
  await w.shows('smtp_connections_active', {}, 0);
  await w.shows('smtp_session_duration_seconds', { listener: 'smtp' }, 1);
  await w.shows('smtp_commands_total', { command: 'mail', class: '2xx' }, 2);
  await w.shows('smtp_commands_total', { command: 'data', class: '3xx' }, 1);
  await w.shows('smtp_commands_total', { command: 'other', class: '5xx' }, 1);
  await w.shows('smtp_command_duration_seconds', { command: 'rcpt' }, 1);
  await w.shows('smtp_recipients_total', { outcome: 'accepted' }, 1);
  await w.shows('smtp_messages_total', { outcome: 'accepted' }, 1);
  await w.shows('smtp_messages_total', { outcome: 'aborted' }, 1);
  await w.shows('smtp_message_size_bytes', {}, 1);
  await w.shows('smtp_received_bytes_total', {}, (bytes) => bytes > 100 && bytes < 400);
  await w.shows('smtp_accept_duration_seconds', {}, 1);
  await w.shows('queue_enqueued_total', { source: 'smtp' }, 1);
  await w.shows('queue_commit_duration_seconds', {}, 1);
  await w.shows('queue_removed_total', { reason: 'delivered' }, 1);
  await w.shows('delivery_attempts_total', { via: 'maildir', result: 'delivered' }, 1);
  await w.shows('delivery_attempt_duration_seconds', { via: 'maildir' }, 1);
  await w.shows('delivery_latency_seconds', { via: 'maildir' }, 1);
  await w.shows('build_info', { node: process.version }, 1);
});

test('SMTP: what was refused, each by its reason', async (t) => {
  const cleanup = new Cleanup(t);
  const refusing = await ScriptedFilter.start(cleanup, { C: frame('r') });
  const listeners = [
    { name: 'smtp', bind: '127.0.0.1:0', relay: RELAY, maxConnections: 2 },
    { name: 'few', bind: '127.0.0.1:0', relay: { domains: ['in.test'] }, maxConnectionsPerClient: 1 },
    { name: 'filtered', bind: '127.0.0.1:0', relay: RELAY },
    { name: 'proxied', bind: '127.0.0.1:0', relay: RELAY, trustedProxies: ['127.0.0.0/8'] },
  ];
  const enable = { match: [{ if: "listener == 'filtered'", then: 'true' }], else: 'false' };
  const h = await house(cleanup, [], { listeners, milters: [at(refusing, { enable })] });
  const w = watch(h);
  const port = (name: string): number => Number(h.gateway.addresses.get(name)![0]!.split(':').at(-1));
  const refused = async (listener: string, reason: string, before: number): Promise<void> => {
    const open = await Promise.all(Array.from({ length: before }, () => SmtpSession.greeted(port(listener))));
    const one = SmtpSession.open(port(listener));
    await one.reply().catch(() => undefined);
    await w.shows('smtp_connections_refused_total', { listener, reason }, 1);
    for (const session of [one, ...open]) session.drop();
  };
  await refused('smtp', 'limit', 2);
  await refused('few', 'client_limit', 1);
  await refused('filtered', 'milter', 0);
  const socket = connect(port('proxied'), '127.0.0.1', () => socket.end('EHLO no-header\r\n'));
  socket.on('error', () => undefined);
  await w.shows('smtp_connections_refused_total', { listener: 'proxied', reason: 'proxy' }, 1);
  const session = await SmtpSession.greeted(port('few'));
  assert.equal((await session.transaction('a@out.test', ['b@elsewhere.test'], CONTENT)).reply.code, 554);
  await session.quit();
  await w.shows('smtp_recipients_total', { listener: 'few', outcome: 'rejected' }, 1);
  await w.shows('expression_evaluations_total', { field: 'enable', result: 'true' }, (n) => n > 0);
  await w.shows('expression_evaluations_total', { field: 'enable', result: 'false' }, (n) => n > 0);
});

test('a filter that answers: connections, waits, answers, edits, progress, what is under way', async (t) => {
  const cleanup = new Cleanup(t);
  let go = (): void => undefined;
  const script: Script = {
    E: (peer) => {
      peer.write(frame('p'));
      go = () => peer.write(addHeader('X-Mark', 'yes') + CONTINUE);
      return null;
    },
  };
  const filter = await ScriptedFilter.start(cleanup, script);
  const h = await house(cleanup, [], { milters: [at(filter)] });
  const w = watch(h);
  const sent = send(h);
  await w.shows('milter_progress_total', { milter: 'f' }, 1);
  await w.shows('milter_in_flight', { milter: 'f' }, 1);
  await w.shows('milter_connections_open', { milter: 'f', state: 'busy' }, 1);
  go();
  assert.equal(await sent, 250);
  await w.shows('milter_in_flight', { milter: 'f' }, 0);
  await w.shows('milter_connections_open', { milter: 'f', state: 'busy' }, 0);
  await w.shows('milter_connections_total', { milter: 'f', result: 'ok' }, 1);
  await w.shows('milter_connect_duration_seconds', { milter: 'f' }, 1);
  await w.shows('milter_up', { milter: 'f' }, 1);
  await w.shows('milter_negotiated_info', { milter: 'f', version: '6', actions: '0x1ff' }, 1);
  await w.shows('milter_timeout_seconds', { milter: 'f', limit: 'data' }, 3);
  for (const stage of ['connect', 'helo', 'mail', 'rcpt', 'header', 'eoh', 'body', 'eom']) {
    await w.shows('milter_replies_total', { milter: 'f', stage, reply: 'continue' }, 1);
    await w.shows('milter_reply_duration_seconds', { milter: 'f', command: stage }, 1);
  }
  await w.shows('milter_message_duration_seconds', { milter: 'f' }, 1);
  await w.shows('milter_edits_total', { milter: 'f', edit: 'add_header' }, 1);
  await w.shows('milter_sent_bytes_total', { milter: 'f' }, (n) => n > 100);
  await w.shows('milter_received_bytes_total', { milter: 'f' }, (n) => n > 50);
  for (const stage of ['connect', 'ehlo', 'mail', 'rcpt', 'data', 'eom'])
    await w.shows('filter_stage_duration_seconds', { stage }, 1);
  await w.shows('filter_overlap_ratio', {}, (n) => n > 0);
});

test('body bytes that a filter is spared: by SKIP, by what it negotiated, by its early decision; its report', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {
    O: frame('O', '\0\0\0\x06\0\0\x01\xff\0\0\x04\0'),
    B: frame('s'),
    E: addHeader('X-Mark', 'y') + CONTINUE,
  });
  const h = await house(cleanup, [], { milters: [at(filter, { pipeline: false })] });
  const w = watch(h);
  const big = `Subject: one\r\n\r\n${`${'x'.repeat(70)}\r\n`.repeat(3000)}`;
  const large = async (): Promise<void> => {
    const session = await h.open();
    await session.transaction('a@out.test', ['b@in.test'], big);
    await session.quit();
  };
  await large();
  const spared = 3000 * 72 - 65_535;
  await w.shows('milter_unsent_bytes_total', { milter: 'f', reason: 'skip' }, spared);
  filter.play({ L: frame('a') });
  await large();
  await w.shows('milter_unsent_bytes_total', { milter: 'f', reason: 'decided' }, 3000 * 72);
  filter.play({ E: frame('t') });
  await large();
  const report = await metricsOf(h).filterReport('f');
  assert.equal(report.unsent['skip'], spared);
  assert.deepEqual(report.edits, [{ edit: 'add_header', made: 1, refused: 0 }]);
  const eom = report.stages.find(({ stage }) => stage === 'eom')!;
  assert.deepEqual(eom.answers, { continue: 1, tempfail: 1 });
  assert.ok(eom.p50! > 0 && eom.p99! >= eom.p50!);
  assert.equal(report.waits.minutes.length, 60);
  const waited = report.waits.minutes.flatMap(({ counts }) => counts).reduce((a, b) => a + b, 0);
  assert.equal(waited, 3, 'every message once');
  assert.equal(report.waits.bounds.length + 1, report.waits.minutes[0]!.counts.length);
  assert.ok(report.sentBytes > 72 * 3000 && report.receivedBytes > 0);
});

test('filters that refuse, throw away, hold, accept early: what became of the mail', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, { E: frame('r') });
  const h = await house(cleanup, [], { milters: [at(filter)] });
  const w = watch(h);
  assert.equal(await send(h), 554);
  await w.shows('smtp_messages_total', { outcome: 'rejected' }, 1);
  filter.play({ E: frame('t') });
  assert.equal(await send(h), 451);
  await w.shows('smtp_messages_total', { outcome: 'tempfailed' }, 1);
  filter.play({ E: frame('d') });
  assert.equal(await send(h), 250);
  filter.play({ M: frame('d') });
  assert.equal(await send(h), 250);
  await w.shows('smtp_messages_total', { outcome: 'discarded' }, 2);
  filter.play({ R: frame('y', '550 5.7.1 no\0') });
  assert.equal(await send(h), 550);
  await w.shows('smtp_recipients_total', { outcome: 'rejected' }, 1);
  await w.shows('smtp_messages_total', { outcome: 'rejected' }, 2);
  filter.play({ C: frame('a') });
  assert.equal(await send(h), 250);
  filter.play({ M: frame('a') });
  assert.equal(await send(h), 250);
  await w.shows('milter_not_asked_total', { milter: 'f', reason: 'finished' }, (n) => n >= 3);
  await w.shows('milter_replies_total', { stage: 'rcpt', reply: 'replycode' }, 1);
});

test('a filter that fails: errors by kind, what was done with the mail, edits that were not made', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  const milter = at(filter, { onError: 'accept', timeoutCommand: '300ms', timeoutData: '300ms' });
  const h = await house(cleanup, [], { milters: [milter] });
  const w = watch(h);
  const fails = async (script: Script, kind: string): Promise<void> => {
    filter.play({});
    assert.equal(await send(h), 250); // a success between failures, so that it goes on being asked
    filter.play(script);
    assert.equal(await send(h), 250);
    await w.shows('milter_errors_total', { milter: 'f', kind }, 1);
  };
  await fails({ M: null }, 'command_timeout');
  await fails({ E: null }, 'data_timeout');
  await fails({ M: (peer) => void peer.socket.destroy() }, 'disconnected');
  await fails({ E: frame('?') }, 'unexpected_reply');
  await w.shows('milter_error_outcomes_total', { milter: 'f', outcome: 'accept' }, 4);
  const none = { O: frame('O', '\0\0\0\x06\0\0\0\0\0\0\0\0') };
  await fails({ ...none, E: addHeader('X', 'y') + CONTINUE }, 'action_not_granted');
  await w.shows('milter_edits_refused_total', { edit: 'add_header', reason: 'not_granted' }, 1);
  await fails({ E: addHeader('X Y', 'y') + CONTINUE }, 'header_name');
  await w.shows('milter_edits_refused_total', { edit: 'add_header', reason: 'invalid' }, 1);
  filter.play({ E: CONTINUE + frame('-', 'x@in.test\0') });
  await send(h);
  await w.shows('milter_edits_refused_total', { edit: 'delete_rcpt', reason: 'late' }, 1);
  filter.stop();
  for (let n = 0; n < 5; n++) assert.equal(await send(h), 250);
  await w.shows('milter_errors_total', { milter: 'f', kind: 'connect' }, (n) => n > 0);
  await w.shows('milter_connections_total', { milter: 'f', result: 'refused' }, (n) => n > 0);
  await w.shows('milter_not_asked_total', { milter: 'f', reason: 'backoff' }, (n) => n > 0);
  await w.shows('milter_up', { milter: 'f' }, 0);
});

test('conditions that cannot be evaluated are counted where they stand', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  const metrics = metricsOf(await house(cleanup, [], { milters: [at(filter)] }));
  const w = new Watched(metrics, seen);
  const fault = Object.assign(new Error('too large'), { code: 'expression-too-large' });
  const failing = (): boolean => {
    throw fault;
  };
  assert.throws(() => metrics.enable.evaluated(failing), fault);
  await assert.rejects(async () => metrics.route.evaluated(() => Promise.reject(fault)), fault);
  await w.shows('expression_errors_total', { field: 'enable', code: 'expression-too-large' }, 1);
  await w.shows('expression_errors_total', { field: 'route', code: 'expression-too-large' }, 1);
  await w.shows('expression_evaluations_total', { result: 'error' }, 2);
});

test('held mail: in, out, expired; and what lies in the queue', async (t) => {
  const cleanup = new Cleanup(t);
  const judge = defineMilter({ name: 'judge', needs: ['quarantine'], onMessage: () => quarantine('odd') });
  const h = await house(cleanup, [{ filter: judge }]);
  const w = watch(h);
  const { desk } = h.gateway.office!;
  for (let n = 0; n < 3; n++) assert.equal(await send(h), 250);
  await w.shows('smtp_messages_total', { outcome: 'quarantined' }, 3);
  await w.shows('quarantine_added_total', { milter: 'judge' }, 3);
  await w.shows('quarantine_messages', {}, 3);
  await w.shows('quarantine_bytes', {}, (n) => n > 300);
  await w.shows('queue_messages', { state: 'held' }, 3);
  await w.shows('queue_recipients', { state: 'held' }, 3);
  await w.shows('queue_bytes', { state: 'held' }, (n) => n > 300);
  await w.shows('queue_oldest_age_seconds', { state: 'held' }, (n) => n > 0);
  const [first, second] = await desk.store.list({ limit: 2 });
  const who = operatorOf('test');
  const release = { verb: 'release', recipients: null, filters: 'none', skip: [] } as const;
  assert.equal((await desk.orders.act(first!.id, release, who)).result, 'done');
  assert.equal((await desk.orders.act(second!.id, { verb: 'delete', reason: '' }, who)).result, 'done');
  await w.shows('quarantine_removed_total', { reason: 'released' }, 1);
  await w.shows('quarantine_removed_total', { reason: 'deleted' }, 1);
  await w.shows('queue_enqueued_total', { source: 'release' }, 1);
  await w.shows('queue_removed_total', { reason: 'deleted' }, 1);
  await w.shows('quarantine_messages', {}, 1);
});

test('delivery: delivered, put off, failed, given up; connections, notices to senders', async (t) => {
  const says = (verb: string, reply: string): HopScript => ({
    command: (line) => (line.startsWith(verb) ? reply : undefined),
  });
  const s = await relayScene(new Cleanup(t), {
    'good.test': { hops: [{}] },
    'mail.test': { hops: [says('MAIL', '451 4.3.0 later')] },
    'rcpt.test': { hops: [says('RCPT', '450 4.2.1 later')] },
    'data.test': { hops: [says('DATA', '451 4.3.0 later')] },
    'greeting.test': { hops: [{ greeting: () => '421 4.3.2 closed' }] },
    'no.test': { hops: [says('RCPT', '550 5.1.1 nobody')] },
    'slow.test': { hops: [{}], route: { rate: '1/1h' } },
    'down.test': { hops: [], route: { to: '127.0.0.1:1' } },
    'nowhere.test': { hops: [], route: { to: 'no-such-host.invalid:25' } },
  });
  const w = watch(s.house);
  await s.send('good.test', ['a']);
  await w.shows('delivery_attempts_total', { via: 'smtp', result: 'delivered' }, 1);
  await w.shows('delivery_tls_total', { via: 'smtp', version: 'none' }, 1);
  await w.shows('delivery_connections_active', { via: 'smtp' }, 1);
  for (const reason of ['mail', 'rcpt', 'data', 'greeting']) {
    await s.send(`${reason}.test`, ['a']);
    await w.shows('delivery_deferrals_total', { via: 'smtp', reason }, (n) => n >= 1);
  }
  await s.send('down.test', ['a']);
  await w.shows('delivery_deferrals_total', { via: 'smtp', reason: 'connect' }, (n) => n >= 1);
  await s.send('nowhere.test', ['a']);
  await w.shows('delivery_deferrals_total', { via: 'smtp', reason: 'dns' }, (n) => n >= 1);
  await s.send('slow.test', ['a']);
  await s.send('slow.test', ['b']);
  await w.shows('delivery_deferrals_total', { via: 'smtp', reason: 'rate' }, (n) => n >= 1);
  await s.send('no.test', ['a']);
  await w.shows('delivery_attempts_total', { via: 'smtp', result: 'failed' }, 1);
  await w.shows('queue_removed_total', { reason: 'bounced' }, 1);
  await w.shows('dsn_sent_total', { kind: 'failure' }, 1);
  await w.shows('queue_enqueued_total', { source: 'dsn' }, 1);
  await w.shows('expression_evaluations_total', { field: 'route', result: 'true' }, (n) => n > 5);
});

test('a listener of another name, a filter that is gone: the figures follow the configuration', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  const h = await house(cleanup, [], { milters: [at(filter)] });
  const w = watch(h);
  await send(h);
  await w.shows('milter_up', { milter: 'f' }, 1);
  const { config } = h;
  await h.gateway.reload({ ...config, milters: [] });
  assert.deepEqual(
    (await w.samples()).filter(({ labels }) => 'milter' in labels && labels['milter'] !== ''),
    [],
  );
});

test('strangers add no series: hundreds of domains, greetings and ways to be wrong make the scrape no longer', async (t) => {
  const cleanup = new Cleanup(t);
  const filter = await ScriptedFilter.start(cleanup, {});
  const h = await house(cleanup, [], { milters: [at(filter)] });
  const w = watch(h);
  const round = async (n: number): Promise<void> => {
    const session = SmtpSession.open(h.port);
    await session.reply();
    await session.command(`EHLO host${n}.example`);
    await session.command(`VERB${n} x`);
    await session.command(`AUTH MECH${n}`);
    await session.transaction(`s${n}@d${n}.example`, [`r${n}@in.test`], `Subject: ${n}\r\n\r\nx\r\n`);
    await session.command(`MAIL FROM:<s@d${n}.example>`);
    await session.command(`RCPT TO:<r@elsewhere${n}.example>`);
    await session.quit();
  };
  // Each filter's odd answer is its own choice, too.
  let version = 2;
  const rounds = async (from: number, to: number): Promise<void> => {
    for (let n = from; n < to; n++) {
      filter.play({
        O: frame(
          'O',
          `\0\0\0${String.fromCharCode((version = version === 6 ? 2 : version + 1))}\0\0\0\x01\0\0\0\0`,
        ),
      });
      await round(n);
    }
  };
  await rounds(0, 10);
  await pause(300);
  // Node's own say which kinds of collections there were: no stranger's choice, but a matter of time.
  const ours = async () => (await w.samples()).filter(({ name }) => !name.startsWith('nodejs_'));
  const before = new Set((await ours()).map(seriesOf));
  await rounds(10, 310);
  await pause(300);
  const samples = await ours();
  assert.deepEqual(
    samples.map(seriesOf).filter((one) => !before.has(one)),
    [],
  );
  assert.ok(!JSON.stringify(samples).includes('example'));
});

/** A series, but for its value. */
const seriesOf = ({ name, labels }: Line): string => JSON.stringify([name, labels]);

test('every metric is caused here, or in the tests that are named', () => {
  const elsewhere = [
    // test/metrics-scrape.test.ts
    'smtp_tls_handshakes_total',
    'smtp_auth_total',
    'config_reloads_total',
    'config_last_reload_success_timestamp_seconds',
    'tls_certificate_expiry_timestamp_seconds',
    'http_requests_total',
    'http_request_duration_seconds',
    'spool_free_bytes',
    'spool_size_bytes',
    'log_lines_total',
    // src/gateway/metrics/metrics.test.ts
    'milter_paused',
    'trace_sessions',
    'trace_dropped_bytes_total',
  ];
  const missing = Object.keys(METRICS).filter((name) => !seen.has(name) && !elsewhere.includes(name));
  assert.deepEqual(missing, []);
});
