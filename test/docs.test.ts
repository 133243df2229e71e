/** The documents as a whole: links and paths lead somewhere, commands exist, the README's filter compiles and runs. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { test } from 'node:test';
import { main } from '../src/cli/index.ts';
import { codeOf, documents, fencesIn, readText, tablesIn } from './support/documents.ts';
import { Cleanup, ROOT } from './support/folders.ts';
import { house } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { onceLine } from './support/lines.ts';

test('every link between documents leads to a file, and to a heading that is there', () => {
  let links = 0;
  for (const path of documents())
    for (const [, target] of readText(path).matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      links++;
      const [file = '', anchor] = target!.split('#');
      const full = file === '' ? path : join(dirname(path), file);
      assert.ok(existsSync(join(ROOT, full)), `${path} links to ${target}`);
      if (anchor) assert.ok(anchorsIn(full).includes(anchor), `${path} links to ${target}`);
    }
  assert.ok(links >= 15, `${links} links`);
});

/** Anchors as GitHub makes them of headings. */
function anchorsIn(path: string): readonly string[] {
  return [...readText(path).matchAll(/^#+ (.+)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} -]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('every path of the repository that a document names is there', () => {
  let paths = 0;
  for (const path of documents())
    for (const [, named] of readText(path).matchAll(/`((?:src|test|docs|scripts|bench|bin)\/[\w./-]+)`/g)) {
      if (named!.includes('*') || named === 'bench/RESULTS.md') continue; // made by runs of the bench
      paths++;
      assert.ok(existsSync(join(ROOT, named!)), `${path} names ${named}`);
    }
  assert.ok(paths >= 30, `${paths} paths`);
});

test('every document of docs/ can be found from the README', () => {
  const reached = new Set<string>();
  const follow = (path: string): void => {
    if (reached.has(path)) return;
    reached.add(path);
    for (const [, target] of readText(path).matchAll(/\]\((?!https?:)([^)#\s]+\.md)/g))
      follow(join(dirname(path), target!));
  };
  follow('README.md');
  for (const path of documents())
    if (/^docs\/[^/]+\.md$/.test(path)) assert.ok(reached.has(path), `no way from README.md to ${path}`);
});

test('npm scripts and package entries that the README names exist', () => {
  const { scripts, exports } = JSON.parse(readText('package.json')) as {
    scripts: Record<string, string>;
    exports: Record<string, unknown>;
  };
  for (const path of ['README.md', 'CONTRIBUTING.md']) {
    const text = readText(path);
    for (const [, script] of text.matchAll(/npm run ([\w:-]+)/g))
      assert.ok(scripts[script!], `${path}: ${script}`);
    for (const [, entry] of text.matchAll(/\bmillrace(\/[a-z/]+)\b/g))
      if (entry !== '/millrace')
        assert.ok(`.${entry}` in exports || existsSync(join(ROOT, `bin${entry}`)), entry);
  }
});

test('every command that the README names is one', async () => {
  const commands = tablesIn(readText('README.md')).find(({ columns }) => columns[0] === 'Command')!;
  assert.ok(commands.rows.length >= 4);
  for (const [cell] of commands.rows) {
    const words = codeOf(cell!)
      .replace(/\[.*?\]/g, '')
      .split(' ')
      .filter((word) => /^[a-z]+$/.test(word))
      .slice(1);
    const options = [...cell!.matchAll(/(--?[a-z]+)/g)].map(([option]) => option);
    const out = new Heard();
    const code = await main([...words, '--help'], { stdout: out, stderr: new Heard(), env: {}, cwd: ROOT });
    assert.equal(code, 0, cell);
    assert.ok(out.text.startsWith(`Usage: millrace ${words.join(' ')}`), `${cell}: ${out.text}`);
    for (const option of options) assert.ok(out.text.includes(option), `${cell}: ${option}`);
  }
});

class Heard extends Writable {
  text = '';

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString();
    done();
  }
}

test("the README's filter compiles against the real types, and does what it says to a message", async (t) => {
  const cleanup = new Cleanup(t);
  const snippet = fencesIn(readText('README.md')).find(({ info }) => info === 'ts')!.text;
  assert.match(snippet, /inet:9900@/);
  // Below the package, so that the package's own name leads to it.
  await mkdir(join(ROOT, 'var'), { recursive: true });
  const folder = await mkdtemp(join(ROOT, 'var', 'docs-'));
  cleanup.after(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'filter.ts');
  await writeFile(file, snippet.replace('inet:9900@', 'inet:0@'));
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: '../../tsconfig.json', include: ['filter.ts'] }),
  );
  const tsc = join(ROOT, 'node_modules', 'typescript', 'bin', 'tsc');
  const compiled = spawnSync(process.execPath, [tsc, '-p', folder], { encoding: 'utf8' });
  assert.equal(compiled.status, 0, compiled.stdout);

  const child = spawn(process.execPath, ['--conditions=source', '--import', 'tsx', file], {
    cwd: ROOT,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const gone = once(child, 'exit');
  cleanup.after(async () => {
    child.kill('SIGTERM');
    await gone;
  });
  const line = await onceLine(child.stderr, /serve\.listening/);
  const port = Number(/inet:(\d+)@/.exec(line)![1]);
  const h = await house(cleanup, [{ port }]);
  const session = await h.open();
  const { reply } = await session.transaction('a@out.test', ['b@in.test'], 'Subject: x\r\n\r\nhi\r\n');
  assert.equal(reply.code, 250, reply.text);
  const stored = await arrived(h.mail, 'the message', () => true);
  assert.deepEqual(stored.field('X-Hello'), ['from a@out.test']);
  await session.quit();
});
