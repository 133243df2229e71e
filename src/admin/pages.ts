/**
 * The web pages: the files of dist/ui, and index.html for every path that is a page of theirs.
 *
 * What may be read is the list of files made at the first request; a path never reaches the file system. Who has no login
 * gets the pages as well: they hold no secret, everything they show comes from the API. Answers 404 where the pages were not built.
 */
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { OpenAPIHono } from '@hono/zod-openapi';
import type { Context } from 'hono';
import { problem } from './problem.ts';

/** Scripts, styles and requests of our own only; nothing inline; mail is shown in frames that the policy holds as well. */
export const PAGE_POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "font-src 'self'",
  "frame-src 'self' blob:",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.json': 'application/json',
};

/** Where the build puts them, seen from the sources as well as from the built program. */
const FOLDER = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? '../../dist/ui/' : '../ui/', import.meta.url),
);

/** Paths of other things: never answered with a page. */
const NO_PAGE = /^\/(?:api|metrics|healthz|readyz|assets)(?:\/|$)/;

/** Answers with a page what nothing else answers; what is no page either is a problem. No route of its own, which would match all. */
export function addPages(app: OpenAPIHono, folder: string = FOLDER): void {
  let files: ReadonlyMap<string, string> | undefined;
  app.notFound((c) => {
    files ??= filesIn(folder);
    const path = new URL(c.req.url).pathname;
    const file = files.get(path);
    const reads = c.req.method === 'GET' || c.req.method === 'HEAD';
    if (reads && file !== undefined) return send(c, file, path);
    const index = files.get('/index.html');
    if (!reads || index === undefined || NO_PAGE.test(path) || extname(path) !== '')
      return problem(c, 404, 'there is nothing here');
    return send(c, index, '/index.html');
  });
}

async function send(c: Context, file: string, path: string): Promise<Response> {
  const bytes = await readFile(file);
  c.header('content-type', TYPES[extname(file)] ?? 'application/octet-stream');
  c.header('content-security-policy', PAGE_POLICY);
  c.header('referrer-policy', 'no-referrer');
  c.header('x-content-type-options', 'nosniff');
  c.header('x-frame-options', 'DENY');
  c.header('cross-origin-opener-policy', 'same-origin');
  c.header('permissions-policy', 'camera=(), geolocation=(), microphone=()');
  c.header('cache-control', path.startsWith('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache');
  return c.body(new Uint8Array(bytes));
}

function filesIn(folder: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  try {
    for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath ?? entry.path, entry.name);
      found.set('/' + relative(folder, file).split(sep).join('/'), file);
    }
  } catch {
    return found;
  }
  return found;
}
