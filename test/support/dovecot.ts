/**
 * Dovecot's LMTP server, on a unix socket and a loopback port, with three mailboxes: `alice`, `bob`, and `full`, which has no room.
 *
 * Needs Debian's dovecot-lmtpd and root (Dovecot's master must change users). Everything lies in a temporary folder; nothing of
 * the machine's own configuration is read. Ready when the port accepts.
 */
import { chown, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { tempFolder, type Cleanup } from './folders.ts';
import { freePort } from './ports.ts';
import { launch, program } from './processes.ts';
import { account } from './rspamd.ts';
import { accepts, until } from './wait.ts';

/** A running server. */
export interface Dovecot {
  readonly port: number;
  readonly socket: string;
  /** Maildir of a user. */
  mailbox(user: string): string;
}

/** Starts it; it ends with the test. */
export async function startDovecot(cleanup: Cleanup): Promise<Dovecot> {
  const folder = await tempFolder(cleanup, 'millrace-dovecot');
  const port = await freePort();
  const { uid, gid } = await account('mail');
  const home = join(folder, 'home');
  await mkdir(home);
  await chown(home, uid, gid);
  const user = (name: string, more = ''): string =>
    `${name}:{PLAIN}x:${uid}:${gid}::${join(home, name)}::${more}\n`;
  await writeFile(
    join(folder, 'users'),
    user('alice') + user('bob') + user('full', 'userdb_quota_rule=*:bytes=1'),
    { mode: 0o644 },
  );
  const file = join(folder, 'dovecot.conf');
  await writeFile(file, configuration(folder, port));
  const dovecot = launch('dovecot', program('dovecot') ?? 'dovecot', ['-F', '-c', file], { cwd: folder });
  cleanup.after(() => dovecot.end(5000));
  await until('dovecot to listen', 15_000, () => {
    if (dovecot.ended) throw new Error(`dovecot ended:\n${dovecot.output}`);
    return accepts(port);
  });
  return { port, socket: join(folder, 'lmtp'), mailbox: (name) => join(home, name, 'Maildir') };
}

function configuration(folder: string, port: number): string {
  return `
base_dir = ${folder}/run
log_path = ${folder}/log
protocols = lmtp
ssl = no
hostname = dovecot.test
first_valid_uid = 1
first_valid_gid = 1
mail_location = maildir:~/Maildir
auth_username_format = %Ln
mail_plugins = quota
plugin {
  quota = count:User quota
  quota_vsizes = yes
}
passdb {
  driver = passwd-file
  args = ${folder}/users
}
userdb {
  driver = passwd-file
  args = ${folder}/users
}
service lmtp {
  unix_listener ${folder}/lmtp {
    mode = 0666
  }
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${port}
  }
}
service stats {
  unix_listener stats-writer {
    mode = 0666
  }
}
`;
}
