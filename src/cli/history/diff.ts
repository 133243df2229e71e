/**
 * What filters changed, for people: `+` and `-` lines as of any diff, `~` for a field that was only refolded, `>` for one that was
 * only moved, each with the filter that did it. Pure. Text of strangers cannot control the terminal; colour is ours.
 */
import type { ChangesView } from '#admin';
import { printable } from '#message';

type Field = ChangesView['total']['fields'][number];
type Step = ChangesView['total'];

const COLOUR: Readonly<Record<string, number>> = { '+': 32, '-': 31, '~': 33, '>': 36, '@': 36 };

/** The lines. */
export function diffText(view: ChangesView, colourful: boolean): readonly string[] {
  const lines: string[] = [];
  let sender = view.original.sender;
  for (const step of view.steps) {
    lines.push(`=== ${printable(step.milter, 64)}`, ...stepLines(step, sender));
    sender = step.sender;
  }
  if (view.steps.length > 1) {
    lines.push('=== all together', ...stepLines(view.total, view.original.sender));
  }
  return colourful ? lines.map(coloured) : lines;
}

function stepLines(step: Step, before: string): string[] {
  const lines: string[] = [];
  if (step.sender !== before)
    lines.push(`-sender ${shown(before) || '<>'}`, `+sender ${shown(step.sender) || '<>'}`);
  for (const address of step.removed) lines.push(`-recipient ${shown(address)}`);
  for (const address of step.added) lines.push(`+recipient ${shown(address)}`);
  for (const field of step.fields) lines.push(...fieldLines(field));
  const { bodyDiff } = step;
  for (const hunk of bodyDiff?.hunks ?? []) {
    const { before: at, beforeLines, after, afterLines } = hunk;
    lines.push(`@@ body -${at + 1},${beforeLines} +${after + 1},${afterLines} @@`);
    lines.push(...hunk.lines.map((line) => line.slice(0, 1) + shown(line.slice(1))));
  }
  if (bodyDiff?.cut) lines.push('@@ not everything is shown or kept @@');
  return lines;
}

function fieldLines({ kind, name, before, after, moved, asked, by }: Field): string[] {
  const who = by.length > 0 ? `  (${by.map((b) => printable(b, 64)).join(', ')})` : '';
  const where = (place: { readonly at: number } | null): string => `[${place?.at ?? '-'}]`;
  const text = (place: { readonly value: string } | null): string =>
    `${printable(name, 80)}: ${shown(place?.value ?? '')}`;
  switch (kind) {
    case 'kept':
      return [];
    case 'added':
      return [`+${where(after)} ${text(after)}${asked === null ? '' : `  asked for at ${asked}`}${who}`];
    case 'removed':
      return [`-${where(before)} ${text(before)}${who}`];
    case 'moved':
      return [`>${where(before)}>${where(after)} ${text(after)}${who}`];
    case 'refolded':
      return [`~${where(before)}>${where(after)} ${text(after)}  other folds or blanks${who}`];
    case 'changed':
      return [
        `-${where(before)} ${text(before)}`,
        `+${where(after)} ${text(after)}${moved ? '  elsewhere' : ''}${who}`,
      ];
  }
}

const shown = (text: string): string => printable(text.replaceAll('\t', ' '), 1000);

function coloured(line: string): string {
  if (line.startsWith('===')) return `\x1b[1m${line}\x1b[22m`;
  const colour = COLOUR[line[0] ?? ''];
  return colour === undefined ? line : `\x1b[${colour}m${line}\x1b[39m`;
}
