/** `millrace version`: what is installed. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { EXIT, type Terminal } from './terminal.ts';

/** Adds the command; it reports its exit code to `ends`. */
export function addVersion(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('version')
    .description('print the version')
    .option('--json', 'one JSON object: version, node, platform')
    .action(async (options: { json?: boolean }) => {
      const version = packageVersion();
      const facts = { version, node: process.versions.node, platform: `${process.platform}-${process.arch}` };
      await terminal.result(options.json ? JSON.stringify(facts) : `millrace ${version}`);
      ends(EXIT.ok);
    });
}

/** The version of package.json, which lies two folders up from here, built or not. */
export function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
