/** The journal in the gateway: opened, fed by those who carry the mail, handed to the office. */
export { journalOf, openJournal, type JournalRoom } from './open.ts';
export { sessionIds } from './session-ids.ts';
export { watching, type Watching } from './watching.ts';
