/** The configuration as operators read and change it. */
export { unifiedDiff } from './diff.ts';
export type { VersionLine } from './history.ts';
export { changeOf, itemsIn, type Item, type ItemChange } from './items.ts';
export { saysOf } from './says.ts';
export {
  Settings,
  type Change,
  type ConfigHome,
  type ConfigTextNow,
  type Findings,
  type Make,
  type Outcome,
  type SettingsOptions,
} from './settings.ts';
