/**
 * The shape of the configuration as JSON Schema, for editors: made from the schema that reads it.
 *
 * It says a little less than the reader checks (files, addresses, expressions, values held against each other), and nothing that
 * the reader takes is refused by it. Pure.
 */
import { z } from 'zod';
import { settingsSchema } from './schema.ts';

type Schema = Record<string, unknown>;

/** `#/$defs/elsewhere`: a value that stands in the environment or in a file. */
const ELSEWHERE = {
  description: 'The value stands elsewhere: in an environment variable, or in a file',
  type: 'object',
  properties: { env: { type: 'string' }, file: { type: 'string' } },
  minProperties: 1,
  maxProperties: 1,
  additionalProperties: false,
};

/** The schema of a whole configuration (JSON Schema 2020-12). */
export function configJsonSchema(): Schema {
  const made = z.toJSONSchema(settingsSchema, {
    io: 'output',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => lists(jsonSchema as Schema),
  });
  return { ...made, title: 'Millrace', $defs: { elsewhere: ELSEWHERE } };
}

/** Lists may be keyed by number, and some be one bare value. */
function lists(schema: Schema): void {
  if (schema['type'] !== 'array') return;
  const { type: _type, items, minItems, single, ...more } = schema;
  for (const key of Object.keys(schema)) delete schema[key];
  const array = { type: 'array', items, ...(Number(minItems) > 0 && { minItems }) };
  const keyed = { type: 'object', patternProperties: { '^[0-9]{1,6}$': items }, additionalProperties: false };
  Object.assign(schema, more, { anyOf: [array, keyed, ...(single ? [items] : [])] });
}
