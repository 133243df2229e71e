/** The fields of a filter, in the groups and the order of the specification. */
import { Checkbox } from '@mantine/core';
import type { MilterSettings } from '../api/shapes.ts';
import { Card } from '../parts/page.tsx';
import { ExpressionEditor } from './expression-editor.tsx';
import { ADVANCED, CONNECTION, OPTIONS, STAGES, TIMEOUTS, TLS, type Field } from './fields.ts';
import { FlagList } from './flag-list.tsx';
import { ACTIONS, PROTOCOL } from './flags.ts';
import { fieldId, FormField, Help, Label } from './form-field.tsx';
import { warningsIn, type Complaint } from './validate.ts';

interface Props {
  readonly settings: MilterSettings;
  readonly set: (key: string, value: unknown) => void;
  readonly blur: (key: string) => void;
  readonly disabled: boolean;
  readonly errors: readonly Complaint[];
}

const ALL_ACTIONS = ACTIONS.reduce((bits, flag) => bits | flag.bit, 0);
const ALL_PROTOCOL = PROTOCOL.reduce(
  (bits, flag) => (flag.name.startsWith('MDS_') ? bits : bits | flag.bit),
  0,
);

export function MilterFields({ settings, set, blur, disabled, errors }: Props) {
  const warnings = warningsIn(settings);
  const error = (key: string): string | undefined => errors.find((each) => each.field === key)?.message;
  const warning = (key: string): string | undefined => warnings.find((each) => each.field === key)?.message;
  const fields = (list: readonly Field[]) =>
    list
      .filter((field) => field.needs === undefined || settings[field.needs] === true)
      .map((field) => (
        <FormField
          key={field.key}
          field={field}
          settings={settings}
          set={set}
          disabled={disabled}
          error={error(field.key)}
          warning={warning(field.key)}
          blur={() => blur(field.key)}
        />
      ));
  return (
    <>
      <Card title="Milter settings">
        <div className="form-grid">{fields(CONNECTION)}</div>
        <div className="form-field">
          <Label text="Enable" changed={settings['enable'] !== undefined} />
          <p className="small dim">
            Whether the filter takes part, asked anew at each of its stages. Empty: always.
          </p>
          {error('enable') && <p className="small says-bad">{error('enable')}</p>}
          <ExpressionEditor
            id={fieldId('enable')}
            value={settings['enable']}
            change={(value) => set('enable', value)}
            place="enable"
          />
        </div>
        <div className="form-grid">{fields(TLS)}</div>
      </Card>
      <Card title="Options">
        <StageList
          settings={settings}
          set={set}
          disabled={disabled}
          error={error('stages')}
          warning={warning('stages')}
        />
        <div className="form-grid">{fields(OPTIONS)}</div>
      </Card>
      <Card title="Timeouts">
        <div className="form-grid">{fields(TIMEOUTS)}</div>
      </Card>
      <Card title="Advanced">
        <FlagList
          name="flagsAction"
          label="Action flags"
          help="What the filter is offered to do. Who wants more is not used."
          flags={ACTIONS}
          value={settings['flagsAction']}
          standard={ALL_ACTIONS}
          disabled={disabled}
          error={error('flagsAction')}
          set={(value) => set('flagsAction', value)}
        />
        <FlagList
          name="flagsProtocol"
          label="Protocol flags"
          help="Which ways of speaking the filter is offered."
          flags={PROTOCOL}
          value={settings['flagsProtocol']}
          standard={ALL_PROTOCOL}
          disabled={disabled}
          error={error('flagsProtocol')}
          set={(value) => set('flagsProtocol', value)}
        />
        <div className="form-grid">{fields(ADVANCED)}</div>
      </Card>
    </>
  );
}

interface StageProps {
  readonly settings: MilterSettings;
  readonly set: (key: string, value: unknown) => void;
  readonly disabled: boolean;
  readonly error: string | undefined;
  readonly warning: string | undefined;
}

function StageList({ settings, set, disabled, error, warning }: StageProps) {
  const written = settings['stages'];
  const chosen = Array.isArray(written) ? written.map(String) : ['data'];
  return (
    <fieldset className="form-field" id={fieldId('stages')} tabIndex={-1} disabled={disabled}>
      <legend>
        <Label text="Stages" changed={written !== undefined} />
      </legend>
      <p className="small dim">
        <Help
          text="When the filter is asked. One that joins late hears first what it missed."
          warning={warning}
        />
      </p>
      {error && <p className="small says-bad">{error}</p>}
      <div className="row" style={{ gap: 20 }}>
        {STAGES.map(([stage, says]) => (
          <Checkbox
            key={stage}
            label={<span className="mono">{stage}</span>}
            description={says}
            checked={chosen.includes(stage)}
            onChange={(event) => {
              const next = STAGES.map(([each]) => each).filter((each) =>
                each === stage ? event.currentTarget.checked : chosen.includes(each),
              );
              set('stages', next.length === 1 && next[0] === 'data' ? undefined : next);
            }}
          />
        ))}
      </div>
    </fieldset>
  );
}
