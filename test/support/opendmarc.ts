/**
 * A real OpenDMARC that judges by the Authentication-Results fields which an earlier filter wrote, and finds policies in the
 * records it is given. Needs Debian's opendmarc and a C compiler: the resolver is bent to a name server of the test's own.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startDns } from './dns.ts';
import { compiledLibrary, spelled, startFilter, type Place } from './filter-program.ts';
import { tempFolder, type Cleanup } from './folders.ts';
import type { Running } from './processes.ts';

/** Starts it; `policies` by domain, for example `v=DMARC1; p=reject`. Results written by `trusted` count. */
export async function startOpendmarc(
  cleanup: Cleanup,
  place: Place,
  trusted: string,
  policies: Readonly<Record<string, string>>,
): Promise<Running> {
  const folder = await tempFolder(cleanup, 'millrace-opendmarc');
  const records = Object.entries(policies).map(([domain, policy]) => [`_dmarc.${domain}`, policy] as const);
  const port = await startDns(cleanup, Object.fromEntries(records));
  const library = await compiledLibrary(cleanup, 'dns-at-port');
  const file = join(folder, 'opendmarc.conf');
  // Nobody is ignored: the default leaves out the local host, from where every test sends.
  await writeFile(join(folder, 'nobody'), '192.0.2.255\n');
  await writeFile(
    file,
    `Socket ${typeof place === 'number' ? spelled(place) : `local:${place}`}
Background false
Syslog false
UMask 000
AuthservID ${trusted}
TrustedAuthservIDs ${trusted}
IgnoreHosts ${folder}/nobody
IgnoreAuthenticatedClients false
RejectFailures true
HoldQuarantinedMessages true
SPFIgnoreResults true
`,
  );
  return startFilter(cleanup, 'opendmarc', ['-f', '-c', file], place, {
    env: { LD_PRELOAD: library, TEST_DNS_PORT: String(port) },
  });
}
