/** The search on top: settings, pages and messages from one field, by keyboard alone if one likes. */
import { useEffect, useId, useRef, useState, type KeyboardEvent } from 'react';
import { useLocation } from 'wouter';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { findPlaces } from './places.ts';

/** Told when `/` is pressed anywhere. */
export const FOCUS_SEARCH = 'millrace-search';

export function Search() {
  const [text, setText] = useState('');
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(0);
  const [, navigate] = useLocation();
  const input = useRef<HTMLInputElement>(null);
  const id = useId();
  const found = findPlaces(text);
  useEffect(() => {
    const focus = (): void => input.current?.select();
    window.addEventListener(FOCUS_SEARCH, focus);
    return () => window.removeEventListener(FOCUS_SEARCH, focus);
  }, []);
  const go = (index: number): void => {
    const to = found[index]?.to;
    if (to === undefined) return;
    setOpen(false);
    setText('');
    input.current?.blur();
    navigate(to);
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, found.length - 1));
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0));
    else if (event.key === 'Enter') go(at);
    else if (event.key === 'Escape') {
      setOpen(false);
      setText('');
      input.current?.blur();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const shown = open && found.length > 0;
  return (
    <div className="top-search" role="search">
      <Icon name="search" />
      <input
        ref={input}
        type="text"
        role="combobox"
        aria-label="Search messages and settings"
        aria-expanded={shown}
        aria-controls={id}
        aria-autocomplete="list"
        {...(shown && { 'aria-activedescendant': `${id}-${at}` })}
        placeholder="Search messages and settings"
        autoComplete="off"
        spellCheck={false}
        value={text}
        onChange={(event) => {
          setText(event.target.value);
          setAt(0);
          setOpen(true);
        }}
        onKeyDown={onKeyDown}
        onBlur={() => setOpen(false)}
      />
      {text === '' && <kbd aria-hidden="true">/</kbd>}
      <ul id={id} role="listbox" aria-label="Found" className="search-found" hidden={!shown}>
        {found.map((each, index) => (
          // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the keys are those of the field
          <li
            key={each.to + each.label}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            onMouseDown={(event) => {
              event.preventDefault();
              go(index);
            }}
          >
            <Plain text={each.label} />
            <small>{each.kind}</small>
          </li>
        ))}
      </ul>
    </div>
  );
}
