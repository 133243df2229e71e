/**
 * What machines ask that watch over the gateway: is the process alive, is mail taken, what was counted.
 *
 * Health and readiness are told to anybody and hold no secret. Figures are told to whoever comes through `gate` with the scope
 * viewer; without a gate to anybody.
 */
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { MiddlewareHandler } from 'hono';
import type { Office } from '#gateway';
import { needs } from './access/needs.ts';

/** Adds `/healthz`, `/readyz` and `/metrics`. */
export function addHealth(app: OpenAPIHono, office: Office, gate: MiddlewareHandler | null): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }));
  app.get('/readyz', async (c) => {
    const { ready, reasons } = await office.ready();
    return c.json({ ready, reasons }, ready ? 200 : 503);
  });
  if (gate) app.use('/metrics', gate, needs('viewer'));
  app.get('/metrics', async (c) => {
    const { type, text } = await office.metrics.scrape();
    return c.body(text, 200, { 'content-type': type });
  });
}
