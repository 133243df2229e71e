/**
 * Plays an MTA for a filter: say the steps that matter, the others are filled in, and see what came of the message.
 *
 * Works with any test runner. Rejects with DriveError when filter and MTA fall out of step; a refusal is a result.
 */
import { utf8Of } from '#message';
import { hasLeadingSpace, type EventName, type MacroStage, type Offer } from '#milter/protocol';
import type { Decision, Filter, Log } from '#milter/filter';
import { PROFILES, type MtaName } from './profiles.ts';
import { resultOf, type Packet, type Result } from './result.ts';
import { Player, type PlayedClient } from './player.ts';
import { readMail, type MessageSource } from './source.ts';

/** How to play. Times in milliseconds, sizes in bytes. */
export interface DriveOptions {
  /** Which MTA: its offer, macros and habits. `millrace`. */
  readonly as?: MtaName;
  /** `memory`, or a real socket. */
  readonly over?: 'memory' | 'socket';
  /** Bytes per body chunk and per write, or `random`. The MTA's own: 65535 and whole frames. */
  readonly chunk?: number | 'random';
  /** In place of what the MTA offers. */
  readonly offer?: Offer;
  /** How long to wait for an answer. 30 000. */
  readonly patience?: number;
  /** Hears what the SDK logs; silent without. */
  readonly log?: Log;
}

/** One SMTP connection. */
export interface Mta extends AsyncDisposable {
  /** Facts of the client; left out: 192.0.2.10, client.example. Before the first message. */
  connect(client: Partial<PlayedClient>): this;
  /** What the client says at EHLO. Before the first message. */
  helo(name: string): this;
  /** Macro values from now on; names with or without braces, '' takes one away. */
  macro(stage: MacroStage, values: Readonly<Record<string, string>>): this;
  /** Begins a message. `''` is the null sender. */
  mail(from: string, ...params: string[]): MailSteps;
  /** An unknown command. */
  unknown(line: string): Promise<Decision>;
  /** The conversation so far. */
  readonly packets: readonly Packet[];
  /** QUIT and close. */
  close(): Promise<void>;
}

/** One message. */
export interface MailSteps {
  rcpt(to: string, ...params: string[]): this;
  /** Sends it all. Without rcpt there is one recipient, rcpt@example.org. */
  message(source: MessageSource): Promise<Result>;
  /** Sends the envelope, then ABORT, as after RSET. */
  abort(): Promise<Result>;
}

/** Starts to play; nothing is sent before the first step that needs it. */
export function drive(filter: Filter, options: DriveOptions = {}): Mta {
  const player = new Player(filter, PROFILES[options.as ?? 'millrace'], {
    over: options.over ?? 'memory',
    chunk: options.chunk ?? 0,
    patience: options.patience ?? 30_000,
    log: options.log ?? (() => {}),
    ...(options.offer ? { offer: options.offer } : {}),
  });
  const mta: Mta = {
    connect(client) {
      player.client = { ...player.client, ...client };
      return mta;
    },
    helo(name) {
      player.helo = name;
      return mta;
    },
    macro(stage, values) {
      player.setMacros(stage, values);
      return mta;
    },
    mail: (from, ...params) => mailSteps(player, from, params),
    unknown: (line) => player.unknown(line),
    get packets() {
      return player.packets;
    },
    close: () => player.close(),
    [Symbol.asyncDispose]: () => player.close(),
  };
  return mta;
}

function mailSteps(player: Player, from: string, params: readonly string[]): MailSteps {
  const recipients: { address: string; params: string[] }[] = [];
  const steps: MailSteps = {
    rcpt(address, ...params) {
      recipients.push({ address, params });
      return steps;
    },
    async message(source) {
      const mail = await readMail(source);
      return play(player, { from, params, recipients }, mail);
    },
    abort: () => play(player, { from, params, recipients }, null),
  };
  return steps;
}

interface Wanted {
  readonly from: string;
  readonly params: readonly string[];
  readonly recipients: readonly { address: string; params: string[] }[];
}

async function play(
  player: Player,
  wanted: Wanted,
  mail: Awaited<ReturnType<typeof readMail>> | null,
): Promise<Result> {
  const heard: Result['recipients'][number][] = [];
  const done = (decision: Decision, stage: EventName, edits: Result['edits'] = []): Result =>
    resultOf({
      decision,
      stage,
      recipients: heard,
      edits,
      mail: mail ?? { fields: [], body: new Uint8Array(0) },
      sender: utf8Of(wanted.from),
      leadingSpace: hasLeadingSpace(player.agreement),
      packets: [...player.packets],
    });

  const greeted = await player.greet();
  if (greeted) return done(greeted.decision, greeted.stage);
  const sent = await player.mail(wanted.from, wanted.params);
  if (sent.kind !== 'continue') return done(sent, 'mail');
  const list =
    wanted.recipients.length > 0 ? wanted.recipients : [{ address: 'rcpt@example.org', params: [] }];
  for (const { address, params } of list) {
    const decision = await player.rcpt(address, params);
    heard.push({ address, decision });
    if (decision.kind === 'accept' || decision.kind === 'discard') return done(decision, 'rcpt');
  }
  if (heard.every((r) => r.decision.kind !== 'continue')) {
    await player.abort();
    return done(heard.at(-1)!.decision, 'rcpt');
  }
  if (mail === null) {
    await player.abort();
    return done({ kind: 'continue' }, 'abort');
  }
  const { decision, stage, edits } = await player.content(mail);
  return done(decision, stage, edits);
}
