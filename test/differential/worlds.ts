/**
 * The MTAs that are compared: each with the same name, the same policy, the recording filter in front and a sink of its own
 * behind. A world plays one scenario after another; a scenario is over when the filter's conversations have ended and nothing is
 * left in the queue but what is held.
 */
import { join } from 'node:path';
import { chmod } from 'node:fs/promises';
import { tempFolder, type Cleanup } from '../support/folders.ts';
import { house } from '../support/house.ts';
import { startNextHop, type TakenMessage } from '../support/next-hop.ts';
import { freePorts } from '../support/ports.ts';
import { startPostfix } from '../support/postfix.ts';
import { run } from '../support/processes.ts';
import { sendmailFolder, startSendmail } from '../support/sendmail.ts';
import { until } from '../support/wait.ts';
import { play } from './client.ts';
import { Recorder } from './recorder.ts';
import { MESSAGE, one } from './sessions.ts';
import type { Outcome, Scenario } from './scenario.ts';

/** One MTA. */
export interface World {
  readonly name: string;
  run(scenario: Scenario): Promise<Outcome>;
}

/** The name all of them go by. */
export const HOST = 'mx.test';
/** Largest message, in bytes. */
const MAX_MESSAGE = 1_000_000;
/** What an unsettled queue is given, in milliseconds. */
const PATIENCE = 10_000;

/** A certificate for TLS sessions, in PEM files. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

/** Makes a self-signed certificate. */
export async function makeCertificate(cleanup: Cleanup): Promise<Certificate> {
  const folder = await tempFolder(cleanup, 'millrace-cert');
  const [certificate, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const subject = ['-subj', `/CN=${HOST}`, '-days', '2', '-nodes'];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
  const args = ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', certificate];
  const { code, output } = await run('openssl', 'openssl', args);
  if (code !== 0) throw new Error(`openssl made no certificate: ${output}`);
  await chmod(key, 0o644);
  return { certificate, key };
}

/** What a world is put together from. */
interface Parts {
  readonly name: string;
  readonly port: number;
  readonly recorder: Recorder;
  readonly sink: Sink;
  /** True when every accepted message is delivered or held. */
  readonly settled: () => boolean | Promise<boolean>;
  readonly held: () => number | Promise<number>;
  /** Makes it forget what the last scenario's filter did wrong. */
  readonly recover: () => Promise<void>;
}

interface Sink {
  readonly port: number;
  readonly taken: TakenMessage[];
}

function world({ name, port, recorder, sink, settled, held, recover }: Parts): World {
  return {
    name,
    async run({ name: scenario, script, steps }) {
      // The probe that saw the MTA come up has a conversation too.
      await until(`${name} to be at rest: ${scenario}`, PATIENCE, () => recorder.idle, 2);
      await recover();
      const heldBefore = await held();
      sink.taken.length = 0;
      recorder.begin(script);
      const { replies, clientPort } = await play(port, steps);
      await until(`${name} to end the filter's conversation: ${scenario}`, PATIENCE, () => recorder.over, 2);
      await until(`${name} to deliver: ${scenario}`, PATIENCE, settled, 5);
      const delivered = [...sink.taken];
      return {
        replies,
        heard: recorder.heard,
        delivered,
        held: (await held()) - heldBefore,
        clientPort,
        port,
      };
    },
  };
}

async function startSink(cleanup: Cleanup): Promise<Sink> {
  const [port = 0] = await freePorts(1);
  const taken: TakenMessage[] = [];
  const witness = (message: TakenMessage): string => {
    taken.push(message);
    return '250 2.0.0 ok';
  };
  await startNextHop(cleanup, port, witness, ['DSN', 'SIZE']);
  return { port, taken };
}

/** Debian's Postfix with its defaults, but for what differs between two hosts: see the comments of the settings. */
export async function startPostfixWorld(cleanup: Cleanup, tls: Certificate): Promise<World> {
  const sink = await startSink(cleanup);
  const folder = await tempFolder(cleanup, 'millrace-postfix');
  const recorder = await Recorder.listen(cleanup, join(folder, 'filter'));
  const [port = 0] = await freePorts(1);
  const postfix = await startPostfix(cleanup, {
    folder,
    nextHopPort: sink.port,
    listeners: [{ port, milterPorts: [] }],
    settings: {
      myhostname: HOST,
      // The policy of the other world: nobody relays but to in.test.
      mynetworks: '192.0.2.0/24',
      relay_domains: 'in.test',
      relay_recipient_maps: '',
      smtpd_relay_restrictions: 'permit_mynetworks, reject_unauth_destination',
      smtpd_peername_lookup: 'yes',
      // Without a limit they are not counted.
      smtpd_client_connection_count_limit: '50',
      message_size_limit: String(MAX_MESSAGE),
      smtpd_milters: `unix:${recorder.path}`,
      smtpd_tls_security_level: 'may',
      smtpd_tls_cert_file: tls.certificate,
      smtpd_tls_key_file: tls.key,
      smtpd_tls_loglevel: '0',
      // A client on this host is a client, not the host itself: nothing is completed in its headers.
      local_header_rewrite_clients: '',
      append_at_myorigin: 'no',
      // Errors on purpose need no pause, and nobody is to be told of them.
      smtpd_error_sleep_time: '0',
      notify_classes: '',
    },
  });
  const settled = async (): Promise<boolean> => (await postfix.queued()) === 0;
  const held = (): Promise<number> => postfix.held();
  return world({ name: 'Postfix', port, recorder, sink, settled, held, recover: async () => undefined });
}

/** Debian's Sendmail with its defaults; it relays for clients on this host, so that far.test is refused by a rule. */
export async function startSendmailWorld(cleanup: Cleanup): Promise<World> {
  const sink = await startSink(cleanup);
  const folder = await sendmailFolder(cleanup);
  const recorder = await Recorder.listen(cleanup, join(folder, 'filter'));
  const [port = 0] = await freePorts(1);
  const sendmail = await startSendmail(cleanup, {
    hostname: HOST,
    port,
    nextHopPort: sink.port,
    folder,
    milter: recorder.path,
    maxMessageSize: MAX_MESSAGE,
    refused: 'far.test',
  });
  const settled = async (): Promise<boolean> => (await sendmail.queued()) === 0;
  const held = (): Promise<number> => sendmail.held();
  return world({ name: 'Sendmail', port, recorder, sink, settled, held, recover: async () => undefined });
}

/** Millrace with its defaults and all stages. `pipeline` false: one step, one wait, as Postfix does it. */
export async function startMillraceWorld(
  cleanup: Cleanup,
  tls: Certificate,
  pipeline: boolean,
): Promise<World> {
  const sink = await startSink(cleanup);
  const folder = await tempFolder(cleanup, 'millrace-differential');
  const recorder = await Recorder.listen(cleanup, join(folder, 'filter'));
  const name = pipeline ? 'Millrace' : 'Millrace, step by step';
  const stages = ['connect', 'ehlo', 'mail', 'rcpt', 'data'];
  const milters = [{ name: 'recorder', socket: recorder.path, stages, pipeline }];
  const listener = { name: 'smtp', bind: '127.0.0.1:0', tls: 'starttls', maxMessageSize: MAX_MESSAGE };
  const { port, heard } = await house(cleanup, [], {
    hostname: HOST,
    listeners: [{ ...listener, relay: { networks: [], domains: ['in.test'] } }],
    tls,
    delivery: { routes: [{ match: 'true', via: 'smtp', to: `127.0.0.1:${sink.port}` }] },
    milters,
  });
  const settled = (): boolean => {
    let due = 0;
    for (const { name: notice, fields } of heard) {
      if (notice === 'message.accepted' && fields['held'] === undefined)
        due += (fields['to'] as string[]).length;
      if (notice === 'delivery.delivered') due--;
    }
    return due === 0;
  };
  const held = (): number =>
    heard.filter((n) => n.name === 'message.accepted' && n.fields['held'] !== undefined).length;
  let known = 0;
  /** The breaker counts failures in a row: a message that the filter lets pass ends the row. */
  const recover = async (): Promise<void> => {
    const news = heard.slice(known).map((notice) => notice.name);
    known = heard.length;
    if (!news.includes('milter.failed')) return;
    if (news.includes('milter.unavailable'))
      await until('the filter to be tried again', PATIENCE, () =>
        heard.slice(known).some((notice) => notice.name === 'milter.back'),
      );
    recorder.begin({});
    await play(port, one(MESSAGE));
    await until('the recovery', PATIENCE, () => recorder.over && settled(), 2);
    known = heard.length;
  };
  return world({ name, port, recorder, sink, settled, held, recover });
}
