/** Applies what filters asked: headers, envelope, body, quarantine. Pure. */
export * from './apply.ts';
export { EditError } from './error.ts';
