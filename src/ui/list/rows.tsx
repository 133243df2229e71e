/** A long table of which only the rows in sight exist: real table roles, one row in the tab order, keys inside the list. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useCallback, useEffect, useRef, useState, type KeyboardEvent, type ReactNode } from 'react';
import { flushSync } from 'react-dom';
import { usePreferences } from '../parts/preferences.tsx';
import { Trouble } from '../parts/states.tsx';
import { orderOf } from './list-keys.ts';
import type { PagedRows } from './paged-rows.ts';
import { rememberedSpot, rememberSpot } from './remembered.ts';
import { RowLine } from './row-line.tsx';
import type { Selection } from './selection.ts';
import './rows.css';

export interface Column<T> {
  readonly key: string;
  readonly label: string;
  /** A track of the grid, such as `minmax(120px, 1fr)`. */
  readonly width: string;
  readonly numeric?: boolean;
  readonly cell: (row: T) => ReactNode;
}

export interface RowsProps<T> {
  /** Name under which the place in it is remembered. */
  readonly name: string;
  readonly label: string;
  readonly list: PagedRows<T>;
  readonly columns: readonly Column<T>[];
  readonly idOf: (row: T) => string;
  readonly open: (row: T) => void;
  readonly selection?: Selection;
  /** r, h and Delete, about this row or the marked ones. */
  readonly act?: (key: string, row: T) => void;
  readonly empty: ReactNode;
  readonly rowHeight?: number;
  /** Told whether the newest row is in sight. */
  readonly onTop?: (top: boolean) => void;
}

export function Rows<T>(props: RowsProps<T>) {
  const { name, list, columns, idOf, rowHeight = 44, selection, label } = props;
  const frame = useRef<HTMLDivElement>(null);
  const [current, setCurrent] = useState(() => rememberedSpot(name)?.index ?? 0);
  const at = Math.min(current, Math.max(0, list.count - 1));
  const virtual = useVirtualizer({
    count: list.count,
    getScrollElement: () => frame.current,
    estimateSize: () => rowHeight,
    overscan: 8,
    // The row with the focus stays, or the focus would fall out of the list.
    rangeExtractor: ({ startIndex, endIndex, overscan, count }) => {
      const from = Math.max(0, startIndex - overscan);
      const to = Math.min(count - 1, endIndex + overscan);
      const all = Array.from({ length: to - from + 1 }, (_, i) => from + i);
      return at >= from && at <= to ? all : at < from ? [at, ...all] : [...all, at];
    },
  });
  const items = virtual.getVirtualItems();
  const first = virtual.range?.startIndex ?? 0;
  const last = virtual.range?.endIndex ?? 0;
  useEffect(() => list.look(first, last + 1), [list, first, last, list.count]);
  const { onTop } = props;
  useEffect(() => onTop?.(first === 0), [onTop, first]);
  const focusRow = useFocusRow(frame, (index) => virtual.scrollToIndex(index));
  useReturn(props, focusRow);
  const onKeyDown = useListKeys(props, at, Math.max(1, last - first), (to) => {
    // At once, or a second key would find the focus where it was.
    flushSync(() => setCurrent(to));
    virtual.scrollToIndex(to);
    rowIn(frame.current, to)?.focus({ preventScroll: true });
  });
  if (list.error !== null && list.count === 0)
    return <Trouble error={list.error} retry={() => list.reset()} />;
  if (!list.pending && list.count === 0) return <>{props.empty}</>;
  const tracks = [...(selection ? ['40px'] : []), ...columns.map((c) => c.width)].join(' ');
  return (
    <div
      className="rows"
      ref={frame}
      style={{ '--tracks': tracks, '--least': `${leastOf(tracks)}px` } as object}
    >
      <table role="table" aria-label={label} aria-rowcount={list.more ? -1 : list.count + 1}>
        <thead role="rowgroup">
          <tr role="row" aria-rowindex={1}>
            {selection && (
              <th role="columnheader">
                <span className="sr-only">Marked</span>
              </th>
            )}
            {columns.map((column) => (
              <th key={column.key} role="columnheader" scope="col" className={column.numeric ? 'num' : ''}>
                {column.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup" style={{ height: virtual.getTotalSize() }} onKeyDown={onKeyDown}>
          {list.pending && <SkeletonRows />}
          {items.map(({ index, start }) => {
            const row = list.at(index);
            return (
              <RowLine
                key={row === undefined ? `#${index}` : idOf(row)}
                row={row}
                index={index}
                start={start}
                height={rowHeight}
                columns={columns}
                current={index === at}
                marked={row !== undefined && selection ? selection.all || selection.ids.has(idOf(row)) : null}
                toggle={() => row !== undefined && selection?.toggle(idOf(row))}
                open={() => {
                  if (row === undefined) return;
                  rememberSpot(name, { id: idOf(row), index });
                  props.open(row);
                }}
                focus={() => setCurrent(index)}
              />
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

/** Pixels that the tracks need at least, with the gaps between them. */
function leastOf(tracks: string): number {
  const each = [...tracks.matchAll(/(\d+)px/g)].map(([, pixels]) => Number(pixels));
  return each.reduce((sum, pixels) => sum + pixels, 0) + (each.length - 1) * 14 + 32;
}

function SkeletonRows() {
  return Array.from({ length: 8 }, (_, i) => (
    <tr key={i} role="row" className="row-line" style={{ transform: `translateY(${i * 44}px)` }}>
      <td role="cell" className="whole">
        <div className="skeleton" style={{ height: 14, width: `${90 - i * 4}%` }} />
      </td>
    </tr>
  ));
}

const rowIn = (frame: HTMLElement | null, index: number): HTMLElement | null =>
  frame?.querySelector<HTMLElement>(`tr[data-index="${index}"]`) ?? null;

function useFocusRow(frame: React.RefObject<HTMLDivElement | null>, scroll: (index: number) => void) {
  return useCallback(
    (index: number) => {
      scroll(index);
      requestAnimationFrame(() => rowIn(frame.current, index)?.focus());
    },
    [frame, scroll],
  );
}

/** Coming back puts the focus on the row one left, wherever it is now. */
function useReturn<T>({ name, list, idOf }: RowsProps<T>, focusRow: (index: number) => void): void {
  const done = useRef(false);
  useEffect(() => {
    if (done.current || list.count === 0) return;
    done.current = true;
    const spot = rememberedSpot(name);
    if (!spot) return;
    const at = [...list.rows()].findIndex((row) => idOf(row) === spot.id);
    if (at >= 0) focusRow(at);
  }, [name, list, list.count, idOf, focusRow]);
}

function useListKeys<T>(props: RowsProps<T>, at: number, page: number, go: (to: number) => void) {
  const { keys } = usePreferences();
  const anchor = useRef(0);
  return (event: KeyboardEvent): void => {
    if (
      event.target instanceof HTMLInputElement &&
      event.key !== 'x' &&
      event.key !== 'j' &&
      event.key !== 'k'
    )
      return;
    const { list, selection, idOf } = props;
    const order = orderOf(event, at, list.count, page, keys);
    const row = list.at(at);
    if (!order || (row === undefined && order.kind !== 'go')) return;
    event.preventDefault();
    if (order.kind === 'go') return go(order.to);
    if (order.kind === 'open') {
      rememberSpot(props.name, { id: idOf(row!), index: at });
      return props.open(row!);
    }
    if (order.kind === 'act') return props.act?.(order.key, row!);
    if (!selection) return;
    if (order.kind === 'mark-all') return selection.setAll(!selection.all);
    if (order.kind === 'mark') {
      anchor.current = at;
      return selection.toggle(idOf(row!));
    }
    const [from, to] = [Math.min(anchor.current, at), Math.max(anchor.current, at)];
    const between: string[] = [];
    for (let i = from; i <= to; i++) {
      const each = list.at(i);
      if (each !== undefined) between.push(idOf(each));
    }
    selection.add(between);
  };
}
