/** Runs the gateway's program from its sources, as bin/millrace does from what was built. For tests while the code changes. */
import { main } from '../../src/cli/index.ts';

process.exitCode = await main(process.argv.slice(2));
