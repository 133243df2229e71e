/** TLS: the files of `tls`, and what listeners ask of clients. See resolve.ts for the promises. */
import type { ListenerConfig, TlsConfig } from './config.ts';
import { invalid, type DocPath } from './diagnostics.ts';
import { readable, type Resolving } from './resolve.ts';
import type { ListenerSettings } from './schema-listeners.ts';
import type { Settings } from './schema.ts';
import type { Seen } from './seen.ts';

/** `tls`; null when it is not there, which is said where a listener needs it. */
export function resolveTls(settings: Seen<Settings>, cx: Resolving): TlsConfig | null {
  const { tls } = settings;
  if (!tls) {
    if (!cx.refused(['tls'])) sayWhoNeedsTls(settings, cx);
    return null;
  }
  const file = (written: string | undefined, path: DocPath): string =>
    written === undefined ? '' : readable(written, ['tls', ...path], cx);
  return {
    certificate: file(tls.certificate, ['certificate']),
    key: file(tls.key, ['key']),
    clientCa: file(tls.clientCa, ['clientCa']),
    certificates: (tls.certificates ?? []).map((pair, i) => ({
      certificate: file(pair?.certificate, ['certificates', i, 'certificate']),
      key: file(pair?.key, ['certificates', i, 'key']),
    })),
    minVersion: tls.minVersion ?? 'TLSv1.2',
  };
}

function sayWhoNeedsTls({ listeners = [] }: Seen<Settings>, cx: Resolving): void {
  for (const [i, listener] of listeners.entries())
    if (listener?.tls !== undefined && listener.tls !== 'off')
      cx.say(
        invalid(
          ['listeners', i, 'tls'],
          `${listener.tls} needs a certificate`,
          'add tls: { certificate: FILE, key: FILE } at the top level, or write off',
        ),
      );
}

/** Whether the listener at `index` asks clients for a certificate: when nothing is written, if there are authorities to ask for. */
export function clientCertificatesOf(
  listener: Seen<ListenerSettings>,
  index: number,
  { tls }: Seen<Settings>,
  cx: Resolving,
): ListenerConfig['clientCertificates'] {
  const speaksTls = (listener.tls ?? 'off') !== 'off';
  const written = listener.clientCertificates;
  if (written === undefined) return speaksTls && tls?.clientCa !== undefined ? 'ask' : 'off';
  const path: DocPath = ['listeners', index, 'clientCertificates'];
  if (written === 'off') return written;
  if (!speaksTls && !cx.refused(['listeners', index, 'tls']))
    cx.say(
      invalid(path, `${written} needs TLS`, 'set tls of this listener to starttls, require or implicit'),
    );
  else if (tls && tls.clientCa === undefined && !cx.refused(['tls', 'clientCa']))
    cx.say(
      invalid(
        path,
        `${written} needs authorities`,
        'add clientCa: FILE to tls at the top level, or write off',
      ),
    );
  return written;
}
