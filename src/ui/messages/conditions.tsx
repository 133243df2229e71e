/** What the history is narrowed by: the same words as on the command line, each of them a part of the address. */
import { Button, NativeSelect, TextInput } from '@mantine/core';
import { useEffect, useState } from 'react';
import type { Parameters } from '../parts/address.ts';

const WORDS = [
  ['q', 'Anywhere', 'free search'],
  ['from', 'From', 'a@example.org'],
  ['rcpt', 'To', '*@example.org'],
  ['subject', 'Subject', '*invoice*'],
  ['client', 'Client', '192.0.2.0/24'],
  ['milter', 'Filter', 'rspamd'],
] as const;
const MORE = [
  ['verdict', 'Filter said', 'reject'],
  ['listener', 'Listener', 'smtp'],
  ['user', 'Login', 'eva'],
  ['id', 'Queue id', ''],
  ['session', 'Session', ''],
  ['state', 'Delivery', 'deferred'],
  ['slower', 'Slower than', '500ms'],
  ['since', 'Since', '2026-12-01T10:00'],
  ['until', 'Until', ''],
] as const;
/** Every word the address may hold. */
export const HISTORY_WORDS: readonly string[] = [...WORDS, ...MORE]
  .map(([key]) => key as string)
  .concat('outcome');

const OUTCOMES = ['accepted', 'held', 'discarded', 'rejected', 'tempfailed', 'passed', 'aborted'];

interface Props {
  readonly parameters: URLSearchParams;
  readonly change: (changes: Parameters) => void;
}

export function Conditions({ parameters, change }: Props) {
  const [more, setMore] = useState(() => MORE.some(([key]) => parameters.has(key)));
  const used = HISTORY_WORDS.filter((word) => parameters.has(word));
  return (
    <form
      className="filters"
      role="search"
      aria-label="Conditions"
      onSubmit={(event) => event.preventDefault()}
    >
      {WORDS.map(([key, label, placeholder]) => (
        <Word
          key={key}
          word={key}
          label={label}
          placeholder={placeholder}
          parameters={parameters}
          change={change}
        />
      ))}
      <NativeSelect
        label="Outcome"
        size="xs"
        data={[{ value: '', label: 'any' }, ...OUTCOMES.map((value) => ({ value, label: value }))]}
        value={parameters.get('outcome') ?? ''}
        onChange={(event) => change({ outcome: event.currentTarget.value })}
      />
      {more &&
        MORE.map(([key, label, placeholder]) => (
          <Word
            key={key}
            word={key}
            label={label}
            placeholder={placeholder}
            parameters={parameters}
            change={change}
          />
        ))}
      <Button variant="subtle" size="xs" onClick={() => setMore(!more)} aria-expanded={more}>
        {more ? 'Fewer conditions' : 'More conditions'}
      </Button>
      {used.length > 0 && (
        <Button
          variant="subtle"
          size="xs"
          onClick={() => change(Object.fromEntries(used.map((word) => [word, null])))}
        >
          Clear
        </Button>
      )}
    </form>
  );
}

interface WordProps extends Props {
  readonly word: string;
  readonly label: string;
  readonly placeholder: string;
}

/** One condition; it counts a moment after the last letter, so that not every letter is a request. */
function Word({ word, label, placeholder, parameters, change }: WordProps) {
  const set = parameters.get(word) ?? '';
  const [text, setText] = useState(set);
  useEffect(() => setText(set), [set]);
  useEffect(() => {
    if (text === set) return undefined;
    const timer = setTimeout(() => change({ [word]: text }), 350);
    return () => clearTimeout(timer);
  }, [text, set, word, change]);
  return (
    <TextInput
      label={label}
      size="xs"
      w={word === 'q' ? 190 : 132}
      placeholder={placeholder}
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      autoComplete="off"
      spellCheck={false}
    />
  );
}
