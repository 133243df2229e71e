/** The pages are served as files and nothing else is. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { OpenAPIHono } from '@hono/zod-openapi';
import { addPages } from './pages.ts';

let folder = '';
const app = new OpenAPIHono();
const get = (path: string): Promise<Response> => Promise.resolve(app.request(`http://mx.test${path}`));

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-pages-'));
  await mkdir(join(folder, 'ui', 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'secret');
  await writeFile(join(folder, 'ui', 'index.html'), '<!doctype html>pages');
  await writeFile(join(folder, 'ui', 'assets', 'main-1234.js'), 'code');
  await symlink(join(folder, 'secret.txt'), join(folder, 'ui', 'link.txt'));
  addPages(app, join(folder, 'ui'));
});
after(() => rm(folder, { recursive: true }));

test('every address of a page is answered with the page, under a policy without exceptions', async () => {
  for (const path of ['/', '/messages', '/messages/0abc/filters', '/settings/mta/filters/milters/a%2Fb']) {
    const response = await get(path);
    assert.equal(response.status, 200, path);
    assert.equal(await response.text(), '<!doctype html>pages');
    const policy = response.headers.get('content-security-policy') ?? '';
    assert.match(policy, /default-src 'self'/);
    assert.match(policy, /object-src 'none'.*base-uri 'none'.*frame-ancestors 'none'/);
    assert.doesNotMatch(policy, /unsafe|\*|https?:|data:/);
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('referrer-policy'), 'no-referrer');
    assert.equal(response.headers.get('cache-control'), 'no-cache');
  }
});

test('files with hashed names may be kept for ever, and have their type', async () => {
  const response = await get('/assets/main-1234.js');
  assert.equal(response.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.match(response.headers.get('content-type') ?? '', /^text\/javascript/);
  assert.equal(await response.text(), 'code');
});

test('nothing else can be read: no paths out, no links, no other files, no answers in place of the API', async () => {
  const paths = [
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/link.txt',
    '/etc/passwd.txt',
    '/assets/other.js',
    '/assets/',
    '/api',
    '/api/v1/nothing',
    '/metrics',
    '/favicon.ico',
    '/%00.js',
  ];
  for (const path of paths) {
    const response = await get(path);
    const text = await response.text();
    assert.doesNotMatch(text, /secret$|root:/, path);
    assert.equal(response.status, 404, path);
  }
});

test('without built pages the answer is that there is nothing', async () => {
  const bare = new OpenAPIHono();
  addPages(bare, join(folder, 'absent'));
  assert.equal((await bare.request('http://mx.test/')).status, 404);
});
