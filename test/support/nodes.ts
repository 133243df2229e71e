/**
 * Two gateways on one queue, as processes of their own: the same state, listeners of their own, one next hop and one ledger. Both
 * have the same wall clock, which a test can set forward past the end of every lease.
 *
 * The next hop writes down what it takes before it answers; while `holds` is set it answers nothing, and what came waits.
 */
import { join } from 'node:path';
import { fakeClock, type FakeClock } from './fake-clock.ts';
import { tempFolder, type Cleanup } from './folders.ts';
import { Gateway } from './gateway.ts';
import { hashOf, Ledger } from './ledger.ts';
import { startNextHop, type TakenMessage } from './next-hop.ts';
import { freePorts } from './ports.ts';
import { pause } from './wait.ts';

/** Seconds after which a lease is over whatever its owner says (docs/limits.md), and one more. */
const BEYOND_LEASE = 301;

/** One of the two. */
export interface Node {
  readonly gateway: Gateway;
  readonly port: number;
}

export class Nodes {
  readonly ledger: Ledger;
  readonly both: readonly [Node, Node];
  /** The next hop says nothing to a final dot. */
  holds = false;
  /** Milliseconds that it takes for a message. */
  slowness = 0;
  readonly #waiting: (() => void)[] = [];
  readonly #underway = new Set<Promise<string>>();
  readonly #jump: FakeClock['jump'];
  #ahead = 0;

  private constructor(ledger: Ledger, jump: FakeClock['jump'], both: readonly [Node, Node]) {
    this.ledger = ledger;
    this.#jump = jump;
    this.both = both;
  }

  /** Starts the next hop and both. `perDestination`: deliveries that each of them has under way at a time. */
  static async start(cleanup: Cleanup, perDestination: number): Promise<Nodes> {
    const folder = await tempFolder(cleanup);
    const ledger = await Ledger.open(join(folder, 'ledger'));
    cleanup.after(() => ledger.close());
    const [hop = 0, ...ports] = await freePorts(3);
    let nodes: Nodes | null = null;
    await startNextHop(cleanup, hop, (message) => nodes!.#underTheEye(message));
    const { env, jump } = await fakeClock(cleanup);
    const node = async (port: number): Promise<Node> => {
      const configuration = JSON.stringify({
        hostname: 'gateway.test',
        stateDir: join(folder, 'state'),
        listeners: [
          {
            name: 'smtp',
            bind: `127.0.0.1:${port}`,
            relay: { networks: ['127.0.0.0/8'], domains: ['in.test'] },
          },
        ],
        delivery: {
          routes: [{ match: 'true', via: 'smtp', to: [`127.0.0.1:${hop}`] }],
          retry: ['1s'],
          concurrency: { perDestination },
        },
        journal: false,
      });
      const own = await tempFolder(cleanup);
      return {
        port,
        gateway: await Gateway.start(cleanup, { folder: own, configuration, ports: [port], env }),
      };
    };
    const both = [await node(ports[0]!), await node(ports[1]!)] as const;
    nodes = new Nodes(ledger, jump, both);
    return nodes;
  }

  /** Messages that wait for an answer of the next hop. */
  get held(): number {
    return this.#waiting.length;
  }

  /** The next hop takes those that wait, and whatever comes. */
  letGo(): void {
    this.holds = false;
    for (const go of this.#waiting.splice(0)) go();
  }

  /** Every lease that is held now is over. */
  endLeases(): Promise<void> {
    this.#ahead += BEYOND_LEASE;
    return this.#jump(`+${this.#ahead}`);
  }

  /** Recipients that were told 250 of and that nobody has got, as `id recipient`. */
  get owed(): readonly string[] {
    const got = new Set(this.ledger.delivered.map((d) => `${d.id} ${d.recipient}`));
    const owed: string[] = [];
    for (const { id, recipients } of this.ledger.sent.values())
      for (const [recipient, verdict] of recipients)
        if (verdict === 'acked' && !got.has(`${id} ${recipient}`)) owed.push(`${id} ${recipient}`);
    return owed;
  }

  /** Resolves when all that is under way at the next hop now is written down: of what came from a process that is dead, too. */
  async writtenDown(): Promise<void> {
    await Promise.all(this.#underway);
  }

  #underTheEye(message: TakenMessage): Promise<string> {
    const answer = this.#take(message);
    this.#underway.add(answer);
    return answer.finally(() => this.#underway.delete(answer));
  }

  async #take({ sender, recipients, content }: TakenMessage): Promise<string> {
    if (this.slowness > 0) await pause(this.slowness);
    if (this.holds) await new Promise<void>((go) => this.#waiting.push(go));
    await this.ledger.taken(sender.slice(0, sender.indexOf('@')), recipients, hashOf(content));
    return '250 2.0.0 taken';
  }
}
