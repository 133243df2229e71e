/** "Test connection", for the API and the command line. */
export { checkMilter, type CheckOptions } from './check.ts';
export { guardOf, NO_GUARD, type Guard } from './guard.ts';
export { PROBES, type Probe } from './probe-messages.ts';
export type { CheckReport, CheckStep, Evidence, StepName } from './report.ts';
export { milterOf, settingsOfTarget } from './subject.ts';
