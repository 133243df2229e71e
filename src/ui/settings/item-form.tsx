/** One item of a list: its common fields as fields, everything else as JSON, which is YAML too. */
import { Button, Textarea } from '@mantine/core';
import { useState } from 'react';
import type { MilterSettings } from '../api/shapes.ts';
import { ExpressionEditor } from '../milters/expression-editor.tsx';
import type { Field } from '../milters/fields.ts';
import { FormField, Label } from '../milters/form-field.tsx';
import { Window } from '../parts/window.tsx';

interface Props {
  readonly title: string;
  readonly fields: readonly Field[];
  readonly initial: MilterSettings;
  readonly close: () => void;
  readonly save: (settings: MilterSettings) => void;
}

export function ItemForm({ title, fields, initial, close, save }: Props) {
  const known = new Set([...fields.map((field) => field.key), 'match']);
  const [settings, setSettings] = useState<MilterSettings>(initial);
  const [rest, setRest] = useState(() =>
    JSON.stringify(Object.fromEntries(Object.entries(initial).filter(([key]) => !known.has(key))), null, 2),
  );
  const [error, setError] = useState('');
  const set = (key: string, value: unknown): void =>
    setSettings((old) => {
      const { [key]: _, ...others } = old;
      return value === undefined ? others : { ...others, [key]: value };
    });
  const submit = (): void => {
    const more = objectIn(rest);
    if (more === null) return setError('Write one JSON object, such as {}.');
    const own = Object.fromEntries(Object.entries(settings).filter(([key]) => known.has(key)));
    save({ ...own, ...more });
  };
  return (
    <Window
      title={title}
      wide
      close={close}
      foot={
        <>
          <Button variant="default" onClick={close}>
            Leave it as it was
          </Button>
          <Button onClick={submit}>Review</Button>
        </>
      }
    >
      {'match' in initial && (
        <div className="form-field">
          <Label text="Match" changed={false} />
          <p className="small dim">A recipient goes the first route whose match is true.</p>
          <ExpressionEditor
            id="field-match"
            place="route"
            value={settings['match']}
            change={(value) => set('match', value ?? 'true')}
          />
        </div>
      )}
      <div className="form-grid">
        {fields.map((field) => (
          <FormField
            key={field.key}
            field={field}
            settings={flat(settings)}
            error={undefined}
            warning={undefined}
            disabled={false}
            set={(key, value) => set(key, listed(initial[key], value))}
            blur={() => undefined}
          />
        ))}
      </div>
      <Textarea
        label="All other settings"
        description="as one JSON object; see docs/configuration.md for the keys"
        rows={8}
        ff="monospace"
        spellCheck={false}
        error={error || null}
        value={rest}
        onChange={(event) => setRest(event.currentTarget.value)}
      />
    </Window>
  );
}

function objectIn(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text.trim() === '' ? '{}' : text);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}

/** Lists are edited as words with commas between. */
const flat = (settings: MilterSettings): MilterSettings =>
  Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [
      key,
      Array.isArray(value) && value.every((each) => typeof each !== 'object') ? value.join(', ') : value,
    ]),
  );

function listed(before: unknown, value: unknown): unknown {
  if (typeof value !== 'string' || (!Array.isArray(before) && !value.includes(','))) return value;
  return value.split(/\s*,\s*/).filter((each) => each !== '');
}
