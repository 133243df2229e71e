/** Test connection: the steps with their time and evidence, and the sentence at which it stopped. */
import { Button, NativeSelect } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ask } from '../api/client.ts';
import type { MilterSettings, TestReport, TestStep } from '../api/shapes.ts';
import { span } from '../parts/format.ts';
import { Plain } from '../parts/plain.tsx';
import { FailureNote, Loading, Note } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { Window } from '../parts/window.tsx';

type About = { readonly name: string } | { readonly settings: MilterSettings };

const NAMES: Readonly<Record<string, string>> = {
  resolve: 'Look up the name',
  connect: 'Connect',
  tls: 'TLS',
  negotiate: 'Negotiate',
  flags: 'Flags',
  probe: 'Probe message',
  quit: 'Say goodbye',
};
const PROBES = [
  { value: 'none', label: 'no probe message' },
  { value: 'clean', label: 'a clean message' },
  { value: 'gtube', label: 'GTUBE (every spam filter refuses it)' },
  { value: 'eicar', label: 'EICAR (every virus scanner knows it)' },
];

export function TestWindow({
  about,
  title,
  close,
}: {
  readonly about: About;
  readonly title: string;
  readonly close: () => void;
}) {
  const [probe, setProbe] = useState('none');
  const test = useMutation({
    mutationFn: (with_: string) =>
      ask<TestReport>('/api/v1/milter-test', { method: 'POST', json: { ...about, probe: with_ } }),
  });
  const { mutate } = test;
  useEffect(() => mutate('none'), [mutate]);
  return (
    <Window
      title={title}
      close={close}
      wide
      foot={
        <>
          <NativeSelect
            aria-label="Probe message"
            size="sm"
            data={PROBES}
            value={probe}
            onChange={(event) => setProbe(event.currentTarget.value)}
          />
          <Button variant="default" loading={test.isPending} onClick={() => mutate(probe)}>
            Test again
          </Button>
          <Button onClick={close}>Close</Button>
        </>
      }
    >
      {test.isPending && <Loading what="the test" rows={5} />}
      <FailureNote error={test.error} />
      <div role="status">{test.data && !test.isPending && <Report report={test.data} />}</div>
    </Window>
  );
}

export function Report({ report }: { readonly report: TestReport }) {
  return (
    <div className="stack">
      <Note tone={report.ok ? 'good' : 'bad'}>
        <Plain text={report.says} />
      </Note>
      <ol className="test-steps">
        {report.steps.map((step, i) => (
          <Step key={i} step={step} />
        ))}
      </ol>
    </div>
  );
}

function Step({ step }: { readonly step: TestStep }) {
  return (
    <li>
      <div className="row apart">
        <span className="row">
          <Status word={step.ok ? 'ok' : 'failed'} />
          <strong>{NAMES[step.step] ?? step.step}</strong>
        </span>
        <span className="dim">{span(step.ms)}</span>
      </div>
      <p>
        <Plain text={step.says} />
      </p>
      {step.evidence.length > 0 && (
        <dl className="facts small">
          {step.evidence.map((each, i) => (
            <div key={i} style={{ display: 'contents' }}>
              <dt>
                <Plain text={each.name} />
              </dt>
              <dd className="mono">
                <Plain text={each.value} none="–" />
              </dd>
            </div>
          ))}
        </dl>
      )}
    </li>
  );
}
