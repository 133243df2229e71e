/** One field of the form: its label, its help, whether it differs from the default, its error below it. */
import { NativeSelect, Switch, TextInput } from '@mantine/core';
import type { ReactNode } from 'react';
import type { MilterSettings } from '../api/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import type { Field } from './fields.ts';

interface Props {
  readonly field: Field;
  readonly settings: MilterSettings;
  readonly error: string | undefined;
  readonly warning: string | undefined;
  readonly disabled: boolean;
  /** undefined takes the setting away: the default holds. */
  readonly set: (key: string, value: unknown) => void;
  readonly blur: () => void;
}

/** The id of a field, for links from the summary of errors. */
export const fieldId = (key: string): string => `field-${key}`;

export function FormField({ field, settings, error, warning, disabled, set, blur }: Props) {
  const value = settings[field.key];
  const common = {
    id: fieldId(field.key),
    label: (
      <Label
        text={field.label}
        changed={value !== undefined && field.key !== 'hostname' && field.key !== 'name'}
      />
    ),
    description: <Help text={field.help} warning={warning} />,
    error: error ?? null,
    disabled,
    onBlur: blur,
  };
  if (field.kind === 'switch')
    return (
      <Switch
        {...common}
        checked={value === undefined ? field.default === true : value === true}
        onChange={(event) =>
          set(
            field.key,
            event.currentTarget.checked === field.default ? undefined : event.currentTarget.checked,
          )
        }
      />
    );
  if (field.kind === 'choice')
    return (
      <NativeSelect
        {...common}
        data={[
          { value: '', label: `default (${String(field.default)})` },
          ...(field.choices ?? []).map(([each, label]) => ({ value: each, label })),
        ]}
        value={typeof value === 'string' ? value : ''}
        onChange={(event) =>
          set(field.key, event.currentTarget.value === '' ? undefined : event.currentTarget.value)
        }
      />
    );
  return (
    <TextInput
      {...common}
      value={typeof value === 'string' || typeof value === 'number' ? String(value) : ''}
      placeholder={String(field.default)}
      inputMode={field.kind === 'port' ? 'numeric' : 'text'}
      autoComplete="off"
      spellCheck={false}
      onChange={(event) => set(field.key, valueOf(field, event.currentTarget.value))}
    />
  );
}

/** Numbers as numbers, everything else as it is typed. */
function valueOf(field: Field, text: string): unknown {
  if (text === '') return undefined;
  if ((field.kind === 'port' || field.kind === 'size') && /^\d{1,15}$/.test(text)) return Number(text);
  return text;
}

export function Label({ text, changed }: { readonly text: string; readonly changed: boolean }) {
  return (
    <span className="field-label">
      {text}
      {changed && (
        <span
          className="changed-dot"
          role="img"
          aria-label="changed from default"
          title="changed from default"
        />
      )}
    </span>
  );
}

export function Help({ text, warning }: { readonly text: ReactNode; readonly warning: string | undefined }) {
  return (
    <>
      {text}
      {warning && (
        <span className="says-warn field-warning">
          <Icon name="warning" size={12} /> {warning}
        </span>
      )}
    </>
  );
}
