/** One line of an expression, with the names and functions that fit what is being typed. */
import { useQuery } from '@tanstack/react-query';
import { useId, useRef, useState, type KeyboardEvent } from 'react';
import { ask } from '../api/client.ts';
import type { Language } from '../api/shapes.ts';

interface Props {
  readonly label: string;
  readonly value: string;
  readonly placeholder?: string;
  readonly place: 'enable' | 'route';
  readonly change: (text: string) => void;
}

interface Offer {
  readonly insert: string;
  readonly says: string;
}

export function ExpressionInput({ label, value, placeholder, place, change }: Props) {
  const id = useId();
  const input = useRef<HTMLInputElement>(null);
  const [offers, setOffers] = useState<readonly Offer[]>([]);
  const [at, setAt] = useState(-1);
  const language = useLanguage();
  const look = (): void => {
    const caret = input.current?.selectionStart ?? 0;
    const word = /[a-z_][a-z0-9_]*$/i.exec(input.current?.value.slice(0, caret) ?? '')?.[0] ?? '';
    setAt(-1);
    setOffers(word.length < 1 ? [] : offersFor(language, place, word));
  };
  const take = (offer: Offer): void => {
    const field = input.current;
    if (!field) return;
    const caret = field.selectionStart ?? 0;
    const before = value.slice(0, caret).replace(/[a-z_][a-z0-9_]*$/i, '');
    change(before + offer.insert + value.slice(caret));
    setOffers([]);
    const place = before.length + offer.insert.length - (offer.insert.endsWith('()') ? 1 : 0);
    requestAnimationFrame(() => field.setSelectionRange(place, place));
    field.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (offers.length === 0) return;
    if (event.key === 'ArrowDown') setAt((at + 1) % offers.length);
    else if (event.key === 'ArrowUp') setAt(at <= 0 ? offers.length - 1 : at - 1);
    else if (event.key === 'Enter' && at >= 0) take(offers[at]!);
    else if (event.key === 'Escape') setOffers([]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const open = offers.length > 0;
  return (
    <div className="expression-input">
      <label htmlFor={`${id}-input`}>{label}</label>
      <div>
        <input
          id={`${id}-input`}
          ref={input}
          className="mono"
          role="combobox"
          aria-expanded={open}
          aria-controls={id}
          aria-autocomplete="list"
          {...(open && at >= 0 && { 'aria-activedescendant': `${id}-${at}` })}
          value={value}
          placeholder={placeholder}
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => {
            change(event.target.value);
            requestAnimationFrame(look);
          }}
          onKeyDown={onKeyDown}
          onBlur={() => setOffers([])}
        />
        <ul id={id} role="listbox" aria-label="Names that fit" className="search-found" hidden={!open}>
          {offers.map((offer, i) => (
            // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are those of the field
            <li
              key={offer.insert}
              id={`${id}-${i}`}
              role="option"
              aria-selected={i === at}
              onMouseDown={(event) => {
                event.preventDefault();
                take(offer);
              }}
            >
              <span className="mono">{offer.insert}</span>
              <small>{offer.says}</small>
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

/** The language as the gateway speaks it. */
export function useLanguage(): Language | undefined {
  return useQuery({
    queryKey: ['language'],
    queryFn: ({ signal }) => ask<Language>('/api/v1/expressions/language', { signal }),
    staleTime: Infinity,
  }).data;
}

function offersFor(language: Language | undefined, place: 'enable' | 'route', word: string): Offer[] {
  if (!language) return [];
  const begins = (name: string): boolean => name.startsWith(word) && name !== word;
  return [
    ...language.variables[place]
      .filter((each) => begins(each.name))
      .map((each) => ({ insert: each.name, says: `${each.type}, known since ${each.since}` })),
    ...language.functions
      .filter((each) => begins(each.name))
      .map((each) => ({ insert: `${each.name}()`, says: each.signature })),
  ].slice(0, 8);
}
