/** Figures: what is counted, and what whoever looks is shown. */
export { METRICS, PREFIX } from './catalogue.ts';
export type { MetricKind } from './cells.ts';
export type { FilterReport, StageReport } from './filter-report.ts';
export type { Failure } from './failures.ts';
export {
  Metrics,
  type Certificate,
  type JournalFigures,
  type MetricsOptions,
  type Sights,
} from './metrics.ts';
export type { CertificateLine, MilterLine, MinuteLine, Overview } from './overview.ts';
export type { Scrape, Snapshot } from './snapshot.ts';
