/** Waits for a line of a child's output. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';

/** The first line that matches; rejects, with all that was said, when the output ends without it. */
export async function onceLine(output: Readable, wanted: RegExp): Promise<string> {
  const said: string[] = [];
  const lines = createInterface({ input: output });
  for await (const line of lines) {
    if (wanted.test(line)) return line;
    said.push(line);
  }
  throw new Error(`no line like ${wanted.source}:\n${said.join('\n')}`);
}
