/** Before and after: what each filter did to envelope, header and body, in the order they were asked; at last the sum. */
import { useMay } from '../api/session.tsx';
import type { FilterVerdict, HistoryRow } from '../api/shapes.ts';
import { useParameters } from '../parts/address.ts';
import { span } from '../parts/format.ts';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, Loading, Note, Trouble } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { ChangeView } from './change-view.tsx';
import { differencesOf, type Difference } from './differences.ts';
import { signatureNote } from './signatures.ts';
import { useChanges } from './use-message.ts';

export function FiltersTab({ row }: { readonly row: HistoryRow }) {
  const may = useMay('operator');
  const changes = useChanges(row.id, row.changed);
  if (row.filters.length === 0)
    return (
      <Empty title="No filter was asked">
        No milter was on for this message; see the expression `enable` of each.
      </Empty>
    );
  return (
    <div className="stack">
      <Verdicts filters={row.filters} by={row.by} />
      {!row.changed ? (
        <Note tone="good">No filter changed this message.</Note>
      ) : !may ? (
        <Note tone="warn">What was changed shows content: to see it a token needs the scope operator.</Note>
      ) : changes.isPending ? (
        <Loading what="what was changed" />
      ) : changes.isError ? (
        <Trouble error={changes.error} retry={() => void changes.refetch()} />
      ) : (
        <ChangeList differences={differencesOf(changes.data)} />
      )}
    </div>
  );
}

function Verdicts({ filters, by }: { readonly filters: readonly FilterVerdict[]; readonly by: string }) {
  return (
    <Card title="What the filters said">
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Verdicts">
        <table className="plain-table">
          <thead>
            <tr>
              <th scope="col">Filter</th>
              <th scope="col">Verdict</th>
              <th scope="col" className="num">
                Waited
              </th>
              <th scope="col">Edits</th>
              <th scope="col">Error</th>
            </tr>
          </thead>
          <tbody>
            {filters.map((filter) => (
              <tr key={filter.name}>
                <td className="whole">
                  <strong>
                    <Plain text={filter.name} />
                  </strong>
                  {filter.name === by && <span className="dim"> decided</span>}
                </td>
                <td>
                  <Status word={filter.error ? 'error' : filter.verdict} label={filter.verdict} />
                </td>
                <td className="num">{span(filter.ms)}</td>
                <td>
                  <Plain text={filter.edits.join(', ')} none="none" />
                </td>
                <td>
                  <Plain text={filter.error} none="–" />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

/** Changes one after the other, then all together; also of a dry run. */
export function ChangeList({ differences }: { readonly differences: readonly Difference[] }) {
  const [parameters, change] = useParameters();
  const whole = differences.at(-1);
  if (!whole) return <Note tone="good">No filter changed this message.</Note>;
  const chosen = differences.find((each) => each.milter === parameters.get('filter')) ?? whole;
  return (
    <Card
      title="Before and after"
      aside={
        <div className="row" role="group" aria-label="Whose changes">
          {differences.map((each) => (
            <button
              key={each.milter}
              type="button"
              className="toggle-button"
              aria-pressed={each === chosen}
              onClick={() => change({ filter: each === whole ? null : each.milter })}
            >
              {each === whole ? 'All filters together' : <Plain text={each.milter} />}
            </button>
          ))}
        </div>
      }
    >
      <div className="stack">
        <Note tone={signatureNote(differences).tone}>
          <Plain text={signatureNote(differences).text} />
        </Note>
        <ChangeView difference={chosen} chips={chosen === whole && differences.length > 2} />
      </div>
    </Card>
  );
}
