/** Ways to take a message along: as a file, as a line for the shell, as a test of a filter. */
import { Button } from '@mantine/core';
import { Link } from 'wouter';
import { useMay } from '../api/session.tsx';
import type { HistoryRow } from '../api/shapes.ts';
import { Copy } from '../parts/copy.tsx';
import { LinkButton } from './message.tsx';

export function CopyMenu({ row }: { readonly row: HistoryRow }) {
  const may = useMay('operator');
  const admin = useMay('admin');
  const base = `/api/v1/history/${encodeURIComponent(row.id)}`;
  return (
    <>
      {may && <LinkButton to={`${base}/message?which=final`} label="Download .eml" icon="download" />}
      {admin && row.changed && (
        <Button
          component={Link}
          href={`/troubleshoot/dry-run?again=${encodeURIComponent(row.id)}`}
          variant="default"
          size="xs"
        >
          Run again, dry
        </Button>
      )}
      <Copy text={sendLine(row)} label="Copy swaks line" />
      {may && (
        <LinkButton
          to={`/api/v1/conversations/${encodeURIComponent(row.session)}/export?format=test`}
          label="As filter test"
          icon="download"
        />
      )}
    </>
  );
}

/** The command that sends the downloaded message again as it came: same envelope, same greeting. */
export function sendLine(row: HistoryRow): string {
  const parts = ['swaks --server localhost:25', '--helo', shell(row.helo), '--from', shell(row.from || '<>')];
  for (const to of row.to) parts.push('--to', shell(to));
  parts.push('--data', shell(`@${row.id}.eml`));
  return parts.join(' ');
}

/** Hostile text as one word of the shell, on one line. */
function shell(text: string): string {
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  if (/[\u0000-\u001f\u007f]/.test(text))
    return `$'${text.replace(/[\u0000-\u001f\u007f\\']/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)}'`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
