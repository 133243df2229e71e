/** One row of a long table. */
import { memo, type MouseEvent } from 'react';
import type { Column } from './rows.tsx';

interface Props<T> {
  readonly row: T | undefined;
  readonly index: number;
  readonly start: number;
  readonly height: number;
  readonly columns: readonly Column<T>[];
  readonly current: boolean;
  /** null: rows cannot be marked. */
  readonly marked: boolean | null;
  readonly toggle: () => void;
  readonly open: () => void;
  readonly focus: () => void;
}

function Line<T>({ row, index, start, height, columns, current, marked, toggle, open, focus }: Props<T>) {
  const onClick = (event: MouseEvent): void => {
    const target = event.target as HTMLElement;
    if (target.closest('a, button, input, label')) return;
    if (window.getSelection()?.toString()) return;
    open();
  };
  return (
    <tr
      role="row"
      className={`row-line${marked ? ' marked' : ''}`}
      aria-rowindex={index + 2}
      data-index={index}
      tabIndex={current ? 0 : -1}
      style={{ transform: `translateY(${start}px)`, height }}
      onClick={onClick}
      onFocus={focus}
    >
      {marked !== null && (
        <td role="cell">
          <label className="mark">
            <input
              type="checkbox"
              checked={marked}
              onChange={toggle}
              tabIndex={-1}
              aria-label="Mark this row"
            />
          </label>
        </td>
      )}
      {row === undefined ? (
        <td role="cell" className="whole">
          <div className="skeleton" style={{ height: 14, width: '70%' }} />
        </td>
      ) : (
        columns.map((column) => (
          <td key={column.key} role="cell" className={column.numeric ? 'num cut' : 'cut'}>
            {column.cell(row)}
          </td>
        ))
      )}
    </tr>
  );
}

export const RowLine = memo(
  Line,
  (a, b) =>
    a.row === b.row &&
    a.index === b.index &&
    a.start === b.start &&
    a.current === b.current &&
    a.marked === b.marked &&
    a.columns === b.columns,
) as typeof Line;
