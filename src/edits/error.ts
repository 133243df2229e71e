import type { Edit } from '#milter/protocol';

/** What is thrown for an edit that cannot be carried out as sent: the filter's error, its `onError` decides. */
export class EditError extends Error {
  readonly code: 'header_name' | 'header_size' | 'header_index' | 'address' | 'parameters' | 'recipients';
  /** The edit it is about; set by whoever goes through them. */
  edit: Edit['kind'] | undefined = undefined;

  constructor(code: EditError['code'], message: string) {
    super(message);
    this.name = 'EditError';
    this.code = code;
  }
}
