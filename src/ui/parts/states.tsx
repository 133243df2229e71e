/** How a page looks while it has nothing to show: loading, empty, in trouble, or not allowed. */
import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Failure } from '../api/client.ts';
import { Icon } from './icons.tsx';
import { Plain } from './plain.tsx';

export function Loading({ what, rows = 6 }: { readonly what: string; readonly rows?: number }) {
  return (
    <div className="stack" role="status" aria-label={`Loading ${what}`} style={{ padding: 20 }}>
      {Array.from({ length: rows }, (_, i) => (
        <div key={i} className="skeleton" style={{ height: 18, width: `${92 - ((i * 17) % 40)}%` }} />
      ))}
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly children?: ReactNode;
  /** The one command that fills this place. */
  readonly command?: string;
}

export function Empty({ title, children, command }: EmptyProps) {
  return (
    <div className="state">
      <h2>{title}</h2>
      {children && <p>{children}</p>}
      {command && (
        <code className="command" tabIndex={0} aria-label={`Command: ${command}`}>
          {command}
        </code>
      )}
    </div>
  );
}

export function Trouble({ error, retry }: { readonly error: unknown; readonly retry?: () => void }) {
  if (error instanceof Failure && error.status === 403) return <NotAllowed detail={error.message} />;
  const status = error instanceof Failure ? error.status : 0;
  const said = error instanceof Error ? error.message : 'It failed for a reason unknown to this page.';
  return (
    <div className="state" role="alert">
      <Icon name="warning" size={28} />
      <h2>{status === 404 ? 'There is nothing here' : 'This could not be loaded'}</h2>
      <p>
        <Plain text={said} />
      </p>
      {retry && (
        <Button variant="default" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

export function NotAllowed({ detail }: { readonly detail?: string }) {
  return (
    <div className="state">
      <Icon name="hand" size={28} />
      <h2>Your token does not allow this</h2>
      <p>{detail ?? 'Ask an administrator for a token with a wider scope.'}</p>
    </div>
  );
}

/** One sentence beside something, with a drawing for its tone. */
export function Note({
  tone = 'calm',
  children,
}: {
  readonly tone?: 'calm' | 'bad' | 'warn' | 'good' | 'accent';
  readonly children: ReactNode;
}) {
  const icon = tone === 'good' ? 'check' : tone === 'bad' || tone === 'warn' ? 'warning' : 'info';
  return (
    <div className={`note ${tone}`} {...(tone === 'bad' && { role: 'alert' })}>
      <Icon name={icon} />
      <div>{children}</div>
    </div>
  );
}

/** What went wrong with an order, in a sentence. */
export function FailureNote({ error }: { readonly error: unknown }) {
  if (!error) return null;
  return (
    <Note tone="bad">
      <Plain text={error instanceof Error ? error.message : 'It failed.'} />
    </Note>
  );
}
