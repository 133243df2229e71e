// Runs tests. `unit`: everything beside the code it tests. `documents`: those of test/ that start no gateway. `gateway [NAME...]`:
// all in test/ (those whose path holds a NAME). `all`: the quick check, which runs the first two, then the whole-gateway tests, after
// installing the Debian packages that these need.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [what = 'all', ...names] = process.argv.slice(2);

const testsIn = (folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((f) => join(root, folder, String(f)))
    .filter((f) => f.endsWith('.test.ts') && (names.length === 0 || names.some((n) => f.includes(n))))
    .toSorted();

/** Runs a command; its exit code. */
function step(title, command, args) {
  console.log(`\n== ${title}`);
  return spawnSync(command, args, { cwd: root, stdio: 'inherit' }).status ?? 1;
}

/** The first that failed, when all were run. */
const together = (...codes) => codes.find((code) => code !== 0) ?? 0;

/** node:test in one process per file. */
function nodeTests(title, files, options = []) {
  const node = [
    '--conditions=source',
    '--import',
    'tsx',
    '--test',
    '--test-reporter=spec',
    ...options,
    ...files,
  ];
  return step(title, process.execPath, node);
}

/** Tests in a few processes: to start one for each file takes longer than most of them run. */
function inBatches(title, files, processes) {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-tests-'));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  const batches = Array.from({ length: Math.min(processes, files.length) }, (_, i) => {
    const batch = join(folder, `batch-${i + 1}.test.mjs`);
    const mine = files.filter((_file, at) => at % processes === i);
    writeFileSync(batch, mine.map((file) => `import '${pathToFileURL(file)}';\n`).join(''));
    return batch;
  });
  return nodeTests(title, batches, [`--test-concurrency=${processes}`]);
}

/** They wait more than they compute, so more of them run at once than there are cores. */
const unitTests = () => inBatches('unit tests', testsIn('src'), 4);

/** Tests of documents and borders: they start no gateway. */
const isDocument = (file) => /^(docs|boundaries)/.test(relative(join(root, 'test'), file));
const documentTests = () => inBatches('documents', testsIn('test').filter(isDocument), 1);

/**
 * Whole-gateway tests that measure time or memory, load the machine on purpose or take its disks: alone. The others
 * mostly wait for each other's sockets, so two of them share two cores well.
 */
const ALONE =
  /^(admin-access|admin-hostile|auth|bench|client-name|control-group|cut-off|limits-|power-cut|reliability-d-|reliability-m-load|retries|slow-hop|ui.scale|workers)/;

function gatewayTests(files = testsIn('test')) {
  const alone = (file) => ALONE.test(relative(join(root, 'test'), file));
  const groups = [
    ['two at a time', files.filter((file) => !alone(file)), 2],
    ['one at a time', files.filter(alone), 1],
  ];
  const present = groups.filter(([, group]) => group.length > 0);
  if (present.length === 0) {
    console.error(`no whole-gateway test has a name with ${names.join(' or ')}`);
    return 2;
  }
  // Built before, since two of them at a time would both build. Those about documents start no program.
  if (!files.every(isDocument)) {
    const script = `await (await import('./test/support/gateway.ts')).ensureProgram()`;
    const built = step('the program', process.execPath, [
      '--conditions=source',
      '--import',
      'tsx',
      '--input-type=module',
      '-e',
      script,
    ]);
    if (built !== 0) return built;
  }
  return together(
    ...present.map(([how, group, concurrency]) =>
      nodeTests(`whole-gateway tests, ${how}`, group, [`--test-concurrency=${concurrency}`]),
    ),
  );
}

function all() {
  const packages = step('Debian packages', 'bash', [join(root, 'scripts', 'debian-packages.sh')]);
  if (packages !== 0) return packages;
  const check = step('check', process.execPath, [join(root, 'scripts', 'check.mjs')]);
  return check === 0 ? gatewayTests(testsIn('test').filter((file) => !isDocument(file))) : check;
}

const runs = { unit: unitTests, documents: documentTests, gateway: () => gatewayTests(), all };
if (!Object.hasOwn(runs, what)) {
  console.error(`unknown: ${what}; use unit, documents, gateway or all`);
  process.exit(2);
}
process.exitCode = runs[what]();
