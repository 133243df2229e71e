/** The wire of the milter protocol: bytes in, values out; the law as tables. Pure. */
export * from './answers.ts';
export * from './errors.ts';
export * from './events.ts';
export * from './frames.ts';
export * from './law.ts';
export * from './macros.ts';
export * from './negotiation.ts';
export * from './numbers.ts';
export * from './replies.ts';
export * from './rights.ts';
export * from './strangers.ts';
export * from './values.ts';
