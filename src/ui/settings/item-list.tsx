/** Items of a list of the configuration in their order: looked at, moved, edited, added, removed; each change is reviewed first. */
import { Button } from '@mantine/core';
import { useState, type ReactNode } from 'react';
import { useMay } from '../api/session.tsx';
import type { MilterSettings } from '../api/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { Empty, Loading, Trouble } from '../parts/states.tsx';
import type { Field } from '../milters/fields.ts';
import { ReviewWindow, type Change } from '../milters/review.tsx';
import { ItemForm } from './item-form.tsx';
import { changeOfList, useItems, type Item, type ListName } from './items.ts';
import '../milters/milters.css';

interface Props {
  readonly list: ListName;
  /** What one of them is called. */
  readonly noun: string;
  readonly fields: readonly Field[];
  readonly describe: (item: Item) => ReactNode;
  readonly start: MilterSettings;
}

type Asking =
  | { readonly kind: 'edit'; readonly at: number | null }
  | { readonly kind: 'review'; readonly title: string; readonly change: Change }
  | null;

/** Routes have no names: they are counted, as everywhere else, from one. */
const calledOf = (list: Props['list'], name: string, at: number): string =>
  list === 'routes' ? `route ${at + 1}` : name;

export function ItemList({ list, noun, fields, describe, start }: Props) {
  const items = useItems(list);
  const may = useMay('admin');
  const [asking, setAsking] = useState<Asking>(null);
  if (items.isPending) return <Loading what={`the ${list}`} />;
  if (items.isError) return <Trouble error={items.error} retry={() => void items.refetch()} />;
  const { revision } = items.data;
  const all = items.data.items.map((item) => item.settings);
  const review = (title: string, next: readonly MilterSettings[]): void =>
    setAsking({ kind: 'review', title, change: changeOfList(list, next, revision) });
  const move = (at: number, by: number): void => {
    const next = [...all];
    const [item] = next.splice(at, 1);
    next.splice(at + by, 0, item!);
    review(`Review the new order of the ${list}`, next);
  };
  return (
    <div className="stack">
      {items.data.items.length === 0 && (
        <div className="card">
          <Empty title={`There are no ${list}`} command="millrace config show" />
        </div>
      )}
      <ol className="milter-cards">
        {items.data.items.map((item, at) => (
          <li key={`${item.name} ${at}`} className="card milter-main">
            <div className="row apart">
              <h2>
                <Plain text={calledOf(list, item.name, at)} />
              </h2>
              {may && (
                <div className="row">
                  <button
                    type="button"
                    className="icon-button"
                    aria-label={`Move ${calledOf(list, item.name, at)} up`}
                    disabled={at === 0}
                    onClick={() => move(at, -1)}
                  >
                    <Icon name="up" />
                  </button>
                  <button
                    type="button"
                    className="icon-button"
                    aria-label={`Move ${calledOf(list, item.name, at)} down`}
                    disabled={at === all.length - 1}
                    onClick={() => move(at, 1)}
                  >
                    <Icon name="down" />
                  </button>
                  <Button size="xs" variant="default" onClick={() => setAsking({ kind: 'edit', at })}>
                    Edit
                  </Button>
                  <button
                    type="button"
                    className="icon-button"
                    aria-label={`Delete ${calledOf(list, item.name, at)}`}
                    onClick={() =>
                      review(
                        `Delete the ${noun} ${item.name}`,
                        all.filter((_, i) => i !== at),
                      )
                    }
                  >
                    <Icon name="trash" />
                  </button>
                </div>
              )}
            </div>
            {describe(item)}
          </li>
        ))}
      </ol>
      {may && (
        <div>
          <Button
            variant="default"
            leftSection={<Icon name="plus" size={14} />}
            onClick={() => setAsking({ kind: 'edit', at: null })}
          >
            Add {noun}
          </Button>
        </div>
      )}
      {asking?.kind === 'edit' && (
        <ItemForm
          title={asking.at === null ? `New ${noun}` : `Edit ${items.data.items[asking.at]?.name ?? noun}`}
          fields={fields}
          initial={asking.at === null ? start : all[asking.at]!}
          close={() => setAsking(null)}
          save={(settings) =>
            review(
              `Review the ${noun}`,
              asking.at === null
                ? [...all, settings]
                : all.map((old, i) => (i === asking.at ? settings : old)),
            )
          }
        />
      )}
      {asking?.kind === 'review' && (
        <ReviewWindow title={asking.title} change={asking.change} close={() => setAsking(null)} />
      )}
    </div>
  );
}
