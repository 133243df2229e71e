/** A row for each filter: how it is, how long it takes, what it answers. */
import { Link } from 'wouter';
import type { Overview } from '../api/shapes.ts';
import { count, span } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { Status, toneOf } from '../parts/status.tsx';

export function MilterRows({ milters }: { readonly milters: Overview['milters'] }) {
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Filters">
      <table className="plain-table">
        <thead>
          <tr>
            <th scope="col">Filter</th>
            <th scope="col">State</th>
            <th scope="col" className="num">
              p95
            </th>
            <th scope="col" className="num">
              Errors
            </th>
            <th scope="col">Answers</th>
          </tr>
        </thead>
        <tbody>
          {milters.map((milter) => (
            <tr key={milter.name}>
              <td>
                <Link href={`/settings/mta/filters/milters/${encodeURIComponent(milter.name)}`}>
                  <Plain text={milter.name} />
                </Link>
              </td>
              <td>
                <Status word={milter.state} />
              </td>
              <td className="num">{span(milter.p95)}</td>
              <td className="num">
                {milter.errors > 0 ? (
                  <Link href={`/messages?milter=${encodeURIComponent(milter.name)}&verdict=failed`}>
                    {count(milter.errors)}
                  </Link>
                ) : (
                  '0'
                )}
              </td>
              <td>
                <Mix answers={milter.answers} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Answers by kind as a bar, with the numbers in words beside it. */
export function Mix({ answers }: { readonly answers: Readonly<Record<string, number>> }) {
  const kinds = Object.entries(answers).filter(([, n]) => n > 0);
  const all = kinds.reduce((sum, [, n]) => sum + n, 0);
  if (all === 0) return <span className="dim">none yet</span>;
  const sorted = kinds.toSorted((a, b) => b[1] - a[1]);
  return (
    <div className="mix">
      <div className="mix-bar" aria-hidden="true">
        {sorted.map(([kind, n]) => (
          <span
            key={kind}
            style={{ flexGrow: n, background: `var(--${toneOf(kind)}-shape, var(--accent))` }}
          />
        ))}
      </div>
      <span className="small dim">
        {sorted
          .slice(0, 4)
          .map(([kind, n]) => `${kind} ${count(n)}`)
          .join(', ')}
      </span>
    </div>
  );
}
