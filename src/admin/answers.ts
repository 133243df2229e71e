/** What requests and answers of the resources have in common, as the OpenAPI document tells it. */
import { problemSchema } from './contract.ts';

/** A JSON answer. */
export const json = <S>(schema: S, description: string) => ({
  description,
  content: { 'application/json': { schema } },
});

/** A JSON body that must be there. */
export const body = <S>(schema: S) => ({ required: true, content: { 'application/json': { schema } } });

/** An answer that tells of trouble. */
export const PROBLEM = {
  description: 'A problem',
  content: { 'application/problem+json': { schema: problemSchema } },
};
