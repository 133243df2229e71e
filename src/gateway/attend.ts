/** What opens the doors for operators: handed to the program, since it is built on the gateway and not the other way round. */
import type { Clock } from '#clock';
import type { Config } from '#gateway/config';
import type { NoticeSink } from '#notices';
import type { Office } from './office.ts';

/** Called once the gateway runs, where it delivers; `close` before it stops. Must not reject. */
export type Attend = (
  office: Office,
  config: Config,
  around: { readonly clock: Clock; readonly notices: NoticeSink },
) => Promise<{ close(): Promise<void> }>;
