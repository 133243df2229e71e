/**
 * Delivers into Maildir folders: one file per recipient, written under tmp/, synced, moved to new/, the folder synced.
 *
 * Files have LF line ends, as Maildir readers expect, and begin with Return-Path and Delivered-To. The folder is a pattern with
 * `{local}`, `{domain}` and `{address}`; what fills them can never leave the folder it stands in. Folders are made 0700. A
 * recipient is delivered only when file and folder are on disk. A message whose own Delivered-To says that it lay in the mailbox
 * before is refused: somebody sends on what is delivered here, and it would come again and again. Trouble with the disk is a temporary outcome that names no
 * file; the notice does. A file left under tmp/ by a crash is for the reader to clean up, as Maildir has it.
 */
import { mkdir, open, rename, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { bytesOf, status } from '#message';
import type { Status } from '#message';
import type { NoticeSink } from '#notices';
import type { EntryContent } from '#spool';
import type { Clock } from '#clock';
import type { Agent, Outcome } from '../agent.ts';
import { deliveredBefore } from '../loop.ts';
import { FolderSync } from './folder-sync.ts';
import { folderFor, hostPart, withLf } from './maildir-names.ts';

/** Where and as whom. */
export interface MaildirOptions {
  /** Folder of a recipient, absolute: `/var/mail/{domain}/{local}`. */
  readonly to: string;
  /** Our host name, for unique file names. */
  readonly hostname: string;
  readonly clock: Clock;
  readonly notices: NoticeSink;
}

/** Recipients of one message written at a time: each has a file open. */
const AT_ONCE = 16;
/** Folders remembered as made; beyond that they are looked at again. */
const MAX_KNOWN = 10_000;

const DELIVERED = status(250, '2.0.0', 'delivered to the mailbox');
const FULL = status(452, '4.3.1', 'no room for the mailbox');
const LOOP = status(554, '5.4.6', 'the message has been in this mailbox before: it is going round in a loop');
const TROUBLE = status(451, '4.3.0', 'the mailbox cannot be written at present');

let counter = 0;

export function makeMaildirAgent(options: MaildirOptions): Agent {
  const known = new Set<string>();
  const sync = new FolderSync();
  const deliverTo = async (address: string, sender: string, content: EntryContent): Promise<Status> => {
    if (deliveredBefore(content.header, address)) return LOOP;
    const folder = folderFor(options.to, address);
    const wasKnown = known.has(folder);
    try {
      await makeFolders(folder, known, sync);
      await writeMessage(folder, topOf(sender, address), content, options, sync);
      return DELIVERED;
    } catch (cause) {
      known.delete(folder);
      const code = (cause as NodeJS.ErrnoException).code;
      if (wasKnown && code === 'ENOENT') return deliverTo(address, sender, content); // somebody removed it
      options.notices('delivery.mailbox-trouble', { folder, error: String(cause) });
      return code === 'ENOSPC' || code === 'EDQUOT' ? FULL : TROUBLE;
    }
  };
  return {
    async deliver(attempt) {
      const { entry, recipients, signal } = attempt;
      const opened = await attempt.content();
      const outcomes: Outcome[] = [];
      let next = 0;
      const oneByOne = async (): Promise<void> => {
        while (next < recipients.length) {
          const i = next++;
          const { address } = recipients[i]!;
          const said = signal.aborted ? TROUBLE : await deliverTo(address, entry.sender, opened);
          outcomes[i] = { address, status: said, success: 'delivered' };
        }
      };
      await Promise.all(Array.from({ length: Math.min(AT_ONCE, recipients.length) }, oneByOne));
      return outcomes;
    },
    close: () => Promise.resolve(),
  };
}

/** The fields in front of the message, LF line ends. */
function topOf(sender: string, address: string): Uint8Array {
  const safe = (text: string): string => text.replace(/[\x00-\x1f\x7f]/g, '?');
  return bytesOf(`Return-Path: <${safe(sender)}>\nDelivered-To: ${safe(address)}\n`);
}

/** Makes the folder and its three parts, and makes sure that their names are on disk. */
async function makeFolders(folder: string, known: Set<string>, sync: FolderSync): Promise<void> {
  if (known.has(folder)) return;
  const made = await mkdir(join(folder, 'tmp'), { recursive: true, mode: 0o700 });
  await mkdir(join(folder, 'new'), { recursive: true, mode: 0o700 });
  await mkdir(join(folder, 'cur'), { recursive: true, mode: 0o700 });
  await sync.sync(folder);
  // Every folder above that did not exist before is a new name in its own parent.
  if (made !== undefined)
    for (let above = folder; above.length >= made.length; above = dirname(above))
      await sync.sync(dirname(above));
  if (known.size >= MAX_KNOWN) known.clear();
  known.add(folder);
}

async function writeMessage(
  folder: string,
  top: Uint8Array,
  content: EntryContent,
  { clock, hostname }: MaildirOptions,
  sync: FolderSync,
): Promise<void> {
  const now = clock.now();
  const unique = `M${Math.floor((now % 1000) * 1000)}P${process.pid}Q${counter++}`;
  const name = `${Math.floor(now / 1000)}.${unique}.${hostPart(hostname)}`;
  const temporary = join(folder, 'tmp', name);
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      const lines = withLf();
      await file.appendFile(Buffer.concat([top, lines.take(content.header), lines.take(CRLF)]));
      if (content.body.chunks !== null)
        await file.appendFile(Buffer.concat(content.body.chunks.map((c) => lines.take(c))));
      else for await (const chunk of content.body.read()) await file.appendFile(lines.take(chunk));
      await file.appendFile(lines.end());
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, join(folder, 'new', name));
  } catch (cause) {
    await unlink(temporary).catch(() => {});
    throw cause;
  }
  await sync.sync(join(folder, 'new'));
}

const CRLF = Uint8Array.of(13, 10);
