/** `millrace version`: what is installed. */
import type { Command } from 'commander';
import { VERSION } from '#gateway/config';
import { EXIT, type Terminal } from './terminal.ts';

/** Adds the command; it reports its exit code to `ends`. */
export function addVersion(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('version')
    .description('print the version')
    .option('--json', 'one JSON object: version, node, platform')
    .action(async (options: { json?: boolean }) => {
      const facts = {
        version: VERSION,
        node: process.versions.node,
        platform: `${process.platform}-${process.arch}`,
      };
      await terminal.result(options.json ? JSON.stringify(facts) : `millrace ${VERSION}`);
      ends(EXIT.ok);
    });
}
