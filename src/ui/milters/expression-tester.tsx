/** An expression tried out: with made-up values, and the value of each of its parts. */
import { Button, TextInput } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { ask } from '../api/client.ts';
import type { ExpressionValue } from '../api/shapes.ts';
import { Plain } from '../parts/plain.tsx';
import { FailureNote, Note } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';
import { useLanguage } from './expression-input.tsx';

interface Props {
  readonly expression: unknown;
  readonly place: 'enable' | 'route';
}

export function ExpressionTester({ expression, place, close }: Props & { readonly close: () => void }) {
  return (
    <Window title="Try the expression" close={close} wide>
      <TesterForm expression={expression} place={place} />
    </Window>
  );
}

/** The same without a window, for Troubleshoot. */
export function TesterForm({ expression, place }: Props) {
  const language = useLanguage();
  const [values, setValues] = useState<Readonly<Record<string, string>>>({
    listener: 'smtp',
    remote_ip: '192.0.2.1',
  });
  const run = useMutation({
    mutationFn: () =>
      ask<ExpressionValue>('/api/v1/expressions/eval', {
        method: 'POST',
        json: { expression, for: place, variables: typed(values, language) },
      }),
  });
  const text = JSON.stringify(expression ?? '');
  const all = language?.variables[place] ?? [];
  // Those that occur come first; the others are there when they are wanted.
  const used = all.filter((each) => new RegExp(`\\b${each.name}\\b`).test(text));
  const shown = used.length > 0 ? used : all.slice(0, 6);
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        run.mutate();
      }}
    >
      <div
        className="columns"
        style={{ gap: 12, gridTemplateColumns: 'repeat(auto-fit, minmax(200px, 1fr))' }}
      >
        {shown.map((each) => (
          <TextInput
            key={each.name}
            label={<span className="mono">{each.name}</span>}
            description={`${each.type}, known since ${each.since}`}
            size="xs"
            value={values[each.name] ?? ''}
            onChange={(event) => setValues({ ...values, [each.name]: event.currentTarget.value })}
          />
        ))}
      </div>
      <div className="row">
        <Button type="submit" loading={run.isPending}>
          Evaluate
        </Button>
      </div>
      <FailureNote error={run.error} />
      {run.data && <Outcome result={run.data} />}
    </form>
  );
}

function Outcome({ result }: { readonly result: ExpressionValue }) {
  return (
    <div className="stack" role="status">
      {result.diagnostics.map((each, i) => (
        <Note key={i} tone={each.severity === 'error' ? 'bad' : 'warn'}>
          <Plain text={each.message} /> <Plain text={each.remedy} />
        </Note>
      ))}
      {result.ok && (
        <Note tone={result.holds ? 'good' : 'warn'}>
          The value is <Plain text={String(result.value)} mono />: {result.holds ? 'true' : 'false'}.
        </Note>
      )}
      {result.steps.length > 0 && (
        <div className="scroll-x" tabIndex={0} role="region" aria-label="Values of the parts">
          <table className="plain-table">
            <thead>
              <tr>
                <th scope="col">Part</th>
                <th scope="col">Value</th>
              </tr>
            </thead>
            <tbody>
              {result.steps.map((step, i) => (
                <tr key={i}>
                  <td>
                    <Plain text={step.text} mono />
                  </td>
                  <td>
                    <Plain text={String(step.value)} mono />
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

function typed(
  values: Readonly<Record<string, string>>,
  language: ReturnType<typeof useLanguage>,
): Record<string, unknown> {
  const all = [...(language?.variables.enable ?? []), ...(language?.variables.route ?? [])];
  const result: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(values)) {
    const type = all.find((each) => each.name === name)?.type;
    if (type === undefined || value === '') continue;
    if (type === 'integer') result[name] = Number(value) || 0;
    else result[name] = type === 'array' ? value.split(/[\s,]+/) : value;
  }
  return result;
}
