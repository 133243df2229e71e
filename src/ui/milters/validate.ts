/** What the form notices by itself, before the gateway is asked: errors that stop, warnings that do not. Pure. */
import { durationOf } from '../messages/query.ts';
import type { MilterSettings } from '../api/shapes.ts';
import { TIMEOUTS } from './fields.ts';

export interface Complaint {
  readonly field: string;
  readonly message: string;
}

const text = (settings: MilterSettings, key: string): string => {
  const value = settings[key];
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
};

/** Errors by field, in the order of the form. */
export function errorsIn(settings: MilterSettings): Complaint[] {
  const errors: Complaint[] = [];
  const hostname = text(settings, 'hostname');
  const socket = text(settings, 'socket');
  if (hostname === '' && socket === '')
    errors.push({ field: 'hostname', message: 'Enter a hostname, or the path of a socket below.' });
  if (hostname !== '' && socket !== '')
    errors.push({ field: 'socket', message: 'Either hostname and port, or a socket; not both.' });
  if (/^\S+:\d+$/.test(hostname) && !/:.*:/.test(hostname))
    errors.push({ field: 'hostname', message: 'The port has its own field.' });
  const port = text(settings, 'port');
  if (port !== '' && !(/^\d{1,5}$/.test(port) && Number(port) >= 1 && Number(port) <= 65_535))
    errors.push({ field: 'port', message: 'A port is a number from 1 to 65535.' });
  const size = text(settings, 'maxResponseSize');
  if (size !== '' && !/^\d+(?:\.\d+)?\s*(?:B|[KMG]i?B?)?$/i.test(size))
    errors.push({ field: 'maxResponseSize', message: 'Write a size such as 50MB or 52428800.' });
  for (const { key } of TIMEOUTS) {
    const value = text(settings, key);
    if (value !== '' && durationOf(value) === null)
      errors.push({ field: key, message: 'Write a duration such as 30s, 500ms or 2m.' });
  }
  if (Array.isArray(settings['stages']) && settings['stages'].length === 0)
    errors.push({ field: 'stages', message: 'Choose at least one stage.' });
  return errors;
}

/** What is allowed and yet worth a second look. */
export function warningsIn(settings: MilterSettings): Complaint[] {
  const warnings: Complaint[] = [];
  const hostname = text(settings, 'hostname');
  const local =
    hostname === '' ||
    hostname === 'localhost' ||
    hostname.startsWith('127.') ||
    /^\[?::1\]?$/.test(hostname);
  if (!local && settings['useTls'] !== true)
    warnings.push({ field: 'useTls', message: 'Mail goes to this filter over the network unencrypted.' });
  if (settings['allowInvalidCerts'] === true)
    warnings.push({ field: 'allowInvalidCerts', message: 'Whoever answers at this address is believed.' });
  const data = durationOf(text(settings, 'timeoutData'));
  const scanner = /clam|virus|av\b|sophos|eset|kasper/i.test(
    `${text(settings, 'name')} ${text(settings, 'socket')}`,
  );
  if (data !== null && data < 10_000 && scanner)
    warnings.push({
      field: 'timeoutData',
      message: 'Virus scanners often need more than 10 s for one message.',
    });
  const { stages } = settings;
  if (Array.isArray(stages) && !stages.includes('data'))
    warnings.push({
      field: 'stages',
      message: 'Without data the filter never sees a message; most filters act there alone.',
    });
  if (text(settings, 'port') === '3310')
    warnings.push({
      field: 'port',
      message: '3310 is clamd’s port. clamav-milter is another program, usually on 7357 or a socket.',
    });
  if (text(settings, 'port') === '11333' || text(settings, 'port') === '11334')
    warnings.push({ field: 'port', message: 'Rspamd’s milter port is that of its proxy worker, 11332.' });
  return warnings;
}
