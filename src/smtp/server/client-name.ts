/** The client's name before the greeting: asked for, waited for, never insisted on. */
import type { Awaitable } from './handler.ts';
import type { ClientName, Settings } from './options.ts';

const NO_NAME: ClientName = Object.freeze({ name: '', ptr: '' });

/** The name of `address`; none when there is no resolver, no address, a failure, or no answer in time. Never rejects. */
export function clientNameOf(settings: Settings, address: string): Awaitable<ClientName> {
  const { clientName, clock, limits, notices, listener } = settings;
  if (!clientName || address === '') return NO_NAME;
  return new Promise((resolve) => {
    const fail = (reason: string): void => {
      notices('smtp.client-name-failed', { listener, client: address, reason });
      resolve(NO_NAME);
    };
    const cancel = clock.after(limits.clientNameTimeout, () => fail('no answer in time'));
    clientName(address).then(
      (name) => {
        cancel();
        resolve(name);
      },
      (error: unknown) => {
        cancel();
        fail(String(error));
      },
    );
  });
}
