/**
 * What happens, as streams of server-sent events: rows of the history, parts of conversations, figures of the queue; and the
 * packets of one conversation.
 *
 * `event: history` has a HistoryRow and its id; who comes back with Last-Event-ID misses nothing that is still kept, or is told how
 * much. `event: conversations` has a ConversationLine whenever one begins or changes. `event: more` tells how many rows were left out
 * because more than 30 came in a second. `event: queue` has the numbers of entries when they change.
 */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import type { Desk, Office } from '#gateway';
import type { JournalReader } from '#journal';
import type { NoticeSink } from '#notices';
import { mayAct, needs } from './access/needs.ts';
import { PROBLEM } from './answers.ts';
import { sessionParam } from './contract-conversations.ts';
import * as contract from './contract-events.ts';
import { conversationWhere, withoutContent } from './conversations.ts';
import { historyWhere, JOURNAL_OFF } from './history.ts';
import { problem } from './problem.ts';
import { Streams, type EventStream } from './streams.ts';
import { ConversationTail, HistoryTail, PacketTail, type Tail } from './tails.ts';

/** Milliseconds between looks when nobody calls. */
const LOOK_EVERY = 1000;
/** Milliseconds between figures of the topic metrics. */
const METRICS_EVERY = 5000;

const STREAM = {
  description: 'Events',
  content: { 'text/event-stream': {} },
};

type Query = ReturnType<typeof contract.eventsQuery.parse>;

/** Adds the streams. */
export function addEvents(app: OpenAPIHono, office: Office, notices: NoticeSink): void {
  const { clock } = office.desk;
  const streams = new Streams({ clock, notices, admitted: (c) => admitted(app, c) });
  const events = createRoute({
    method: 'get',
    path: '/api/v1/events',
    summary: 'What happens, as it happens (server-sent events)',
    middleware: [needs('viewer')] as const,
    request: { query: contract.eventsQuery, headers: contract.eventsHeaders },
    responses: { 200: STREAM, 400: PROBLEM, 404: PROBLEM, 503: PROBLEM },
  });
  app.openapi(events, (c) => {
    const { journal } = office;
    const query = c.req.valid('query');
    const ofJournal = query.topics.some((t) => t === 'history' || t === 'conversations');
    if (ofJournal && !journal) return problem(c, 404, JOURNAL_OFF);
    const last = c.req.valid('header')['last-event-id'];
    return streams.begin(c, async (stream) => {
      const tails: Tail[] = [];
      if (query.topics.includes('queue')) tails.push(queueTail(office.desk));
      if (query.topics.includes('metrics')) tails.push(metricsTail(office));
      if (journal && ofJournal) await followJournal(stream, journal, query, { last, tails, office });
      else await follow(stream, tails);
    });
  });
  addPackets(app, office, streams);
}

/** Sends what is new until the stream ends. */
async function follow(stream: EventStream, tails: readonly Tail[]): Promise<void> {
  while (!stream.ended) {
    for (const tail of tails) await tail.step(stream);
    await stream.wait(LOOK_EVERY);
  }
}

/** The same with what the journal tells of. `last`: the id of the last event that the reader has. */
async function followJournal(
  stream: EventStream,
  journal: JournalReader,
  query: Query,
  { last, tails, office }: { last: string | undefined; tails: readonly Tail[]; office: Office },
): Promise<void> {
  const { topics, errors, open, pinned, user, verdict, subject, state, q, ...shared } = query;
  const now = office.desk.clock.now();
  const history = topics.includes('history')
    ? new HistoryTail(journal, historyWhere({ ...shared, user, verdict, subject, state, q }, now))
    : null;
  const conversations = topics.includes('conversations')
    ? new ConversationTail(journal, conversationWhere({ ...shared, errors, open, pinned }, now))
    : null;
  const stop = journal.watch(({ ids }) => {
    history?.news(ids);
    stream.poke();
  });
  try {
    const [end = '', id = ''] = last?.split('-') ?? [];
    if (last !== undefined) await history?.resume({ end: Number(end), id });
    await conversations?.begin();
    await follow(
      stream,
      [...tails, history, conversations].filter((tail) => tail !== null),
    );
  } finally {
    stop();
  }
}

/** Numbers of entries, at first and whenever they change. */
function queueTail({ store }: Desk): Tail {
  let last = '';
  return {
    async step(stream) {
      const totals = store.totals();
      const text = JSON.stringify(totals);
      if (text === last) return;
      last = text;
      await stream.send('queue', totals);
    },
  };
}

/** The figures of the overview, at first and every few seconds. */
function metricsTail({ metrics, desk: { clock } }: Office): Tail {
  let due = -Infinity;
  return {
    async step(stream) {
      if (clock.elapsed() < due) return;
      due = clock.elapsed() + METRICS_EVERY;
      await stream.send('metrics', await metrics.overview());
    },
  };
}

/** Whether access control would still let this request in: nothing is behind this path. */
async function admitted(app: OpenAPIHono, c: Context): Promise<boolean> {
  const nowhere = new URL('/api/v1/events/still', c.req.url);
  const { status } = await app.fetch(new Request(nowhere, { headers: c.req.raw.headers }), c.env);
  return status === 404;
}

function addPackets(app: OpenAPIHono, { journal, desk }: Office, streams: Streams): void {
  const packets = createRoute({
    method: 'get',
    path: '/api/v1/conversations/{session}/events',
    summary: 'Packets of one conversation as they come (server-sent events); `event: end` after the last',
    middleware: [needs('viewer')] as const,
    request: { params: sessionParam, query: contract.packetEventsQuery, headers: contract.packetHeaders },
    responses: { 200: STREAM, 400: PROBLEM, 404: PROBLEM, 503: PROBLEM },
  });
  app.openapi(packets, (c) => {
    if (!journal) return problem(c, 404, JOURNAL_OFF);
    const { session } = c.req.valid('param');
    const { part, after } = c.req.valid('query');
    const [lastPart, lastN] = (c.req.valid('header')['last-event-id'] ?? `${part}.${after}`).split('.');
    const place = { part: Number(lastPart), n: Number(lastN) };
    const shown = mayAct(c) ? (row: Parameters<typeof withoutContent>[0]) => row : withoutContent;
    return streams.begin(c, async (stream) => {
      const tail = new PacketTail(journal, session, place, shown);
      const stop = journal.watch(() => stream.poke());
      try {
        while (!stream.ended) {
          if (await tail.advance(stream, desk.clock.now())) {
            await stream.send('end', {});
            return;
          }
          await stream.wait(LOOK_EVERY);
        }
      } finally {
        stop();
      }
    });
  });
}
