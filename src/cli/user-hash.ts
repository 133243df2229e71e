/**
 * `millrace user hash`: turns a password into what stands for it in `users` or in the users file.
 *
 * The password comes from standard input, never from the command line, where others could see it: typed without echo on a
 * terminal, or the first line of a pipe. It is taken as the bytes given, in UTF-8, and never shown.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes, scryptSync } from 'node:crypto';
import type { Command } from 'commander';
import { NEW_HASH, passwordHashText, userName, type ScramHash, type ScryptHash } from '#gateway/config';
import { readSecretLine } from './secret-line.ts';
import { EXIT, type Terminal } from './terminal.ts';

/** Adds the command; it reports its exit code to `ends`. */
export function addUserHash(parent: Command, terminal: Terminal, ends: (code: number) => void): void {
  parent
    .command('hash')
    .description('hash a password read from standard input, for users or usersFile')
    .argument('[name]', 'print a whole line of the users file for this user')
    .option('--scram', 'for SCRAM-SHA-256 (PLAIN and LOGIN work with it too)')
    .action(async (name: string | undefined, options: { scram?: boolean }) => {
      if (name !== undefined && userName(name) === null) {
        terminal.error('not a user name', 'user hash', 'no colon, no blank at an end, at most 255 bytes');
        return ends(EXIT.usage);
      }
      const password = await readSecretLine(terminal, 'Password: ');
      if (password === null || password.length === 0 || password.includes(0)) {
        terminal.error('no password', 'standard input', 'type it, or write it into a pipe as one line');
        return ends(EXIT.failed);
      }
      const hash = passwordHashText(options.scram ? scramHash(password) : scryptHash(password));
      await terminal.result(name === undefined ? hash : `${name}:${hash}`);
      ends(EXIT.ok);
    });
}

function scryptHash(password: Buffer): ScryptHash {
  const { ln, r, p } = NEW_HASH.scrypt;
  const salt = randomBytes(NEW_HASH.saltBytes);
  const maxmem = 256 * 2 ** ln * r;
  const hash = scryptSync(password, salt, NEW_HASH.hashBytes, { N: 2 ** ln, r, p, maxmem });
  return { kind: 'scrypt', ln, r, p, salt, hash };
}

/** RFC 5802 3. */
function scramHash(password: Buffer): ScramHash {
  const { iterations } = NEW_HASH;
  const salt = randomBytes(NEW_HASH.saltBytes);
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256');
  const key = (use: string): Buffer => createHmac('sha256', salted).update(use).digest();
  const storedKey = createHash('sha256').update(key('Client Key')).digest();
  return { kind: 'scram-sha-256', iterations, salt, storedKey, serverKey: key('Server Key') };
}
