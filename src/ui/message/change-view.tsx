/** One filter's changes: envelope, header field by field, body line by line. */
import { Switch } from '@mantine/core';
import { useState } from 'react';
import { Plain } from '../parts/plain.tsx';
import { rawOf } from './bytes.ts';
import type { BodyLine, Difference } from './differences.ts';
import type { HeaderField } from './fields.ts';
import type { FieldChange } from './header-diff.ts';

interface Props {
  readonly difference: Difference;
  /** Say which filter each change is of. */
  readonly chips: boolean;
}

export function ChangeView({ difference, chips }: Props) {
  const [raw, setRaw] = useState(false);
  const [all, setAll] = useState(false);
  const { fields, body } = difference;
  const shown = all ? fields : fields.filter((change) => change.kind !== 'same');
  return (
    <div className="stack">
      <Envelope difference={difference} />
      <section className="stack" aria-label="Header">
        <div className="row apart">
          <h3>Header</h3>
          <div className="row" style={{ gap: 20 }}>
            <Switch
              size="xs"
              label="All fields"
              checked={all}
              onChange={(event) => setAll(event.currentTarget.checked)}
            />
            <Switch
              size="xs"
              label="Tabs, blanks, line ends"
              checked={raw}
              onChange={(event) => setRaw(event.currentTarget.checked)}
            />
          </div>
        </div>
        {shown.length === 0 ? (
          <p className="dim">Left alone.</p>
        ) : (
          <Fields changes={shown} raw={raw} authors={chips ? difference.authors : null} />
        )}
      </section>
      <section className="stack" aria-label="Body">
        <h3>Body</h3>
        {body === null ? <p className="dim">Left alone.</p> : <BodyChanges lines={body} />}
      </section>
    </div>
  );
}

function Envelope({ difference: { sender, added, removed } }: { readonly difference: Difference }) {
  if (!sender && added.length === 0 && removed.length === 0) return null;
  return (
    <section className="stack" aria-label="Envelope">
      <h3>Envelope</h3>
      <div className="code-block">
        {sender && (
          <>
            <span className="code-line removed">
              − sender <Plain text={sender.before} none="<>" />
            </span>
            <span className="code-line added">
              + sender <Plain text={sender.after} none="<>" />
            </span>
          </>
        )}
        {removed.map((each) => (
          <span key={each} className="code-line removed">
            − recipient <Plain text={each} />
          </span>
        ))}
        {added.map((each) => (
          <span key={each} className="code-line added">
            + recipient <Plain text={each} />
          </span>
        ))}
      </div>
    </section>
  );
}

const SIGNS: Readonly<Record<FieldChange['kind'], string>> = {
  same: '',
  added: '+ added',
  removed: '− removed',
  changed: '~ changed',
  refolded: '~ refolded',
  moved: '↕ moved',
};

function Fields({
  changes,
  raw,
  authors,
}: {
  readonly changes: readonly FieldChange[];
  readonly raw: boolean;
  readonly authors: ReadonlyMap<string, string> | null;
}) {
  const value = (field: HeaderField): string =>
    raw ? rawOf(field.raw.slice(field.raw.indexOf(':') + 1)) : field.value;
  return (
    <div className="scroll-x" tabIndex={0} role="region" aria-label="Changed fields">
      <table className="field-diff">
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col">Change</th>
            <th scope="col">Field</th>
            <th scope="col">Value</th>
            {authors && <th scope="col">By</th>}
          </tr>
        </thead>
        <tbody>
          {changes.map((change, i) => {
            const field = change.kind === 'removed' ? change.before : change.after;
            return (
              <tr key={i} className={change.kind}>
                <td className="nowrap">{placeOf(change)}</td>
                <td>{SIGNS[change.kind]}</td>
                <td>
                  <Plain text={field.name} />
                </td>
                <td>
                  <pre>
                    {change.kind === 'changed' || change.kind === 'refolded' ? (
                      <>
                        <del>
                          <Plain
                            text={
                              change.kind === 'refolded' ? rawOf(change.before.raw) : value(change.before)
                            }
                          />
                        </del>
                        <ins>
                          <Plain
                            text={change.kind === 'refolded' ? rawOf(change.after.raw) : value(change.after)}
                          />
                        </ins>
                      </>
                    ) : (
                      <Plain text={value(field)} />
                    )}
                  </pre>
                </td>
                {authors && (
                  <td>
                    <Plain text={authors.get(field.raw) ?? ''} />
                  </td>
                )}
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function placeOf(change: FieldChange): string {
  if (change.kind === 'removed') return `${change.from} →`;
  if (change.from === null) return `→ ${change.to}`;
  return change.from === change.to ? String(change.to) : `${change.from} → ${change.to}`;
}

function BodyChanges({ lines }: { readonly lines: readonly BodyLine[] }) {
  return (
    <div className="code-block" tabIndex={0} role="region" aria-label="Changed lines">
      {lines.slice(0, 2000).map((line, i) => (
        <span key={i} className={`code-line ${line.kind === 'skipped' ? 'place' : line.kind}`}>
          {line.kind === 'added'
            ? '+ '
            : line.kind === 'removed'
              ? '− '
              : line.kind === 'skipped'
                ? '… '
                : '  '}
          <Plain text={line.text} />
        </span>
      ))}
    </div>
  );
}
