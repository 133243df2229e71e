/**
 * `npm run bench`: the gateway under load on loopback, with filters, and on demand Debian's Postfix beside it.
 *
 * Measures the matrix (matrix.ts) or the named scenarios (scenarios/), turn by turn, so that what else happens on the machine
 * hits all alike; prints the tables. Ends everything it started. Exit code 1 when a message failed, 2 on wrong usage; a goal
 * that was missed is in the table and is no error.
 */
import { writeFile } from 'node:fs/promises';
import { Cleanup } from '../test/support/folders.ts';
import { measureMatrix, type Outcome } from './matrix.ts';
import { readOptions, USAGE, UsageError, type Options } from './options.ts';
import { playScenarios } from './scenarios/play.ts';
import { Workshop } from './workshop.ts';

async function main(argv: readonly string[]): Promise<number> {
  const options = readOptions(argv);
  if (options.help) {
    console.log(USAGE);
    return 0;
  }
  const cleanup = new Cleanup();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      void cleanup.run().then(() => process.exit(130));
    });
  }
  try {
    return await bench(options, cleanup);
  } finally {
    await cleanup.run();
  }
}

async function bench(options: Options, cleanup: Cleanup): Promise<number> {
  const shop = await Workshop.open(cleanup, options);
  const { text, failures }: Outcome =
    options.scenarios.length > 0 ? await playScenarios(shop) : await measureMatrix(shop);
  console.log(text);
  if (options.out !== undefined) await writeFile(options.out, text);
  for (const failure of failures) console.error(`errors: ${failure}`);
  return failures.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error instanceof UsageError) {
    console.error(`error: ${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  } else {
    console.error(`error: ${error instanceof Error ? error.message : String(error)}`);
    process.exitCode = 1;
  }
}
