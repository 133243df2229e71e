/** Certificates for tests, made by openssl at run time in a temporary folder: an authority, and what it signs. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cleanup } from './folders.ts';
import { tempFolder } from './folders.ts';
import { program, run } from './processes.ts';

/** A certificate and its key, PEM. */
export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

/** What a certificate is for. */
export interface Leaf {
  /** subjectAltName entries such as `IP:127.0.0.1,DNS:filter.test`. */
  readonly names: string;
  /** Valid from now for so many days; less than zero: expired. */
  readonly days?: number;
}

/** A certificate authority of this test alone. */
export interface Authority {
  /** File with its certificate. */
  readonly file: string;
  sign(leaf: Leaf): Promise<KeyPair>;
  /** A certificate that nobody but itself has signed. */
  selfSigned(leaf: Leaf): Promise<KeyPair>;
}

const NEW_KEY = '-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'.split(' ');

/** Makes an authority; its folder goes with the test. */
export async function makeAuthority(cleanup: Cleanup): Promise<Authority> {
  const folder = await tempFolder(cleanup, 'millrace-ca');
  const path = (name: string): string => join(folder, name);
  const openssl = async (...args: string[]): Promise<void> => {
    const { code, output } = await run('openssl', program('openssl') ?? 'openssl', args, { cwd: folder });
    if (code !== 0) throw new Error(`openssl ${args.join(' ')} ended with ${code}:\n${output}`);
  };
  await openssl(
    'req',
    '-x509',
    ...NEW_KEY,
    '-days',
    '2',
    '-subj',
    '/CN=ca.test',
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
  );
  let count = 0;
  const pair = async (name: string): Promise<KeyPair> => ({
    cert: await readFile(path(`${name}.pem`), 'utf8'),
    key: await readFile(path(`${name}.key`), 'utf8'),
  });
  const files = (name: string): string[] => ['-subj', '/CN=filter', '-keyout', `${name}.key`];
  return {
    file: path('ca.pem'),
    async sign({ names, days = 2 }) {
      const name = `leaf${++count}`;
      await openssl('req', '-new', ...NEW_KEY, ...files(name), '-out', `${name}.csr`);
      await writeFile(path(`${name}.ext`), `subjectAltName=${names}\n`);
      const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', String(days)];
      await openssl(
        'x509',
        '-req',
        '-in',
        `${name}.csr`,
        ...by,
        '-extfile',
        `${name}.ext`,
        '-out',
        `${name}.pem`,
      );
      return pair(name);
    },
    async selfSigned({ names, days = 2 }) {
      const name = `self${++count}`;
      const made = ['-days', String(days), '-addext', `subjectAltName=${names}`];
      await openssl('req', '-x509', ...NEW_KEY, ...files(name), ...made, '-out', `${name}.pem`);
      return pair(name);
    },
  };
}
