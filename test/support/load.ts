/**
 * The load of the durability tests, with its witnesses: fifty senders, and two next hops that write down what they take.
 *
 * One next hop is scripted and fails 5 % of the messages for now (451 at the final dot); the other is Postfix's smtp-sink.
 * Where smtp-sink is missing everything goes to the scripted one, which is said aloud; with CI=true that is an error.
 */
import { join } from 'node:path';
import { startDumpingSink, type DumpingSink } from './dumping-sink.ts';
import { tempFolder, type Cleanup } from './folders.ts';
import { hashOf, Ledger, type Delivered, type Evidence, type Queued } from './ledger.ts';
import { startNextHop, type TakenMessage } from './next-hop.ts';
import { freePorts } from './ports.ts';
import { skipWithout } from './processes.ts';
import type { Random } from './random.ts';
import { Senders } from './senders.ts';

/** Domains of the recipients: what goes to the scripted next hop, and what to smtp-sink. */
export const SCRIPTED_DOMAIN = 'in.test';
export const SINK_DOMAIN = 'sink.test';
/** Share of the messages that the scripted next hop does not take at once. */
const FAILING = 0.05;
const SESSIONS = 50;

/** A planned fault of the scripted next hop: what it writes down of a message it answers 250 for; null for nothing. */
export type Spoil = (message: TakenMessage) => TakenMessage | null;

export interface Load {
  readonly folder: string;
  readonly ledger: Ledger;
  readonly nextHopPort: number;
  /** Where SINK_DOMAIN is to go. */
  readonly sinkPort: number;
  /** Lets the senders begin; 2 to 40 kB, 1 to 5 recipients. */
  begin(port: number): void;
  /** Lets every sender end the message it is at. */
  stop(): Promise<void>;
  /** Refusals other than 421. */
  surprises(): readonly string[];
  /** All that was seen, with what the queue holds; and how many copies came without the mark of the filter. */
  evidence(queued: readonly Queued[]): Promise<{ readonly evidence: Evidence; readonly unmarked: number }>;
}

/** Starts the next hops and opens the ledger; they end with the test. */
export async function startLoad(cleanup: Cleanup, random: Random, spoil: Spoil = (m) => m): Promise<Load> {
  const folder = await tempFolder(cleanup);
  const [nextHopPort = 0, sinkPort = 0] = await freePorts(2);
  const ledger = await Ledger.open(join(folder, 'ledger'));
  cleanup.after(() => ledger.close());
  const sink = await sinkIfThere(cleanup, sinkPort, folder);
  let unmarked = 0;
  await startNextHop(cleanup, nextHopPort, async (message) => {
    if (random.between(0, 1) < FAILING) return '451 4.3.0 not now';
    const { sender, recipients, content } = spoil(message) ?? { recipients: [], sender: '', content: MARK };
    if (!isMarked(content)) unmarked += 1;
    if (recipients.length > 0) await ledger.taken(idOf(sender), recipients, hashOf(content));
    return '250 2.0.0 taken';
  });
  let senders: readonly Senders[] = [];
  const stop = async (): Promise<void> => {
    await Promise.all(senders.map((some) => some.stop()));
  };
  cleanup.after(stop);
  return {
    folder,
    ledger,
    nextHopPort,
    sinkPort: sink ? sinkPort : nextHopPort,
    begin(port) {
      senders = [SCRIPTED_DOMAIN, SINK_DOMAIN].map((domain) => {
        const sessions = SESSIONS / 2;
        return new Senders({
          port,
          ledger,
          random,
          sessions,
          domain,
          size: [2000, 40_000],
          recipients: [1, 5],
        });
      });
    },
    stop,
    surprises: () => [...new Set(senders.flatMap((some) => some.surprises))],
    async evidence(queued) {
      const known = ledger.evidence(queued);
      const dumped = sink ? await witnessed(sink) : { delivered: [], unmarked: 0 };
      const delivered = [...known.delivered, ...dumped.delivered];
      return { evidence: { ...known, delivered }, unmarked: unmarked + dumped.unmarked };
    },
  };
}

/** Loud, because a run without the real next hop shows less. */
async function sinkIfThere(cleanup: Cleanup, port: number, folder: string): Promise<DumpingSink | null> {
  const missing = skipWithout('smtp-sink');
  if (missing === false) return startDumpingSink(cleanup, port, folder);
  console.error(`NOT TESTED with Postfix's smtp-sink as next hop: ${missing}`);
  return null;
}

async function witnessed(sink: DumpingSink): Promise<{ delivered: Delivered[]; unmarked: number }> {
  const delivered: Delivered[] = [];
  let unmarked = 0;
  for await (const { sender, recipients, content, at } of sink.taken()) {
    if (!isMarked(content)) unmarked += 1;
    const hash = hashOf(content);
    for (const recipient of recipients) delivered.push({ id: idOf(sender), recipient, hash, at });
  }
  return { delivered, unmarked };
}

const MARK = 'X-Filter-Marker: ';
const isMarked = (content: string): boolean => content.startsWith(MARK) || content.includes(`\n${MARK}`);
const idOf = (sender: string): string => sender.slice(0, sender.indexOf('@'));
