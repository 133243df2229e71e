/** The form of a filter: groups in the order of the specification, errors where they belong, a review before anything changes. */
import { Button, Checkbox } from '@mantine/core';
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import type { Finding, MilterSettings } from '../api/shapes.ts';
import { useMay } from '../api/session.tsx';
import { Icon } from '../parts/icons.tsx';
import { Card } from '../parts/page.tsx';
import { Block } from '../parts/code.tsx';
import { Note } from '../parts/states.tsx';
import { MILTERS } from '../shell/places.ts';
import { ErrorSummary } from './error-summary.tsx';
import { ExpressionEditor } from './expression-editor.tsx';
import { ADVANCED, CONNECTION, fieldIn, OPTIONS, STAGES, TIMEOUTS, TLS, type Field } from './fields.ts';
import { ACTIONS, PROTOCOL } from './flags.ts';
import { FlagList } from './flag-list.tsx';
import { fieldId, FormField, Help, Label } from './form-field.tsx';
import { ReviewWindow, type Change } from './review.tsx';
import { TestWindow } from './test-connection.tsx';
import { errorsIn, warningsIn, type Complaint } from './validate.ts';
import { yamlOf } from './yaml.ts';

interface Props {
  readonly initial: MilterSettings;
  /** null: a new one. */
  readonly name: string | null;
  readonly revision: string;
  readonly writable: boolean;
}

const ALL_ACTIONS = ACTIONS.reduce((bits, flag) => bits | flag.bit, 0);
const ALL_PROTOCOL = PROTOCOL.reduce(
  (bits, flag) => (flag.name.startsWith('MDS_') ? bits : bits | flag.bit),
  0,
);

export function MilterForm({ initial, name, revision, writable }: Props) {
  const [settings, setSettings] = useState<MilterSettings>(initial);
  const [touched, setTouched] = useState<ReadonlySet<string>>(new Set());
  const [remote, setRemote] = useState<readonly Complaint[]>([]);
  const [review, setReview] = useState<Change | null>(null);
  const [testing, setTesting] = useState(false);
  const summary = useRef<HTMLDivElement>(null);
  const [tried, setTried] = useState(false);
  const [, navigate] = useLocation();
  const may = useMay('admin');
  const own = errorsIn(settings);
  const shown = [
    ...own.filter((each) => tried || touched.has(each.field)),
    ...remote.filter((each) => !own.some((other) => other.field === each.field)),
  ];
  const warnings = warningsIn(settings);
  const set = (key: string, value: unknown): void => {
    setRemote(remote.filter((each) => each.field !== key));
    setSettings((old) => {
      const { [key]: _, ...rest } = old;
      return value === undefined ? rest : { ...rest, [key]: value };
    });
  };
  const props = (field: Field) => ({
    field,
    settings,
    set,
    disabled: !may,
    error: shown.find((each) => each.field === field.key)?.message,
    warning: warnings.find((each) => each.field === field.key)?.message,
    blur: () => setTouched((old) => new Set([...old, field.key])),
  });
  const fields = (list: readonly Field[]) =>
    list
      .filter((field) => field.needs === undefined || settings[field.needs] === true)
      .map((field) => <FormField key={field.key} {...props(field)} />);
  const error = (key: string): string | undefined => shown.find((each) => each.field === key)?.message;
  const submit = (): void => {
    setTried(true);
    if (own.length > 0) return focusFirst(own[0]!.field);
    const path = name === null ? '/api/v1/milters' : `/api/v1/milters/${encodeURIComponent(name)}`;
    setReview({ method: name === null ? 'POST' : 'PUT', path, json: { settings }, revision });
  };
  const refused = (errors: readonly Finding[]): void => {
    setRemote(
      errors.map((each) => ({
        field: fieldIn(each.path),
        message: [each.message, each.remedy].filter(Boolean).join('; '),
      })),
    );
    setReview(null);
    requestAnimationFrame(() => summary.current?.focus());
  };
  return (
    <form
      className="milter-form"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <ErrorSummary ref={summary} errors={shown} />
      {!writable && may && (
        <Note tone="warn">
          The configuration file cannot be written here. Paste this into it instead:
          <Block label="YAML of this milter" text={yamlOf(settings)} />
        </Note>
      )}
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
          disabled={!may}
          error={error('stages')}
          warning={warnings.find((each) => each.field === 'stages')?.message}
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
          disabled={!may}
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
          disabled={!may}
          error={error('flagsProtocol')}
          set={(value) => set('flagsProtocol', value)}
        />
        <div className="form-grid">{fields(ADVANCED)}</div>
      </Card>
      <div className="form-foot">
        {may && (
          <Button type="submit" disabled={!writable}>
            Review and save
          </Button>
        )}
        {may && (
          <Button
            variant="default"
            onClick={() => (own.length > 0 ? submit() : setTesting(true))}
            leftSection={<Icon name="troubleshoot" size={14} />}
          >
            Test connection
          </Button>
        )}
        <Button variant="subtle" onClick={() => navigate(MILTERS)}>
          Leave
        </Button>
      </div>
      {review && (
        <ReviewWindow
          title={name === null ? 'Review the new milter' : `Review the change of ${name}`}
          change={review}
          refused={refused}
          close={(applied) => {
            setReview(null);
            if (applied) navigate(MILTERS);
          }}
        />
      )}
      {testing && <TestWindow about={{ settings }} title="Test connection" close={() => setTesting(false)} />}
    </form>
  );
}

export function focusFirst(field: string): void {
  requestAnimationFrame(() => document.querySelector<HTMLElement>(`#${CSS.escape(fieldId(field))}`)?.focus());
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
