/** Header fields in their order, with their positions; the bytes of each on demand. */
import { Switch } from '@mantine/core';
import { useState } from 'react';
import { Plain } from '../parts/plain.tsx';
import { rawOf } from './bytes.ts';
import { fieldsOf } from './fields.ts';

/** Fields that are drawn; a header of more is cut. */
const MOST = 1000;

export function HeaderTable({ header }: { readonly header: string }) {
  const [raw, setRaw] = useState(false);
  const fields = fieldsOf(header);
  return (
    <div className="stack">
      <Switch
        label="Show tabs, blanks and line ends"
        checked={raw}
        onChange={(event) => setRaw(event.currentTarget.checked)}
      />
      <div className="scroll-x" tabIndex={0} role="region" aria-label="Header fields">
        <table className="field-diff">
          <thead>
            <tr>
              <th scope="col">№</th>
              <th scope="col">Field</th>
              <th scope="col">Value</th>
            </tr>
          </thead>
          <tbody>
            {fields.slice(0, MOST).map((field, i) => (
              <tr key={i}>
                <td className="dim">{i + 1}</td>
                <td>
                  <Plain text={field.name} none="(no field)" />
                </td>
                <td>
                  <pre>
                    <Plain text={raw ? rawOf(field.raw.slice(field.raw.indexOf(':') + 1)) : field.value} />
                  </pre>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      {fields.length > MOST && <p className="dim">{fields.length - MOST} more fields: see the source.</p>}
    </div>
  );
}
