/** What became of something: a word, a drawing and a colour together, never the colour alone. */
import { Icon, type IconName } from './icons.tsx';
import { Plain } from './plain.tsx';

export type Tone = 'good' | 'warn' | 'bad' | 'held' | 'calm' | 'accent';

const LOOKS: Readonly<Record<string, readonly [tone: Tone, icon: IconName]>> = {
  accepted: ['good', 'check'],
  accept: ['good', 'check'],
  continue: ['good', 'check'],
  passed: ['good', 'check'],
  delivered: ['good', 'check'],
  released: ['good', 'check'],
  answering: ['good', 'check'],
  ok: ['good', 'check'],
  done: ['good', 'check'],
  would: ['good', 'check'],
  queued: ['accent', 'clock'],
  leased: ['accent', 'arrowRight'],
  sending: ['accent', 'arrowRight'],
  open: ['accent', 'dot'],
  held: ['held', 'hand'],
  quarantine: ['held', 'hand'],
  tempfailed: ['warn', 'clock'],
  tempfail: ['warn', 'clock'],
  deferred: ['warn', 'clock'],
  slow: ['warn', 'clock'],
  aborted: ['warn', 'stop'],
  replycode: ['warn', 'warning'],
  paused: ['warn', 'pause'],
  suspended: ['warn', 'pause'],
  rejected: ['bad', 'cross'],
  reject: ['bad', 'cross'],
  refused: ['bad', 'cross'],
  failed: ['bad', 'cross'],
  expired: ['bad', 'cross'],
  error: ['bad', 'warning'],
  unreachable: ['bad', 'warning'],
  malware: ['bad', 'warning'],
  discarded: ['calm', 'trash'],
  discard: ['calm', 'trash'],
  deleted: ['calm', 'trash'],
};

/** The tone of a word; words we do not know are calm. */
export const toneOf = (word: string): Tone => LOOKS[word.toLowerCase()]?.[0] ?? 'calm';

interface Props {
  readonly word: string;
  /** In place of the word itself. */
  readonly label?: string;
  readonly tone?: Tone;
  readonly title?: string;
}

export function Status({ word, label, tone, title }: Props) {
  const [own, icon] = LOOKS[word.toLowerCase()] ?? (['calm', 'dot'] as const);
  return (
    <span className={`chip ${tone ?? own}`} {...(title && { title })}>
      <Icon name={icon} size={12} strokeWidth={2} />
      <Plain text={label ?? word} />
    </span>
  );
}
