/** Each verdict at each stage, given once, on the first event of that stage; a second message follows on the same connection. */
import { frame } from '../support/house.ts';
import type { Scenario, Step } from './scenario.ts';
import { EHLO, MAIL, MESSAGE, RCPT } from './sessions.ts';

const STAGES: Readonly<Record<string, string>> = {
  C: 'connect',
  H: 'helo',
  M: 'mail',
  R: 'rcpt',
  T: 'data',
  L: 'header',
  N: 'eoh',
  B: 'body',
  E: 'end',
  U: 'unknown',
};

const reply = (text: string): string => frame('y', `${text}\0`);

/** The frames of a verdict. Texts of replies name the filter, so that they are compared word by word. */
const VERDICTS: Readonly<Record<string, string>> = {
  accept: frame('a'),
  reject: frame('r'),
  tempfail: frame('t'),
  discard: frame('d'),
  skip: frame('s'),
  shutdown: frame('4'),
  progress: frame('p') + frame('p') + frame('c'),
  '5yz': reply('554 5.7.9 the filter says no'),
  '4yz': reply('452 4.2.9 the filter says later'),
  '5yz, no enhanced code': reply('554 the filter says no'),
  '421': reply('421 4.3.9 the filter says good bye'),
  lines: reply('550-5.7.1 the filter says\r\n550-5.7.1 no\r\n550 5.7.1 and no'),
  percent: reply('550 5.7.1 the filter is 100%% sure'),
  'a lone percent sign': reply('550 5.7.1 the filter is 100% sure'),
  'other enhanced class': reply('550 4.7.1 the filter is of two minds'),
  'a bad reply': reply('250 2.0.0 the filter says yes'),
  'an unknown frame': frame('Z'),
  'a frame of another kind': frame('h', 'X-Early\0too early\0'),
};

const STEPS: readonly Step[] = [
  EHLO,
  'FOO',
  MAIL,
  RCPT,
  'RCPT TO:<c@in.test>',
  { content: MESSAGE },
  'RSET',
  'MAIL FROM:<c@out.test>',
  RCPT,
  { content: MESSAGE.replace('one', 'two') },
  'QUIT',
];

/** The long ones only where texts are handled apart from the verdict's meaning. */
const EVERYWHERE = new Set([
  'accept',
  'reject',
  'tempfail',
  'discard',
  'skip',
  'shutdown',
  'progress',
  '5yz',
  '4yz',
  '421',
]);

/** After these a filter is out of the message, but for a refusal of one recipient. */
const ENDS_MESSAGE = new Set(['accept', 'reject', 'tempfail', 'discard', '5yz', '4yz', '421', 'shutdown']);

export const VERDICT_SCENARIOS: readonly Scenario[] = Object.entries(STAGES).flatMap(([command, stage]) =>
  Object.entries(VERDICTS)
    .filter(([name]) => EVERYWHERE.has(name) || 'RE'.includes(command))
    // At the end an edit belongs there; the letter of another stage does not.
    .filter(([name]) => !(command === 'E' && name === 'a frame of another kind'))
    .map(([name, frames]) => ({
      name: `verdict: ${name} at ${stage}`,
      steps: STEPS,
      ...(ENDS_MESSAGE.has(name) && 'MTLNB'.includes(command) && { decides: command }),
      ...(name === 'accept' && command === 'R' && { decides: command }),
      script: {
        // SKIP has to be agreed upon.
        protocol: name === 'skip' ? 0x400 : 0,
        // The verdict on a connection stays the same when it is asked for again, on another one.
        answer: (heard: string, nth: number) =>
          heard === command && (nth === 0 || 'CH'.includes(command)) ? frames : undefined,
      },
    })),
);
