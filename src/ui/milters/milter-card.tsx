/** One filter: where it is, how it is in words, what happens to mail meanwhile, how it answers; and what can be done with it. */
import { Button } from '@mantine/core';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { Link } from 'wouter';
import { ask } from '../api/client.ts';
import { useMay } from '../api/session.tsx';
import type { Milter, MilterHealth } from '../api/shapes.ts';
import { count, span } from '../parts/format.ts';
import { Icon } from '../parts/icons.tsx';
import { Plain } from '../parts/plain.tsx';
import { FailureNote } from '../parts/states.tsx';
import { Status } from '../parts/status.tsx';
import { When } from '../parts/when.tsx';
import { Mix } from '../dashboard/milter-rows.tsx';
import { MILTERS } from '../shell/places.ts';
import { MilterFiguresFold } from './milter-figures.tsx';
import '../dashboard/dashboard.css';

interface Props {
  readonly milter: Milter;
  readonly place: number;
  readonly of: number;
  /** Filters asked at the same time. */
  readonly beside: readonly string[];
  readonly move: (to: number) => void;
  readonly drag: (name: string | null) => void;
  readonly test: () => void;
  readonly pause: () => void;
  readonly duplicate: () => void;
  readonly remove: () => void;
}

export function MilterCard({ milter, place, of, beside, move, drag, test, pause, duplicate, remove }: Props) {
  const admin = useMay('admin');
  const operator = useMay('operator');
  const { name, health } = milter;
  const client = useQueryClient();
  const resume = useMutation({
    mutationFn: () => ask(`/api/v1/milters/${encodeURIComponent(name)}/resume`, { method: 'POST', json: {} }),
    onSettled: () => client.invalidateQueries({ queryKey: ['milters'] }),
  });
  const editPath = `${MILTERS}/${encodeURIComponent(name)}`;
  return (
    <article className="card milter-card" aria-label={`${place + 1}. ${name}`}>
      {admin && <OrderButtons name={name} place={place} of={of} move={move} drag={drag} />}
      <div className="milter-main">
        <div className="row apart">
          <div className="row">
            <h2>
              <Link href={editPath}>
                <Plain text={name} />
              </Link>
            </h2>
            <code className="dim">
              <Plain text={endpointOf(milter)} />
            </code>
            {health && <Status word={health.state} />}
          </div>
          <div className="row">
            <Button size="xs" variant="default" onClick={test} disabled={!admin}>
              Test connection
            </Button>
            {health?.state === 'paused' ? (
              <Button
                size="xs"
                variant="default"
                loading={resume.isPending}
                onClick={() => resume.mutate()}
                disabled={!operator}
              >
                Resume
              </Button>
            ) : (
              <Button size="xs" variant="default" onClick={pause} disabled={!operator}>
                Pause
              </Button>
            )}
            <Button size="xs" variant="default" component={Link} href={editPath}>
              {admin ? 'Edit' : 'Look'}
            </Button>
            {admin && <MoreButtons name={name} duplicate={duplicate} remove={remove} />}
          </div>
        </div>
        {health && <HealthLine health={health} />}
        <p className={health?.state === 'unreachable' ? 'meanwhile now' : 'meanwhile'}>
          <Icon name="info" size={14} /> <Plain text={milter.says} />
        </p>
        <FailureNote error={resume.error} />
        <dl className="milter-facts">
          <Fact name="Asked at">{listOf((milter.effective ?? milter.settings)['stages']).join(' · ')}</Fact>
          {beside.length > 0 && (
            <Fact name="Together with">
              <Plain text={beside.join(', ')} />
            </Fact>
          )}
          {health && <Figures health={health} />}
        </dl>
        {health && <MilterFiguresFold name={name} />}
      </div>
    </article>
  );
}

type OrderProps = Pick<Props, 'place' | 'of' | 'move' | 'drag'> & { readonly name: string };

function OrderButtons({ name, place, of, move, drag }: OrderProps) {
  return (
    <div className="milter-order">
      <button
        type="button"
        className="icon-button"
        aria-label={`Move ${name} up`}
        disabled={place === 0}
        onClick={() => move(place - 1)}
      >
        <Icon name="up" />
      </button>
      <span
        className="milter-number"
        draggable
        title="Drag to change the order"
        onDragStart={(event) => {
          event.dataTransfer.effectAllowed = 'move';
          event.dataTransfer.setData('text/plain', name);
          drag(name);
        }}
        onDragEnd={() => drag(null)}
      >
        {place + 1}
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={`Move ${name} down`}
        disabled={place === of - 1}
        onClick={() => move(place + 1)}
      >
        <Icon name="down" />
      </button>
    </div>
  );
}

function MoreButtons({
  name,
  duplicate,
  remove,
}: Pick<Props, 'duplicate' | 'remove'> & { readonly name: string }) {
  return (
    <>
      <button
        type="button"
        className="icon-button"
        aria-label={`Duplicate ${name}`}
        title="Duplicate"
        onClick={duplicate}
      >
        <Icon name="copy" />
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label={`Delete ${name}`}
        title="Delete"
        onClick={remove}
      >
        <Icon name="trash" />
      </button>
    </>
  );
}

const listOf = (value: unknown): readonly string[] => (Array.isArray(value) ? value.map(String) : ['data']);

export function endpointOf({ effective, settings }: Milter): string {
  const all = { ...settings, ...effective };
  const word = (key: string, otherwise = ''): string => {
    const value = all[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : otherwise;
  };
  if (word('socket') !== '') return `unix:${word('socket')}`;
  return `${word('hostname')}:${word('port', '11332')}${all['useTls'] === true ? ' (TLS)' : ''}`;
}

/** "Not reachable since 10:42, 3 tries, next in 20 s". */
function HealthLine({ health }: { readonly health: MilterHealth }) {
  switch (health.state) {
    case 'unreachable':
      return (
        <p>
          Not reachable since <When at={health.since} />, {health.tries}{' '}
          {health.tries === 1 ? 'try' : 'tries'}
          {health.nextTry !== null && (
            <>
              , next <When at={health.nextTry} relative />
            </>
          )}
          : <Plain text={health.lastError} mono />
        </p>
      );
    case 'paused':
      return (
        <p>
          Paused by <Plain text={health.pausedBy} />{' '}
          {health.pausedUntil === null ? (
            'until it is resumed'
          ) : (
            <>
              until <When at={health.pausedUntil} />
            </>
          )}
          : <Plain text={health.reason} />. Mail passes without it.
        </p>
      );
    case 'slow':
      return (
        <p>
          It answers slowly: half of the answers take over {span(health.p50)}, one in twenty over{' '}
          {span(health.p95)}.
        </p>
      );
    case 'unused':
      return <p className="dim">Nobody asked it since the start.</p>;
    case 'answering':
      return health.lastError === '' ? null : (
        <p className="dim small">
          Last trouble: <Plain text={health.lastError} mono />
        </p>
      );
    default:
      return null;
  }
}

function Figures({ health }: { readonly health: MilterHealth }) {
  const errors = Object.entries(health.errors).filter(([, n]) => n > 0);
  const answered = Object.values(health.answers).some((n) => n > 0);
  return (
    <>
      {answered && (
        <Fact name="Waits">
          p50 {span(health.p50)} · p95 {span(health.p95)} · p99 {span(health.p99)}
        </Fact>
      )}
      <Fact name="Conversations">
        {count(health.inFlight)} in flight · {count(health.idle)} kept open
      </Fact>
      {health.version !== null && health.version > 0 && (
        <Fact name="Speaks">
          version {health.version}
          {health.actions.length > 0 && (
            <>
              , may <Plain text={health.actions.join(' ')} mono />
            </>
          )}
        </Fact>
      )}
      <Fact name="Answers">
        <Mix answers={health.answers} />
      </Fact>
      {errors.length > 0 && (
        <Fact name="Errors">
          <Plain text={errors.map(([kind, n]) => `${kind} ${count(n)}`).join(', ')} />
        </Fact>
      )}
    </>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
