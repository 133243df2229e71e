/**
 * A real OpenDKIM, signing or verifying; keys of its own, no DNS: verifiers are handed the public keys in a file.
 * Needs Debian's opendkim. Ready when it accepts at its place.
 */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { spelled, startFilter, type Place } from './filter-program.ts';
import { tempFolder, type Cleanup } from './folders.ts';
import type { Running } from './processes.ts';

/** The selector of every key here. */
const SELECTOR = 'test';

/** A domain's signing key. */
export interface DkimKey {
  readonly domain: string;
  readonly pem: string;
  readonly public: KeyObject;
}

/** A new key; RSA, since that is what everybody verifies. */
export function dkimKey(domain: string): DkimKey {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  return { domain, pem: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), public: publicKey };
}

/** Starts a signer for the key's domain; `canonicalization` for example `simple/simple`. */
export async function startSigner(
  cleanup: Cleanup,
  place: Place,
  key: DkimKey,
  canonicalization: string,
): Promise<Running> {
  const folder = await tempFolder(cleanup, 'millrace-opendkim');
  await writeFile(join(folder, 'key.pem'), key.pem, { mode: 0o600 });
  return start(
    cleanup,
    folder,
    place,
    `Mode s
Domain ${key.domain}
Selector ${SELECTOR}
KeyFile ${folder}/key.pem
Canonicalization ${canonicalization}
SignHeaders *,+X-Folded,+X-Empty,+X-Eight,+Content-Transfer-Encoding
OversignHeaders From
RequireSafeKeys no
`,
  );
}

/** Starts a verifier that knows these keys. */
export async function startVerifier(
  cleanup: Cleanup,
  place: Place,
  keys: readonly DkimKey[],
): Promise<Running> {
  const folder = await tempFolder(cleanup, 'millrace-opendkim');
  const records = keys.map((key) => {
    const encoded = key.public.export({ type: 'spki', format: 'der' }).toString('base64');
    return `${SELECTOR}._domainkey.${key.domain} v=DKIM1; k=rsa; p=${encoded}\n`;
  });
  await writeFile(join(folder, 'keys'), records.join(''));
  return start(cleanup, folder, place, `Mode v\nTestPublicKeys ${folder}/keys\n`);
}

async function start(cleanup: Cleanup, folder: string, place: Place, more: string): Promise<Running> {
  const file = join(folder, 'opendkim.conf');
  await writeFile(join(folder, 'hosts'), '127.0.0.0/8\n');
  await writeFile(
    file,
    `Socket ${typeof place === 'number' ? spelled(place) : `local:${place}`}
Background no
Syslog no
LogWhy no
UMask 000
InternalHosts ${folder}/hosts
ExternalIgnoreList ${folder}/hosts
${more}`,
  );
  return startFilter(cleanup, 'opendkim', ['-f', '-x', file], place);
}
