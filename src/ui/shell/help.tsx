/** The keys, and the switch that turns them off. */
import { Switch } from '@mantine/core';
import { usePreferences } from '../parts/preferences.tsx';
import { Window } from '../parts/window.tsx';

const KEYS: readonly (readonly [title: string, rows: readonly (readonly [keys: string, what: string])[]])[] =
  [
    [
      'Everywhere',
      [
        ['/', 'search'],
        ['?', 'this list'],
        [
          'g d · g m · g c · g q · g u · g s',
          'dashboard, messages, conversations, queue, quarantine, settings',
        ],
        ['.', 'pause or follow what happens'],
        ['Esc', 'back to the same row of the list'],
      ],
    ],
    [
      'In a list that has the focus',
      [
        ['j k · ↓ ↑', 'next, previous row'],
        ['Enter', 'open'],
        ['x · Shift+x · *', 'mark, mark up to here, all that match'],
        ['r', 'retry or release'],
        ['h', 'hold'],
        ['Del', 'delete; each of these asks first'],
      ],
    ],
    [
      'In a conversation',
      [
        ['n p', 'next, previous answer that is not “continue”'],
        ['e', 'next error'],
      ],
    ],
  ];

export function Help({ close }: { readonly close: () => void }) {
  const { keys, setKeys } = usePreferences();
  return (
    <Window title="Keyboard" close={close}>
      <Switch
        label="Single keys do something"
        description="Everything can be done without them; Tab, Enter and Space always work."
        checked={keys}
        onChange={(event) => setKeys(event.currentTarget.checked)}
      />
      {KEYS.map(([title, rows]) => (
        <section key={title} className="stack" style={{ gap: 6 }}>
          <h3>{title}</h3>
          <dl className="facts">
            {rows.map(([shown, what]) => (
              <div key={shown} style={{ display: 'contents' }}>
                <dt>
                  {shown.split(' · ').map((each) => (
                    <span key={each}>
                      <kbd>{each}</kbd>{' '}
                    </span>
                  ))}
                </dt>
                <dd>{what}</dd>
              </div>
            ))}
          </dl>
        </section>
      ))}
    </Window>
  );
}
