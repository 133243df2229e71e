/**
 * A message as if a client brought it now: the same intake, the same filters, a spool that forgets. Nothing is queued.
 *
 * The filters hear a whole conversation and cannot tell it from a real one; what they keep of it themselves is theirs. The next
 * hop of `mode: through` is not asked. Never rejects for what a filter does.
 */
import type { Clock } from '#clock';
import type { BoundEdits, EditableMessage } from '#edits';
import type { Config, ListenerConfig } from '#gateway/config';
import { IntakePath, type IntakeOptions } from '#intake';
import {
  byteStringOf,
  bytesOf,
  pathOf,
  printable,
  status,
  statusLine,
  utf8Of,
  type Origin,
  type Path,
  type Status,
} from '#message';
import type { Edit } from '#milter/protocol';
import type { NoticeSink } from '#notices';
import { parseForwardPath, parseReversePath } from '#smtp/protocol';
import { MemorySpool, type EntryMeta } from '#spool';
import type { ChainWatcher, StageName } from '#stages';
import { environmentFor } from '../environment.ts';
import { changesOf, editRecord, type EditRecord, type RunChanges } from './changes.ts';
import { deliveryPaths, type DeliveryPath } from './delivery-path.ts';

/** A message, and who is said to bring it. Text readable. */
export interface DryRunInput {
  /** Header and body, CRLF line ends. */
  readonly message: Uint8Array;
  readonly client: string;
  readonly clientName: string;
  readonly helo: string;
  /** '' : not logged in. */
  readonly user: string;
  readonly listener: string;
  /** '' : the null sender. */
  readonly from: string;
  readonly to: readonly string[];
}

/** What a filter did at one command. */
export interface FilterWord {
  readonly name: string;
  readonly verdict: string;
  readonly ms: number;
  /** Why it failed, ''. */
  readonly error: string;
}

/** What became of it. */
export type DryRunOutcome = 'accepted' | 'held' | 'discarded' | 'rejected' | 'tempfailed';

/** See the head of the file. */
export interface DryRun {
  readonly outcome: DryRunOutcome;
  readonly says: string;
  readonly replies: readonly {
    readonly command: string;
    readonly reply: string;
    readonly filters: readonly FilterWord[];
  }[];
  /** Each filter that was asked: its last word, the sum of the waits, its edits. */
  readonly filters: readonly (FilterWord & { readonly edits: readonly EditRecord[] })[];
  /** Before and after; null when the message did not come so far. */
  readonly changes: RunChanges | null;
  readonly delivery: readonly DeliveryPath[];
}

/** What a dry run needs of the gateway. */
export interface DryRunRoom {
  readonly config: Config;
  readonly listener: ListenerConfig;
  readonly intake: IntakeOptions;
  readonly clock: Clock;
}

const NEED_AUTH = status(530, '5.7.0', 'Authentication required');
const NO_RECIPIENTS = status(554, '5.5.1', 'No valid recipients');
const TOO_LARGE = status(552, '5.3.4', 'Message size exceeds the limit');
/** Bytes given to the filters at a time, as they would come from a socket. */
const CHUNK = 65_536;

/** Runs it. */
export async function dryRun(room: DryRunRoom, input: DryRunInput): Promise<DryRun> {
  const log = new RunLog();
  const spool = new MemorySpool();
  const { around } = room.intake;
  const path = new IntakePath({
    ...room.intake,
    spool,
    handOver: null,
    through: null,
    notices: log.notices,
    around: { ...around, notices: log.notices, meter: null, watcher: log },
  });
  try {
    const last = await conversation(room, input, path, log);
    const [entry = null] = await spool.list({ limit: 1 });
    const outcome = outcomeOf(last, entry, log);
    const meant = entry ?? supposed(room, input);
    const delivery = await deliveryPaths(
      room.config,
      meant,
      environmentFor(room.config.hostname, () => 0),
    );
    return {
      outcome,
      says: wordsOf(outcome, last, entry, log),
      replies: log.replies,
      filters: log.filters(around.filters.map((f) => f.settings.name)),
      changes: log.message && (await changesOf(log.message.received, log.message.edits, log.edits)),
      delivery,
    };
  } finally {
    path.reset('disconnect');
    path.close();
    await spool.close();
  }
}

/** Everything up to the last reply. */
async function conversation(
  { listener }: DryRunRoom,
  input: DryRunInput,
  path: IntakePath,
  log: RunLog,
): Promise<Status> {
  const origin = originOf(listener, input);
  const lmtp = listener.protocol === 'lmtp';
  const greeting = await log.asked(
    'CONNECT',
    async () =>
      (await path.connect({ ...origin, helo: '', heloVerb: '', user: '', authMethod: '' })) ??
      status(220, '', 'ready'),
  );
  if (greeting.code >= 400) return greeting;
  const hello = await log.asked(
    `${origin.heloVerb} ${input.helo}`,
    async () => (await path.helo({ ...origin, user: '', authMethod: '' })) ?? status(250, '', 'hello'),
  );
  if (hello.code >= 400) return hello;
  if (input.user !== '') {
    const login = await log.asked(
      `AUTH ${input.user}`,
      async () => (await path.auth(origin)) ?? status(235, '2.7.0', 'Authentication successful'),
    );
    if (login.code >= 400) return login;
  }
  const sender = await log.asked(`MAIL FROM:<${input.from}>`, () => {
    if (listener.auth === 'required' && input.user === '') return NEED_AUTH;
    const parsed = pathFrom(input.from, parseReversePath);
    return 'code' in parsed ? parsed : path.mail(parsed, []);
  });
  if (sender.code >= 400) return sender;
  let taken = 0;
  let last = NO_RECIPIENTS;
  for (const to of input.to) {
    last = await log.asked(`RCPT TO:<${to}>`, () => {
      const parsed = pathFrom(to, parseForwardPath);
      return 'code' in parsed ? parsed : path.rcpt(parsed, []);
    });
    if (last.code < 400) taken++;
  }
  if (taken === 0) return last;
  const sink = await path.data();
  if ('code' in sink) return log.asked('DATA', () => sink);
  log.close('DATA', status(354, '', 'End data with <CR><LF>.<CR><LF>'));
  const { message } = input;
  for (let at = 0; at < message.length; at += CHUNK) await sink.write(message.subarray(at, at + CHUNK));
  const fault =
    message.length > listener.maxMessageSize ? ({ kind: 'size', status: TOO_LARGE } as const) : null;
  return log.asked(lmtp ? 'end of message (for each recipient)' : 'end of message', async () => {
    const reply = await sink.end(fault);
    return 'code' in reply ? reply : (reply.find((r) => r.code < 400) ?? reply[0] ?? NO_RECIPIENTS);
  });
}

function pathFrom(
  address: string,
  parse: (text: string, at: number) => { readonly path: Path; readonly next: number } | Status,
): Path | Status {
  const text = `<${byteStringOf(address)}>`;
  const parsed = parse(text, 0);
  if ('code' in parsed) return parsed;
  return parsed.next === text.length ? parsed.path : status(501, '5.1.7', 'Syntax error in address');
}

/** The made-up client. */
function originOf(listener: ListenerConfig, input: DryRunInput): Origin {
  const [bind] = listener.bind;
  const tcp = bind?.kind === 'tcp' ? bind : null;
  const name = byteStringOf(input.clientName);
  return {
    listener: listener.name,
    protocol: listener.protocol,
    session: 'dry-run',
    remoteAddress: input.client,
    remotePort: 0,
    localAddress: tcp?.host ?? '',
    localPort: tcp?.port ?? 0,
    clientName: name,
    clientPtr: name,
    helo: byteStringOf(input.helo),
    heloVerb: listener.protocol === 'lmtp' ? 'LHLO' : 'EHLO',
    tls: null,
    user: byteStringOf(input.user),
    authMethod: input.user === '' ? '' : 'PLAIN',
    clientConnections: 1,
  };
}

/** The entry there would have been, for the routes, of a message that was not accepted. */
function supposed({ clock, intake }: DryRunRoom, input: DryRunInput): EntryMeta {
  const now = clock.now();
  return {
    id: '0',
    state: 'queued',
    receivedAt: now,
    sender: byteStringOf(input.from),
    senderParams: [],
    recipients: input.to.map((to) => ({
      address: pathOf(byteStringOf(to)).address,
      params: [],
      state: 'pending',
      attempts: 0,
      lastStatus: null,
    })),
    origin: {
      listener: input.listener,
      clientAddress: input.client,
      clientName: byteStringOf(input.clientName),
      helo: byteStringOf(input.helo),
      user: byteStringOf(input.user),
      localPort: 0,
      source: 'smtp',
    },
    size: input.message.length,
    due: now,
    expiresAt: now + intake.expire,
    attempts: 0,
    hold: null,
    lease: null,
  };
}

function outcomeOf(last: Status, entry: EntryMeta | null, log: RunLog): DryRunOutcome {
  if (last.code >= 500) return 'rejected';
  if (last.code >= 400) return 'tempfailed';
  if (log.discardedBy !== null) return 'discarded';
  return entry?.state === 'held' ? 'held' : 'accepted';
}

function wordsOf(outcome: DryRunOutcome, last: Status, entry: EntryMeta | null, log: RunLog): string {
  const by = last.by.replace(/^milter:/, '');
  const who = by === '' ? 'the gateway' : by;
  switch (outcome) {
    case 'accepted':
      return `it would be accepted for ${entry?.recipients.length ?? 0} recipients`;
    case 'held':
      return printable(
        `it would be held: ${entry?.hold?.by ?? ''} says ${utf8Of(entry?.hold?.reason ?? '')}`,
        300,
      );
    case 'discarded':
      return `the client would see success, and ${log.discardedBy} would have it thrown away`;
    case 'rejected':
    case 'tempfailed':
      return printable(
        `${who} would refuse it${outcome === 'tempfailed' ? ' for now' : ''}: ${utf8Of(statusLine(last))}`,
        300,
      );
  }
}

/** Listens to the run: what was replied, what each filter said. */
class RunLog implements ChainWatcher {
  readonly replies: { command: string; reply: string; filters: readonly FilterWord[] }[] = [];
  readonly edits = new Map<string, readonly Edit[]>();
  message: { readonly received: EditableMessage; readonly edits: readonly BoundEdits[] } | null = null;
  discardedBy: string | null = null;
  readonly #words: FilterWord[] = [];
  #now: FilterWord[] = [];
  readonly #errors = new Map<string, string>();

  readonly notices: NoticeSink = (name, fields) => {
    if (name === 'milter.failed' || name === 'milter.not-tried')
      this.#errors.set(String(fields['milter']), printable(String(fields['error']), 300));
    else if (name === 'message.discarded') this.discardedBy = String(fields['by']);
  };

  answered(milter: string, _stage: StageName | 'end', said: string, ms: number): void {
    const error = said === 'failed' ? (this.#errors.get(milter) ?? '') : '';
    const word = { name: milter, verdict: said, ms: Math.round(ms * 100) / 100, error };
    this.#now.push(word);
    this.#words.push(word);
  }

  edited(milter: string, edits: readonly Edit[]): void {
    this.edits.set(milter, edits);
  }

  passed(received: EditableMessage, edits: readonly BoundEdits[]): void {
    this.message = { received, edits };
  }

  /** Runs one command and writes its reply down. */
  async asked(command: string, work: () => Status | Promise<Status>): Promise<Status> {
    const reply = await work();
    this.close(command, reply);
    return reply;
  }

  /** The command is answered: what filters said until now belongs to it. */
  close(command: string, reply: Status): void {
    this.replies.push({
      command: printable(command, 400),
      reply: printable(utf8Of(statusLine(reply)), 600),
      filters: this.#now,
    });
    this.#now = [];
  }

  filters(names: readonly string[]): DryRun['filters'] {
    return names.flatMap((name) => {
      const words = this.#words.filter((w) => w.name === name);
      const said = words.filter((w) => w.verdict !== 'off').at(-1) ?? words.at(-1);
      if (!said) return [];
      const ms = Math.round(words.reduce((sum, w) => sum + w.ms, 0) * 100) / 100;
      return [{ ...said, ms, edits: (this.edits.get(name) ?? []).slice(0, 1000).map(editRecord) }];
    });
  }
}

/** A message as text, its line ends made those of mail. */
export function messageBytes(text: string): Uint8Array {
  const lines = byteStringOf(text).replace(/\r?\n/g, '\r\n');
  return bytesOf(lines.endsWith('\r\n') ? lines : `${lines}\r\n`);
}
