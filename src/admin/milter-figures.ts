/** What was counted of one filter as a resource of the HTTP API: waits by the minute, answers, edits, faults, bytes. */
import { createRoute, z, type OpenAPIHono } from '@hono/zod-openapi';
import type { FilterReport, MilterHealth, Office } from '#gateway';
import { needs } from './access/needs.ts';
import { json, PROBLEM } from './answers.ts';
import { nameParam } from './contract-milters.ts';
import { problem } from './problem.ts';

const COUNT = z.number().int().nonnegative();
const MS = z.number().openapi({ description: 'milliseconds' });
const BY_WORD = z.record(z.string(), COUNT);

export const figuresSchema = z
  .object({
    waits: z
      .object({
        bounds: z.array(MS),
        minutes: z.array(
          z.object({
            at: z.number().openapi({ description: 'milliseconds since 1970' }),
            counts: z.array(COUNT),
          }),
        ),
      })
      .openapi({
        description:
          'the last 60 minutes: messages by how long they waited for the filter, up to each bound, and beyond the last',
      }),
    stages: z
      .array(
        z.object({
          stage: z.string(),
          answers: BY_WORD,
          p50: MS.nullable(),
          p95: MS.nullable(),
          p99: MS.nullable(),
        }),
      )
      .openapi({ description: 'since the start' }),
    edits: z.array(z.object({ edit: z.string(), made: COUNT, refused: COUNT })),
    errors: z
      .array(
        z.object({
          kind: z.string(),
          count: COUNT,
          last: z.string(),
          at: z.string().nullable().openapi({ format: 'date-time' }),
        }),
      )
      .openapi({ description: 'with the words of the latest of each kind' }),
    unsent: BY_WORD.openapi({
      description:
        'body bytes that were not sent: it answered SKIP (skip), wants none (unwanted), had decided (decided)',
    }),
    sentBytes: COUNT,
    receivedBytes: COUNT,
  })
  .openapi('MilterFigures');
export type MilterFigures = z.output<typeof figuresSchema>;

/** Adds /api/v1/milters/{name}/figures. */
export function addMilterFigures(app: OpenAPIHono, { milters, metrics }: Office): void {
  const show = createRoute({
    method: 'get',
    path: '/api/v1/milters/{name}/figures',
    summary: 'What was counted of a filter: waits by the minute, answers, edits, errors, bytes saved',
    middleware: needs('viewer'),
    request: { params: nameParam },
    responses: { 200: json(figuresSchema, 'Figures'), 404: PROBLEM },
  });
  app.openapi(show, async (c) => {
    const { name } = c.req.valid('param');
    const health = milters.health(name);
    if (!health) return problem(c, 404, 'there is no such filter');
    return c.json(answerOf(await metrics.filterReport(name), health), 200);
  });
}

function answerOf(report: FilterReport, { troubles, errors: heard }: MilterHealth): MilterFigures {
  const kinds = new Set([...Object.keys(report.errors), ...Object.keys(troubles)]);
  return {
    waits: {
      bounds: [...report.waits.bounds],
      minutes: report.waits.minutes.map(({ at, counts }) => ({ at, counts: [...counts] })),
    },
    stages: report.stages.map((stage) => ({ ...stage })),
    edits: report.edits.map((edit) => ({ ...edit })),
    errors: [...kinds].map((kind) => ({
      kind,
      count: report.errors[kind] ?? heard[kind] ?? 0,
      last: troubles[kind]?.text ?? '',
      at: troubles[kind]?.at ?? null,
    })),
    unsent: report.unsent,
    sentBytes: report.sentBytes,
    receivedBytes: report.receivedBytes,
  };
}
