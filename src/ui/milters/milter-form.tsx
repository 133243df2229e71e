/** The form of a filter: groups in the order of the specification, errors where they belong, a review before anything changes. */
import { Button } from '@mantine/core';
import { useRef, useState } from 'react';
import { useLocation } from 'wouter';
import type { Finding, MilterSettings } from '../api/shapes.ts';
import { useMay } from '../api/session.tsx';
import { Icon } from '../parts/icons.tsx';
import { Block } from '../parts/code.tsx';
import { Note } from '../parts/states.tsx';
import { MILTERS } from '../shell/places.ts';
import { ErrorSummary } from './error-summary.tsx';
import { fieldIn } from './fields.ts';
import { fieldId } from './form-field.tsx';
import { MilterFields } from './milter-fields.tsx';
import { ReviewWindow, type Change } from './review.tsx';
import { TestWindow } from './test-connection.tsx';
import { errorsIn, type Complaint } from './validate.ts';
import { yamlOf } from './yaml.ts';

interface Props {
  readonly initial: MilterSettings;
  /** null: a new one. */
  readonly name: string | null;
  readonly revision: string;
  readonly writable: boolean;
}

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
  const set = (key: string, value: unknown): void => {
    setRemote(remote.filter((each) => each.field !== key));
    setSettings((old) => {
      const { [key]: _, ...rest } = old;
      return value === undefined ? rest : { ...rest, [key]: value };
    });
  };
  const blur = (key: string): void => setTouched((old) => new Set([...old, key]));
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
      <MilterFields settings={settings} set={set} blur={blur} disabled={!may} errors={shown} />
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
