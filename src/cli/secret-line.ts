/**
 * One line that nobody is to see: from a terminal without echo, from anything else the first line.
 *
 * Bounded; the terminal is as before when this ends, whatever happens. Never throws.
 */
import type { Readable } from 'node:stream';
import type { Terminal } from './terminal.ts';

/** Bytes of the line. */
const MAX_SECRET_LINE = 4096;

/** Standard input, as far as it is used here. */
export type SecretInput = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(raw: boolean): unknown;
};

const [CTRL_C, CTRL_D, BACKSPACE, LF, CR, CTRL_U, DELETE] = [3, 4, 8, 10, 13, 21, 127];

/** The line without its end; null when there is none, it is too long, or typing was broken off. */
export async function readSecretLine(terminal: Terminal, prompt: string): Promise<Buffer | null> {
  const input: SecretInput = terminal.machine.stdin ?? process.stdin;
  const typed = input.isTTY === true;
  if (typed) {
    terminal.machine.stderr.write(prompt);
    input.setRawMode?.(true);
  }
  try {
    return await (typed ? typedLine(input) : firstLine(input));
  } catch {
    return null;
  } finally {
    if (typed) {
      input.setRawMode?.(false);
      terminal.machine.stderr.write('\n');
    }
    input.pause();
  }
}

async function firstLine(input: SecretInput): Promise<Buffer | null> {
  let read = Buffer.alloc(0);
  for await (const chunk of input) {
    read = Buffer.concat([read, chunk as Buffer]);
    if (read.includes(LF) || read.length > MAX_SECRET_LINE) break;
  }
  const end = read.indexOf(LF);
  if (end >= 0) read = read.subarray(0, end);
  if (read.at(-1) === CR) read = read.subarray(0, -1);
  return read.length > MAX_SECRET_LINE ? null : read;
}

/** In raw mode every key comes by itself and none is echoed. */
async function typedLine(input: SecretInput): Promise<Buffer | null> {
  let line: number[] = [];
  for await (const chunk of input)
    for (const byte of chunk as Buffer) {
      if (byte === CR || byte === LF || byte === CTRL_D) return Buffer.from(line);
      if (byte === CTRL_C || line.length >= MAX_SECRET_LINE) return null;
      if (byte === CTRL_U) line = [];
      else if (byte === BACKSPACE || byte === DELETE) erase(line);
      else line.push(byte);
    }
  return null;
}

/** Takes the last character away, all its bytes. */
function erase(line: number[]): void {
  while (line.length > 0 && (line.pop()! & 0xc0) === 0x80);
}
