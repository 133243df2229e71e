/** A button that copies a text, and says so. */
import { Button } from '@mantine/core';
import { useState } from 'react';
import { Icon } from './icons.tsx';

export function Copy({
  text,
  label,
}: {
  readonly text: string | (() => Promise<string>);
  readonly label: string;
}) {
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(typeof text === 'string' ? text : await text());
      setSaid('Copied');
    } catch {
      setSaid('The browser did not allow it');
    }
    setTimeout(() => setSaid(''), 2500);
  };
  return (
    <Button
      variant="default"
      size="xs"
      leftSection={<Icon name={said === 'Copied' ? 'check' : 'copy'} size={14} />}
      onClick={() => void copy()}
    >
      <span aria-live="polite">{said || label}</span>
    </Button>
  );
}
