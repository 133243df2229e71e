/** Somebody who looks on while filters are asked about one message: a dry run. Pure declarations. */
import type { BoundEdits, EditableMessage } from '#edits';
import type { Edit } from '#milter/protocol';
import type { StageName } from './settings.ts';

/** Hears what each filter says. Must not throw. Without one nothing is made for it. */
export interface ChainWatcher {
  /** A filter was asked; `said`: its verdict, `off` when its `enable` does not hold, `failed`. `ms`: how long was waited. */
  answered(milter: string, stage: StageName | 'end', said: string, ms: number): void;
  /** The edits that came with its verdict on the content, as it sent them. */
  edited(milter: string, edits: readonly Edit[]): void;
  /** All filters let the message pass: as it was received, and the edits in configured order. */
  passed(received: EditableMessage, edits: readonly BoundEdits[]): void;
}
