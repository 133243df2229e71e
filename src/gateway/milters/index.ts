/** Filters as operators see them: health, pauses, tests, dry runs, the expression tester. */
export type { EditRecord, Moment, RunChanges } from './changes.ts';
export type { DeliveryPath } from './delivery-path.ts';
export { makeMilterDesk, MAX_DRY_RECIPIENTS, type MilterDesk, type Trouble } from './desk.ts';
export { messageBytes, type DryRun, type DryRunInput } from './dry-run.ts';
export { MAIL_MEANWHILE, type MilterHealth, type MilterState } from './health.ts';
export { MAX_PAUSE_TEXT, Pauses } from './pauses.ts';
export {
  checkExpression,
  evaluateExpression,
  language,
  type Checked,
  type Evaluated,
  type Given,
} from './tester.ts';
