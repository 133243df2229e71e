/**
 * Orders about many entries as jobs of the HTTP API: begun with one request, looked at with others, stopped with another.
 *
 * A header Idempotency-Key makes a request that is sent twice begin one job; the same key with another order is refused.
 */
import { createHash } from 'node:crypto';
import { createRoute, type OpenAPIHono, type z } from '@hono/zod-openapi';
import { parseWhere, type Desk } from '#gateway';
import { needs } from './access/needs.ts';
import { json, PROBLEM } from './answers.ts';
import * as contract from './contract-jobs.ts';
import { actOf } from './orders.ts';
import { problem } from './problem.ts';
import { whoOf } from './access/who.ts';

type Job = z.output<typeof contract.jobSchema>;

/** Adds the resource below /api/v1/jobs. */
export function addJobs(app: OpenAPIHono, { jobs }: Desk): void {
  const begin = createRoute({
    method: 'post',
    path: '/api/v1/jobs',
    summary: 'Begins to carry out an order about many entries',
    middleware: [needs('operator')] as const,
    request: {
      headers: contract.jobHeaders,
      body: { required: true, content: { 'application/json': { schema: contract.jobOrderSchema } } },
    },
    responses: {
      202: json(contract.begunSchema, 'It has begun, or had been with the same key'),
      400: PROBLEM,
      422: PROBLEM,
      429: PROBLEM,
    },
  });
  app.openapi(begin, (c) => {
    const body = c.req.valid('json');
    const { verb, ids, where: conditions = [], all: _all, dryRun = false, ...order } = body;
    const act = actOf(verb, order);
    if ('trouble' in act) return problem(c, 400, act.trouble);
    const where = parseWhere(conditions);
    if ('trouble' in where) return problem(c, 400, where.trouble);
    const text = c.req.valid('header')['idempotency-key'];
    const print = createHash('sha256').update(JSON.stringify(body)).digest('hex');
    const key = text === undefined ? null : { text, print };
    const job = jobs.begin({ selection: ids ? { ids } : { where }, act, who: whoOf(c), dryRun, key });
    if (job === 'too-many') return problem(c, 429, 'too many jobs run: wait for one to finish, or stop one');
    if (job === 'other-request') return problem(c, 422, 'this Idempotency-Key was used for another order');
    c.header('location', `/api/v1/jobs/${job.id}`);
    return c.json({ id: job.id }, 202);
  });
  addLooking(app, jobs);
}

function addLooking(app: OpenAPIHono, jobs: Desk['jobs']): void {
  const list = createRoute({
    method: 'get',
    path: '/api/v1/jobs',
    summary: 'Jobs that are remembered, newest first, without their results',
    middleware: [needs('viewer')] as const,
    responses: { 200: json(contract.jobsSchema, 'Jobs') },
  });
  app.openapi(list, (c) => {
    const all: Job[] = jobs.list().map((job) => ({ ...job, results: [] }));
    return c.json({ jobs: all }, 200);
  });
  const show = createRoute({
    method: 'get',
    path: '/api/v1/jobs/{id}',
    summary: 'How far a job is',
    middleware: [needs('viewer')] as const,
    request: { params: contract.jobParam },
    responses: { 200: json(contract.jobSchema, 'The job'), 400: PROBLEM, 404: PROBLEM },
  });
  app.openapi(show, (c) => {
    const job = jobs.get(c.req.valid('param').id);
    return job ? c.json(job as Job, 200) : problem(c, 404, 'there is no such job');
  });
  const stop = createRoute({
    method: 'delete',
    path: '/api/v1/jobs/{id}',
    summary: 'Begins nothing more of a job',
    middleware: [needs('operator')] as const,
    request: { params: contract.jobParam },
    responses: { 204: { description: 'It stops' }, 404: PROBLEM, 409: PROBLEM },
  });
  app.openapi(stop, (c) => {
    const { id } = c.req.valid('param');
    if (jobs.cancel(id)) return c.body(null, 204);
    return jobs.get(id) ? problem(c, 409, 'it has ended') : problem(c, 404, 'there is no such job');
  });
}
