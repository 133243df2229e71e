/** A header block cut into its fields, byte for byte. Pure; takes any text and never fails. */

export interface HeaderField {
  readonly name: string;
  /** The whole field with its line ends but the last. */
  readonly raw: string;
  /** The value with its folds undone. */
  readonly value: string;
}

/** The fields of a header block, in order; lines that are no field keep their place with an empty name. */
export function fieldsOf(header: string): HeaderField[] {
  const fields: HeaderField[] = [];
  const lines = header.split(/(?<=\n)/);
  let raw = '';
  const end = (): void => {
    const text = raw.replace(/\r?\n$/, '');
    if (text !== '') fields.push(fieldOf(text));
    raw = '';
  };
  for (const line of lines) {
    if (raw !== '' && !/^[ \t]/.test(line)) end();
    raw += line;
  }
  end();
  return fields;
}

function fieldOf(raw: string): HeaderField {
  const colon = raw.indexOf(':');
  const name = colon > 0 ? raw.slice(0, colon).trimEnd() : '';
  const value = raw
    .slice(colon + 1)
    .replace(/\r?\n(?=[ \t])/g, '')
    .trim();
  return { name, raw, value };
}
