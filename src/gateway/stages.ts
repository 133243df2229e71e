/** What every chain of filters is made from, for a configuration: the filters themselves and what the macros tell of us. */
import type { Config } from '#gateway/config';
import { VERSION } from '#gateway/config';
import type { StageSurroundings } from '#stages';
import { environmentFor } from './environment.ts';
import type { Filters } from './filters.ts';
import type { Surroundings } from './gateway.ts';
import { mailerOf } from './mailer.ts';

/** Filters that `filters` knows from an earlier configuration stay the same ones. */
export function stagesOf(
  { hostname, delivery, milters }: Config,
  filters: Filters,
  { clock, notices }: Pick<Surroundings, 'clock' | 'notices'>,
): StageSurroundings {
  const environment = environmentFor(hostname, () => 0);
  return {
    filters: filters.of(milters, environment),
    hostname,
    version: `Millrace ${VERSION}`,
    mailerOf: mailerOf(delivery.routes, environment),
    clock,
    notices,
    meter: filters.meter,
  };
}
