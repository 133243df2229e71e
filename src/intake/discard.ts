/** Content nobody needs: a filter ordered the message thrown away before its content came. The client sees success. */
import { status, type Origin } from '#message';
import type { NoticeSink } from '#notices';
import type { ContentSink } from '#smtp/server';

/** Takes the content, forgets it, says 250 as if it were queued and notes who ordered it. */
export function swallow(
  notices: NoticeSink,
  { session, listener }: Origin,
  id: string,
  by: string,
): ContentSink {
  return {
    write: () => undefined,
    end: (fault) => {
      if (fault) return fault.status;
      notices('message.discarded', { id, session, listener, by });
      return status(250, '2.0.0', `Ok: queued as ${id}`);
    },
  };
}
