/** What a browser must fetch before the first page can be seen: 300 kB compressed at most. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { ensurePages, PAGES } from '../support/built-pages.ts';

const MOST = 300_000;

/** Scripts and styles that a page needs: those named in it, and what these import at once. */
function needed(index: string): string[] {
  const found = new Set<string>();
  const add = (path: string): void => {
    if (found.has(path)) return;
    found.add(path);
    if (!path.endsWith('.js')) return;
    const text = readFileSync(join(PAGES, path), 'utf8');
    for (const [, name] of text.matchAll(/(?:from|import)\s*["'`]\.\/([\w.-]+\.js)["'`]/g))
      add(`assets/${name!}`);
  };
  for (const [, path] of index.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)) add(path!);
  return [...found];
}

test('the first load is within 300 kB, compressed', async () => {
  await ensurePages();
  const index = readFileSync(join(PAGES, 'index.html'), 'utf8');
  const files = needed(index);
  const sizes = files.map((file) => [file, gzipSync(readFileSync(join(PAGES, file))).length] as const);
  const sum = sizes.reduce((all, [, size]) => all + size, gzipSync(index).length);
  console.log(`first load: ${sum} B compressed in ${files.length} files`);
  assert.ok(files.some((file) => file.endsWith('.js')) && files.some((file) => file.endsWith('.css')));
  assert.ok(sum <= MOST, `${sum} B: ${JSON.stringify(sizes)}`);
});

test('pages are loaded when they are gone to, and none of them is large', async () => {
  await ensurePages();
  const assets = readdirSync(join(PAGES, 'assets')).filter((file) => file.endsWith('.js'));
  assert.ok(assets.length > 15);
  for (const file of assets) assert.ok(statSync(join(PAGES, 'assets', file)).size < 450_000, file);
});

test('nothing in the pages stands inline, and nothing is fetched from elsewhere', async () => {
  await ensurePages();
  const index = readFileSync(join(PAGES, 'index.html'), 'utf8');
  assert.doesNotMatch(index, /<script(?![^>]*\bsrc=)/);
  assert.doesNotMatch(index, /<style|\son\w+=|\sstyle=/);
  for (const [, url] of index.matchAll(/(?:src|href)="([^"]+)"/g)) assert.match(url!, /^\/(?!\/)/);
});
