/** The flags of the milter protocol by name, number and meaning: for the form, and for reading negotiations. Pure data. */

export interface Flag {
  readonly name: string;
  readonly bit: number;
  readonly means: string;
}

/** What a filter may do to a message. */
export const ACTIONS: readonly Flag[] = [
  { name: 'ADDHDRS', bit: 0x1, means: 'add header fields' },
  { name: 'CHGBODY', bit: 0x2, means: 'replace the body' },
  { name: 'ADDRCPT', bit: 0x4, means: 'add recipients' },
  { name: 'DELRCPT', bit: 0x8, means: 'remove recipients' },
  { name: 'CHGHDRS', bit: 0x10, means: 'change and remove header fields' },
  { name: 'QUARANTINE', bit: 0x20, means: 'have the message held' },
  { name: 'CHGFROM', bit: 0x40, means: 'change the sender' },
  { name: 'ADDRCPT_PAR', bit: 0x80, means: 'add recipients with parameters' },
  { name: 'SETSYMLIST', bit: 0x100, means: 'choose which macros it is sent' },
];

/** Steps that can be left out or need no answer, and ways of the wire. */
export const PROTOCOL: readonly Flag[] = [
  { name: 'NOCONNECT', bit: 0x1, means: 'does not want to hear of connections' },
  { name: 'NOHELO', bit: 0x2, means: 'does not want HELO' },
  { name: 'NOMAIL', bit: 0x4, means: 'does not want senders' },
  { name: 'NORCPT', bit: 0x8, means: 'does not want recipients' },
  { name: 'NOBODY', bit: 0x10, means: 'does not want the body' },
  { name: 'NOHDRS', bit: 0x20, means: 'does not want header fields' },
  { name: 'NOEOH', bit: 0x40, means: 'does not want the end of the header' },
  { name: 'NR_HDR', bit: 0x80, means: 'sends no reply to header fields' },
  { name: 'NOUNKNOWN', bit: 0x100, means: 'does not want unknown commands' },
  { name: 'NODATA', bit: 0x200, means: 'does not want DATA' },
  { name: 'SKIP', bit: 0x400, means: 'may skip the rest of the body' },
  { name: 'RCPT_REJ', bit: 0x800, means: 'wants refused recipients as well' },
  { name: 'NR_CONN', bit: 0x1000, means: 'sends no reply to connections' },
  { name: 'NR_HELO', bit: 0x2000, means: 'sends no reply to HELO' },
  { name: 'NR_MAIL', bit: 0x4000, means: 'sends no reply to senders' },
  { name: 'NR_RCPT', bit: 0x8000, means: 'sends no reply to recipients' },
  { name: 'NR_DATA', bit: 0x10000, means: 'sends no reply to DATA' },
  { name: 'NR_UNKN', bit: 0x20000, means: 'sends no reply to unknown commands' },
  { name: 'NR_EOH', bit: 0x40000, means: 'sends no reply to the end of the header' },
  { name: 'NR_BODY', bit: 0x80000, means: 'sends no reply to the body' },
  { name: 'HDR_LEADSPC', bit: 0x100000, means: 'keeps the blank before header values' },
  { name: 'MDS_256K', bit: 0x10000000, means: 'takes frames up to 256 KiB' },
  { name: 'MDS_1M', bit: 0x20000000, means: 'takes frames up to 1 MiB' },
];

/** 0x1f, as a filter's documents write it. */
export const hex = (bits: number): string => `0x${(bits >>> 0).toString(16)}`;
