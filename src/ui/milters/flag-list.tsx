/** Flags by their names: what is offered to the filter, as a check list that shows the number. */
import { Button, Checkbox } from '@mantine/core';
import { hex, type Flag } from './flags.ts';
import { fieldId, Label } from './form-field.tsx';

interface Props {
  readonly name: 'flagsAction' | 'flagsProtocol';
  readonly label: string;
  readonly help: string;
  readonly flags: readonly Flag[];
  readonly value: unknown;
  /** What is offered when nothing is written. */
  readonly standard: number;
  readonly disabled: boolean;
  readonly error: string | undefined;
  readonly set: (value: number | undefined) => void;
}

export function FlagList({ name, label, help, flags, value, standard, disabled, error, set }: Props) {
  const bits = typeof value === 'number' ? value : standard;
  const changed = typeof value === 'number';
  return (
    <fieldset className="flag-list" id={fieldId(name)} tabIndex={-1} disabled={disabled}>
      <legend>
        <Label text={label} changed={changed} />{' '}
        <code>{changed ? `${bits} (${hex(bits)})` : `default: ${bits} (${hex(bits)})`}</code>
      </legend>
      <p className="small dim">{help}</p>
      {error && <p className="small says-bad">{error}</p>}
      <div className="flag-grid">
        {flags.map((flag) => (
          <Checkbox
            key={flag.name}
            size="xs"
            label={<span className="mono">{flag.name}</span>}
            description={flag.means}
            checked={(bits & flag.bit) !== 0}
            onChange={(event) => {
              const next = (event.currentTarget.checked ? bits | flag.bit : bits & ~flag.bit) >>> 0;
              set(next === standard ? undefined : next);
            }}
          />
        ))}
      </div>
      {changed && (
        <Button size="xs" variant="subtle" onClick={() => set(undefined)}>
          Back to the default
        </Button>
      )}
    </fieldset>
  );
}
