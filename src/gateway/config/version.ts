/** The program's version, from package.json, which lies three folders up from here, built or not. */
import { readFileSync } from 'node:fs';

const text = readFileSync(new URL('../../../package.json', import.meta.url), 'utf8');

/** `1.2.3`. */
export const VERSION: string = (JSON.parse(text) as { version: string }).version;
