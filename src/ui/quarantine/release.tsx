/** Letting held mail go: to whom, past which filters; rescanning shows the new verdict before anything happens. */
import { Button, Checkbox, Radio, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Plain } from '../parts/plain.tsx';
import { Note } from '../parts/states.tsx';
import { Window } from '../parts/window.tsx';
import { useMilters } from '../milters/use-milters.ts';
import { OrderWindow, type About, type Details } from '../queue/orders.tsx';

interface Props {
  readonly about: About;
  /** Recipients to choose from; none: all. */
  readonly recipients: readonly string[];
  readonly heldBy: string;
  readonly close: (done: boolean) => void;
}

const WAYS = [
  [
    'auto',
    'As usual',
    'What a filter held is asked of all filters again; what an operator held goes as it is.',
  ],
  ['skip', 'Leave a filter out', 'All others are asked again.'],
  ['none', 'Past all filters', 'Nothing is asked. Only when you are sure.'],
] as const;

export function ReleaseWindow({ about, recipients, heldBy, close }: Props) {
  const [way, setWay] = useState<string>('auto');
  const [skip, setSkip] = useState(heldBy.startsWith('operator:') ? '' : heldBy);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set(recipients));
  const [details, setDetails] = useState<Details | null>(null);
  if (details) return <OrderWindow verb="release" about={about} details={details} close={close} />;
  const all = chosen.size === recipients.length;
  return (
    <Window
      title="Release"
      close={() => close(false)}
      foot={
        <>
          <Button variant="default" onClick={() => close(false)}>
            Leave it
          </Button>
          <Button
            disabled={(way === 'skip' && skip === '') || (recipients.length > 0 && chosen.size === 0)}
            onClick={() =>
              setDetails({
                ...(way === 'skip' && { skip: [skip] }),
                ...(way === 'none' && { filters: 'none' }),
                ...(!all && { recipients: [...chosen] }),
              })
            }
          >
            Go on
          </Button>
        </>
      }
    >
      {recipients.length > 1 && (
        <fieldset className="stack" style={{ gap: 6 }}>
          <legend>
            <h3>To whom</h3>
          </legend>
          {recipients.map((each) => (
            <Checkbox
              key={each}
              label={<Plain text={each} />}
              checked={chosen.has(each)}
              onChange={() => {
                const next = new Set(chosen);
                if (!next.delete(each)) next.add(each);
                setChosen(next);
              }}
            />
          ))}
        </fieldset>
      )}
      <Radio.Group label="The filters" value={way} onChange={setWay}>
        <div className="stack" style={{ gap: 10, marginTop: 8 }}>
          {WAYS.map(([value, label, says]) => (
            <Radio key={value} value={value} label={label} description={says} />
          ))}
        </div>
      </Radio.Group>
      {way === 'skip' && <SkipField value={skip} change={setSkip} />}
      <Note>A filter that holds or refuses it again keeps it held, and you are told what it said.</Note>
    </Window>
  );
}

function SkipField({ value, change }: { readonly value: string; readonly change: (value: string) => void }) {
  const milters = useMilters();
  return (
    <>
      <TextInput
        label="Filter to leave out"
        list="milter-names"
        value={value}
        onChange={(event) => change(event.currentTarget.value)}
      />
      <datalist id="milter-names">
        {milters.data?.milters.map((each) => (
          <option key={each.name} value={each.name} />
        ))}
      </datalist>
    </>
  );
}
