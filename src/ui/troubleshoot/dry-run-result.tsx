/** What a dry run came to: the replies, what each filter said and changed, where it would go. */
import { Fragment } from 'react';
import type { DryRun } from '../api/shapes.ts';
import { span } from '../parts/format.ts';
import { Copy } from '../parts/copy.tsx';
import { Card } from '../parts/page.tsx';
import { Plain } from '../parts/plain.tsx';
import { Note } from '../parts/states.tsx';
import { Status, toneOf } from '../parts/status.tsx';
import { differencesOf } from '../message/differences.ts';
import { ChangeList } from '../message/filters.tsx';
import '../message/message.css';

export function DryRunResult({ result }: { readonly result: DryRun }) {
  const tone = toneOf(result.outcome);
  return (
    <div className="stack" style={{ gap: 20 }}>
      <Card title="Result" aside={<Copy label="Copy result" text={JSON.stringify(result, null, 2)} />}>
        <div className="stack">
          <div className="row">
            <Status word={result.outcome} />
          </div>
          <Note tone={tone === 'held' || tone === 'calm' || tone === 'accent' ? 'calm' : tone}>
            <Plain text={result.says} />
          </Note>
        </div>
      </Card>
      <Card title="What was said">
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Commands and replies">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Client</th>
                <th scope="col">Gateway</th>
                <th scope="col">Filters</th>
              </tr>
            </thead>
            <tbody>
              {result.replies.map((each, i) => (
                <tr key={i}>
                  <td>
                    <Plain text={each.command} mono />
                  </td>
                  <td>
                    <Plain text={each.reply} mono />
                  </td>
                  <td>
                    {each.filters.map((filter, at) => (
                      <Fragment key={at}>
                        <Status
                          word={filter.error ? 'error' : filter.verdict}
                          label={`${filter.name}: ${filter.error || filter.verdict}, ${span(filter.ms)}`}
                        />{' '}
                      </Fragment>
                    ))}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </Card>
      {result.changes && <ChangeList differences={differencesOf(result.changes)} />}
      <DeliveryPath delivery={result.delivery} />
    </div>
  );
}

/** Recipient by recipient, route by route. */
export function DeliveryPath({ delivery }: { readonly delivery: DryRun['delivery'] }) {
  if (delivery.length === 0) return null;
  return (
    <Card title="Where it would go">
      <div className="stack">
        {delivery.map((each) => (
          <section key={each.recipient} className="stack" style={{ gap: 4 }}>
            <h3>
              <Plain text={each.recipient} />
            </h3>
            <ol className="path">
              {each.passedOver.map((match, i) => (
                <li key={i} className="dim">
                  Route {i + 1} does not fit: <Plain text={match} mono />
                </li>
              ))}
              <li>
                {each.route >= 0 ? `Route ${each.route + 1} fits` : 'No route fits'}
                {each.via && <>, via {each.via}</>}
                {each.destination && (
                  <>
                    {' '}
                    to <Plain text={each.destination} mono />
                  </>
                )}
              </li>
              {each.hops.length > 0 && (
                <li>
                  Next hops: <Plain text={each.hops.join(', ')} mono />
                </li>
              )}
              <li>
                <Plain text={each.says} />
              </li>
            </ol>
          </section>
        ))}
      </div>
    </Card>
  );
}
