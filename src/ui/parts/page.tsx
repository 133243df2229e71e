/** The frame of a page: its title (also of the browser's tab), where it lies, and what can be done on it. */
import { useEffect, type ReactNode } from 'react';
import { Link } from 'wouter';
import { Plain } from './plain.tsx';
import { visible } from './visible.ts';

interface Props {
  readonly title: string;
  /** What the browser's tab says, when the title is more than text. */
  readonly heading?: ReactNode;
  readonly crumbs?: readonly (string | { readonly label: string; readonly to: string })[];
  readonly intro?: ReactNode;
  readonly actions?: ReactNode;
  readonly children: ReactNode;
}

export function Page({ title, heading, crumbs, intro, actions, children }: Props) {
  useEffect(() => {
    document.title = `${visible(title)} · Millrace`;
  }, [title]);
  return (
    <div className="page">
      <div className="page-head">
        <div>
          {crumbs && <Crumbs crumbs={crumbs} />}
          <h1>{heading ?? <Plain text={title} />}</h1>
          {intro && <p className="dim">{intro}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </div>
      {children}
    </div>
  );
}

function Crumbs({ crumbs }: { readonly crumbs: NonNullable<Props['crumbs']> }) {
  return (
    <nav aria-label="Where you are">
      <ol className="crumbs">
        {crumbs.map((crumb) =>
          typeof crumb === 'string' ? (
            <li key={crumb}>
              <Plain text={crumb} />
            </li>
          ) : (
            <li key={crumb.label}>
              <Link href={crumb.to}>{crumb.label}</Link>
            </li>
          ),
        )}
      </ol>
    </nav>
  );
}

/** Tabs that are addresses. */
export function Tabs({
  label,
  tabs,
}: {
  readonly label: string;
  readonly tabs: readonly {
    readonly to: string;
    readonly label: string;
    readonly current: boolean;
    readonly count?: number | undefined;
  }[];
}) {
  return (
    <nav aria-label={label} className="tabs">
      {tabs.map((tab) => (
        <Link key={tab.to} href={tab.to} {...(tab.current && { 'aria-current': 'page' as const })}>
          {tab.label}
          {tab.count !== undefined && <span className="count">{tab.count}</span>}
        </Link>
      ))}
    </nav>
  );
}

export function Card({
  title,
  aside,
  children,
}: {
  readonly title?: string;
  readonly aside?: ReactNode;
  readonly children: ReactNode;
}) {
  return (
    <section className="card" {...(title && { 'aria-label': title })}>
      {title && (
        <div className="card-head">
          <h2>{title}</h2>
          {aside}
        </div>
      )}
      <div className="card-body">{children}</div>
    </section>
  );
}
