/**
 * The numbers of the milter protocol, each exactly once, with the specification's names (milter reference 3, 4, 5.3, 5.4, 5.6).
 *
 * Everything else refers to them by name. Pure data and two functions that make them readable; never fails.
 */

/** Commands, MTA to filter (reference 3). */
export const SMFIC = {
  ABORT: 0x41, // A
  BODY: 0x42, // B
  CONNECT: 0x43, // C
  MACRO: 0x44, // D
  BODYEOB: 0x45, // E
  HELO: 0x48, // H
  QUIT_NC: 0x4b, // K
  HEADER: 0x4c, // L
  MAIL: 0x4d, // M
  EOH: 0x4e, // N
  OPTNEG: 0x4f, // O
  QUIT: 0x51, // Q
  RCPT: 0x52, // R
  DATA: 0x54, // T
  UNKNOWN: 0x55, // U
} as const;

/** Responses, filter to MTA (reference 4). */
export const SMFIR = {
  ADDRCPT: 0x2b, // +
  DELRCPT: 0x2d, // -
  ADDRCPT_PAR: 0x32, // 2
  SHUTDOWN: 0x34, // 4
  OPTNEG: 0x4f, // O
  ACCEPT: 0x61, // a
  REPLBODY: 0x62, // b
  CONTINUE: 0x63, // c
  DISCARD: 0x64, // d
  CHGFROM: 0x65, // e
  CONN_FAIL: 0x66, // f
  ADDHEADER: 0x68, // h
  INSHEADER: 0x69, // i
  SETSYMLIST: 0x6c, // l
  CHGHEADER: 0x6d, // m
  PROGRESS: 0x70, // p
  QUARANTINE: 0x71, // q
  REJECT: 0x72, // r
  SKIP: 0x73, // s
  TEMPFAIL: 0x74, // t
  REPLYCODE: 0x79, // y
} as const;

/** Actions a filter may be granted (reference 5.3). */
export const SMFIF = {
  ADDHDRS: 0x001,
  CHGBODY: 0x002,
  ADDRCPT: 0x004,
  DELRCPT: 0x008,
  CHGHDRS: 0x010,
  QUARANTINE: 0x020,
  CHGFROM: 0x040,
  ADDRCPT_PAR: 0x080,
  SETSYMLIST: 0x100,
} as const;

/** Protocol bits (reference 5.4). In an offer: "I can do this"; in the reply: "do it". */
export const SMFIP = {
  NOCONNECT: 0x000001,
  NOHELO: 0x000002,
  NOMAIL: 0x000004,
  NORCPT: 0x000008,
  NOBODY: 0x000010,
  NOHDRS: 0x000020,
  NOEOH: 0x000040,
  NR_HDR: 0x000080,
  NOUNKNOWN: 0x000100,
  NODATA: 0x000200,
  SKIP: 0x000400,
  RCPT_REJ: 0x000800,
  NR_CONN: 0x001000,
  NR_HELO: 0x002000,
  NR_MAIL: 0x004000,
  NR_RCPT: 0x008000,
  NR_DATA: 0x010000,
  NR_UNKN: 0x020000,
  NR_EOH: 0x040000,
  NR_BODY: 0x080000,
  HDR_LEADSPC: 0x100000,
  MDS_256K: 0x10000000,
  MDS_1M: 0x20000000,
} as const;

/** Macro stages of the symbol list; they do not follow the order of SMTP (reference 5.6). */
export const SMFIM = { CONNECT: 0, HELO: 1, ENVFROM: 2, ENVRCPT: 3, DATA: 4, EOM: 5, EOH: 6 } as const;

/** Payload sizes in bytes (reference 2.1): the default, and the two that MDS bits can agree on. */
export const DATA_SIZE = { DEFAULT: 65535, MDS_256K: 262143, MDS_1M: 1048575 } as const;

/** Versions this code speaks (reference 5.2). */
export const VERSION = { MIN: 2, MAX: 6 } as const;

/** Names of the bits set in `mask`, in order of value; bits without a name as hexadecimal numbers. */
export function flagNames(mask: number, table: Readonly<Record<string, number>>): string[] {
  const names: string[] = [];
  let rest = mask >>> 0;
  for (const [name, bit] of Object.entries(table)) {
    if ((rest & bit) === 0) continue;
    names.push(name);
    rest = (rest & ~bit) >>> 0;
  }
  for (let bit = 1; rest !== 0; bit *= 2) {
    if ((rest & bit) === 0) continue;
    names.push('0x' + bit.toString(16));
    rest = (rest & ~bit) >>> 0;
  }
  return names;
}

/** The specification's name of a code, `0x7a` for one it does not know. */
export function codeName(code: number, table: Readonly<Record<string, number>>): string {
  for (const [name, value] of Object.entries(table)) if (value === code) return name;
  return '0x' + code.toString(16).padStart(2, '0');
}
