/**
 * `millrace trace`: conversations as they happen.
 *
 * Follows the gateway's events of conversations that match and, of each of them, fetches the packets that are new. What comes too
 * fast to be shown is counted and said. Ends when the reader of the results has gone, or after one conversation with --only-one.
 */
import type { ConversationLine, PacketRow } from '#journal';
import { atApi } from '../queue/reach.ts';
import type { Api, ServerEvent } from '../queue/api.ts';
import { EndError } from '../queue/end.ts';
import type { Options } from '../queue/commands.ts';
import { EXIT, type Terminal } from '../terminal.ts';
import { lineText, LINE_HEADING, packetText } from './packets.ts';
import { conversation, traceQuery } from './where.ts';

/** Conversations that are remembered at one time. */
const MAX_FOLLOWED = 1000;
/** Milliseconds before the stream is asked for again, and how often in a row without an event. */
const AGAIN_AFTER = 500;
const MAX_TRIES = 10;

/** See the head of the file. */
export function runLive(options: Options, terminal: Terminal): Promise<number> {
  return atApi(options, terminal, async (api) => {
    const follower = new Follower(api, options, terminal);
    if (options['onlyNew'] === true) await follower.leaveOut();
    for (let tries = 0; tries < MAX_TRIES && !terminal.closed; tries++) {
      try {
        for await (const event of api.events(
          `/api/v1/events?${traceQuery(options, { topics: 'conversations' })}`,
          null,
        )) {
          tries = 0;
          await follower.take(event);
          if (follower.done || terminal.closed) return EXIT.ok;
        }
      } catch (error) {
        // A stream that breaks off is begun again; a gateway that is not there is not waited for.
        if (!(error instanceof EndError) || error.code !== 'request_failed') throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER));
    }
    throw new EndError('request_failed', 'the gateway ends the stream of events again and again');
  });
}

/** What was shown of a conversation. */
interface Followed {
  /** Number of the last packet shown, by part. */
  readonly shown: Map<number, number>;
}

class Follower {
  readonly #api: Api;
  readonly #terminal: Terminal;
  readonly #terse: boolean;
  readonly #hex: boolean;
  readonly #json: boolean;
  readonly #onlyOne: boolean;
  readonly #followed = new Map<string, Followed>();
  readonly #left = new Set<string>();
  #first: string | null = null;
  #titled = false;
  done = false;

  constructor(api: Api, options: Options, terminal: Terminal) {
    this.#api = api;
    this.#terminal = terminal;
    this.#terse = options['terse'] === true;
    this.#hex = options['hex'] === true;
    this.#json = options['json'] === true;
    this.#onlyOne = options['onlyOne'] === true;
  }

  /** Conversations that are open now are not shown. */
  async leaveOut(): Promise<void> {
    const { lines } = await this.#api.get<{ lines: ConversationLine[] }>(
      '/api/v1/conversations?open=true&limit=500',
    );
    for (const { session } of lines) this.#left.add(session);
  }

  async take({ event, data }: ServerEvent): Promise<void> {
    if (event === 'more') this.#terminal.say(`${(data as { n: number }).n} more came too fast to be shown`);
    if (event !== 'conversations') return;
    const line = data as ConversationLine;
    if (this.#left.has(line.session)) return;
    if (this.#onlyOne && !this.#terse) return this.#showOne(line.session);
    if (this.#onlyOne && (this.#first ??= line.session) !== line.session) return;
    if (this.#terse) await this.#showLine(line);
    else await this.#showPackets(line);
    // The connection itself, part 0, says little: the first transaction is what is waited for.
    if (this.#onlyOne && line.part > 0 && !line.open) this.done = true;
  }

  /** All of one conversation, to its end. */
  async #showOne(session: string): Promise<void> {
    let last: string | null = null;
    while (!this.done && !this.#terminal.closed)
      for await (const { event, data, id } of this.#api.events(conversation(session, '/events'), last)) {
        last = id ?? last;
        if (event === 'packet') await this.#showPacket(session, data as PacketRow);
        if (event === 'end') this.done = true;
        if (this.#terminal.closed) return;
      }
  }

  async #showPacket(session: string, row: PacketRow): Promise<void> {
    await this.#terminal.result(
      this.#json ? JSON.stringify({ session, ...row }) : packetText(row, this.#hex),
    );
  }

  async #showLine(line: ConversationLine): Promise<void> {
    if (line.open) return;
    if (!this.#titled && !this.#json) await this.#terminal.result(LINE_HEADING);
    this.#titled = true;
    await this.#terminal.result(this.#json ? JSON.stringify(line) : lineText(line));
  }

  async #showPackets(line: ConversationLine): Promise<void> {
    const { session } = line;
    let followed = this.#followed.get(session);
    if (!followed) {
      followed = { shown: new Map() };
      this.#followed.set(session, followed);
      const [oldest] = this.#followed.keys();
      if (this.#followed.size > MAX_FOLLOWED) this.#followed.delete(oldest!);
      if (!this.#json) await this.#terminal.result(`--- ${session} ${line.client} at ${line.listener}`);
    }
    // A part tells of itself: what was said before, in part 0, first.
    for (const part of new Set([0, line.part])) {
      const after = followed.shown.get(part) ?? 0;
      const path = conversation(session, `/packets?part=${part}&after=${after}`);
      const found = await this.#api.find<{ packets: PacketRow[] }>(path);
      for (const row of found?.packets ?? []) {
        followed.shown.set(part, row.n);
        await this.#showPacket(session, row);
        if (this.#terminal.closed) return;
      }
    }
  }
}
