/** The nouns: message, envelope, header fields, body, status, origin. Pure. */
export * from './address.ts';
export * from './body.ts';
export * from './date.ts';
export * from './envelope.ts';
export * from './headers.ts';
export * from './inlet.ts';
export * from './origin.ts';
export * from './outlet.ts';
export * from './priority.ts';
export * from './status.ts';
export * from './text.ts';
export * from './xtext.ts';
