/** What the driver throws when filter and MTA are out of step: a bug of the filter's, or of the SDK's. */

/** See the head of the file. The message says what was expected and what came. */
export class DriveError extends Error {
  readonly code: 'closed' | 'silent' | 'unsolicited' | 'illegal_verdict' | 'action_not_granted';

  constructor(code: DriveError['code'], message: string) {
    super(message);
    this.name = 'DriveError';
    this.code = code;
  }
}
