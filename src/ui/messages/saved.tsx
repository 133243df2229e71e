/** Conditions under a name, kept in this browser. */
import { Button, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Icon } from '../parts/icons.tsx';
import type { Parameters } from '../parts/address.ts';
import { HISTORY_WORDS } from './conditions.tsx';

const KEY = 'millrace-saved';
type Saved = Readonly<Record<string, string>>;

function load(): Saved {
  try {
    const read: unknown = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    if (typeof read !== 'object' || read === null) return {};
    return Object.fromEntries(
      Object.entries(read).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
    );
  } catch {
    return {};
  }
}

interface Props {
  readonly parameters: URLSearchParams;
  readonly change: (changes: Parameters) => void;
}

export function SavedConditions({ parameters, change }: Props) {
  const [saved, setSaved] = useState(load);
  const [naming, setNaming] = useState<string | null>(null);
  const used = HISTORY_WORDS.filter((word) => parameters.has(word));
  const names = Object.keys(saved);
  if (used.length === 0 && names.length === 0) return null;
  const keep = (next: Saved): void => {
    setSaved(next);
    try {
      localStorage.setItem(KEY, JSON.stringify(next));
    } catch {
      // Nothing is kept then; the address still holds the conditions.
    }
  };
  const apply = (text: string): void => {
    const wanted = new URLSearchParams(text);
    change(Object.fromEntries(HISTORY_WORDS.map((word) => [word, wanted.get(word)])));
  };
  return (
    <div className="row" role="group" aria-label="Saved conditions">
      {names.map((name) => (
        <span key={name} className="chip accent">
          <button type="button" className="link-button" onClick={() => apply(saved[name]!)}>
            {name}
          </button>
          <button
            type="button"
            className="icon-button"
            style={{ width: 24, height: 24 }}
            aria-label={`Forget ${name}`}
            onClick={() =>
              keep(Object.fromEntries(Object.entries(saved).filter(([other]) => other !== name)))
            }
          >
            <Icon name="cross" size={12} />
          </button>
        </span>
      ))}
      {used.length > 0 && naming === null && (
        <Button size="xs" variant="subtle" onClick={() => setNaming('')}>
          Save these conditions
        </Button>
      )}
      {naming !== null && (
        <form
          className="row"
          onSubmit={(event) => {
            event.preventDefault();
            const name = naming.trim();
            if (name === '') return;
            keep({
              ...saved,
              [name]: new URLSearchParams(used.map((word) => [word, parameters.get(word)!])).toString(),
            });
            setNaming(null);
          }}
        >
          <TextInput
            size="xs"
            aria-label="Name for these conditions"
            placeholder="name"
            autoFocus
            value={naming}
            onChange={(event) => setNaming(event.currentTarget.value)}
          />
          <Button size="xs" type="submit">
            Save
          </Button>
        </form>
      )}
    </div>
  );
}
