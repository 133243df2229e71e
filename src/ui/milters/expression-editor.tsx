/** An expression edited in rows of if and then, with an else; checked by the gateway while one types. */
import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useEffect, useState } from 'react';
import { ask } from '../api/client.ts';
import type { ExpressionCheck } from '../api/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { blockOf, settingOf, type BlockRows, type Branch } from './expression.ts';
import { ExpressionInput } from './expression-input.tsx';
import { ExpressionTester } from './expression-tester.tsx';

interface Props {
  readonly id: string;
  readonly value: unknown;
  readonly change: (value: unknown) => void;
  readonly place: 'enable' | 'route';
}

export function ExpressionEditor({ id, value, change, place }: Props) {
  const block = blockOf(value);
  const [testing, setTesting] = useState(false);
  const set = (next: BlockRows): void => change(settingOf(next));
  const { rows, otherwise } = block;
  const put = (at: number, row: Branch): void =>
    set({ otherwise, rows: rows.map((old, i) => (i === at ? row : old)) });
  const move = (at: number, by: number): void => {
    const next = [...rows];
    const [row] = next.splice(at, 1);
    next.splice(at + by, 0, row!);
    set({ otherwise, rows: next });
  };
  return (
    <div className="stack expression" id={id} tabIndex={-1}>
      {rows.map((row, i) => (
        <div key={i} className="branch" role="group" aria-label={`Row ${i + 1}`}>
          <ExpressionInput
            label="if"
            place={place}
            value={row.if}
            change={(text) => put(i, { ...row, if: text })}
          />
          <ExpressionInput
            label="then"
            place={place}
            value={row.then}
            change={(text) => put(i, { ...row, then: text })}
          />
          <span className="branch-buttons">
            <button
              type="button"
              className="icon-button"
              aria-label={`Move row ${i + 1} up`}
              disabled={i === 0}
              onClick={() => move(i, -1)}
            >
              <Icon name="up" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`Move row ${i + 1} down`}
              disabled={i === rows.length - 1}
              onClick={() => move(i, 1)}
            >
              <Icon name="down" />
            </button>
            <button
              type="button"
              className="icon-button"
              aria-label={`Remove row ${i + 1}`}
              onClick={() => set({ otherwise, rows: rows.filter((_, at) => at !== i) })}
            >
              <Icon name="trash" />
            </button>
          </span>
        </div>
      ))}
      <ExpressionInput
        label={rows.length === 0 ? 'expression' : 'else'}
        place={place}
        value={otherwise}
        placeholder="true"
        change={(text) => set({ rows, otherwise: text })}
      />
      <div className="row">
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="plus" size={13} />}
          onClick={() => set({ otherwise, rows: [...rows, { if: '', then: 'true' }] })}
        >
          Add if / then
        </Button>
        <Button size="xs" variant="default" onClick={() => setTesting(true)}>
          Try it out
        </Button>
      </div>
      <LiveCheck value={settingOf(block)} place={place} />
      {testing && (
        <ExpressionTester
          expression={settingOf(block) ?? 'true'}
          place={place}
          close={() => setTesting(false)}
        />
      )}
    </div>
  );
}

/** What the gateway thinks of it, a moment after the last letter. */
function LiveCheck({ value, place }: { readonly value: unknown; readonly place: 'enable' | 'route' }) {
  const text = JSON.stringify(value ?? null);
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 400);
    return () => clearTimeout(timer);
  }, [text]);
  const check = useQuery({
    queryKey: ['expression', place, settled],
    queryFn: ({ signal }) =>
      ask<ExpressionCheck>('/api/v1/expressions/check', {
        method: 'POST',
        json: { expression: JSON.parse(settled) as unknown, for: place },
        signal,
      }),
    enabled: settled !== 'null' && settled !== '""',
    staleTime: 60_000,
  });
  const { data } = check;
  return (
    <div role="status" className="stack" style={{ gap: 4 }}>
      {data?.diagnostics.map((each, i) => (
        <span key={i} className={`small ${each.severity === 'error' ? 'says-bad' : 'says-warn'}`}>
          <Icon name="warning" size={12} /> {each.path && `${each.path}: `}
          <Plain text={each.message} /> <Plain text={each.remedy} />
        </span>
      ))}
      {data?.ok && data.diagnostics.length === 0 && (
        <span className="small says-good">
          <Icon name="check" size={12} /> understood
          {data.constant === true ? ', always on' : data.constant === false ? ', always off' : ''}
        </span>
      )}
    </div>
  );
}
