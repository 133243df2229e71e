/** Expressions tried out, and the language they are written in. */
import { SegmentedControl } from '@mantine/core';
import { useState } from 'react';
import { useParameters } from '../parts/address.ts';
import { Card } from '../parts/page.tsx';
import { ExpressionEditor } from '../milters/expression-editor.tsx';
import { useLanguage } from '../milters/expression-input.tsx';
import { TesterForm } from '../milters/expression-tester.tsx';
import '../milters/milters.css';

export function ExpressionPage() {
  const [parameters, change] = useParameters();
  const place = parameters.get('for') === 'route' ? 'route' : 'enable';
  const [expression, setExpression] = useState<unknown>(
    "listener == 'smtp' && !is_ip_in_cidr(remote_ip, '10.0.0.0/8')",
  );
  const language = useLanguage();
  return (
    <div className="stack" style={{ gap: 20 }}>
      <Card
        title="Expression"
        aside={
          <SegmentedControl
            size="xs"
            aria-label="What it is for"
            data={[
              { value: 'enable', label: 'enable of a milter' },
              { value: 'route', label: 'match of a route' },
            ]}
            value={place}
            onChange={(value) => change({ for: value === 'enable' ? null : value })}
          />
        }
      >
        <div className="stack">
          <ExpressionEditor id="expression" value={expression} change={setExpression} place={place} />
          <h3>With these values</h3>
          <TesterForm key={place} expression={expression ?? 'true'} place={place} />
        </div>
      </Card>
      {language && (
        <div className="columns">
          <Card title="Variables">
            <Words
              rows={language.variables[place].map((each) => [
                each.name,
                `${each.type}, known since ${each.since}`,
              ])}
              heads={['Name', 'Is']}
            />
          </Card>
          <Card title="Functions">
            <Words
              rows={language.functions.map((each) => [
                each.signature,
                `${each.tells}${each.available ? '' : ' (not available here)'}`,
              ])}
              heads={['Function', 'Gives']}
            />
          </Card>
        </div>
      )}
    </div>
  );
}

function Words({
  rows,
  heads,
}: {
  readonly rows: readonly (readonly [string, string])[];
  readonly heads: readonly [string, string];
}) {
  return (
    <div className="words" tabIndex={0} role="region" aria-label={heads[0]}>
      <table className="plain-table">
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, says]) => (
            <tr key={name}>
              <td className="mono">{name}</td>
              <td>{says}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
