/**
 * One whole message shown to a filter, as if a client at 127.0.0.1 brought it; its verdict is a finding, not a failure.
 *
 * What can fail is the conversation: then the event, the reason and the exit code are told. Never rejects.
 */
import { makeField, printable, utf8Of } from '#message';
import { MilterError, type ContentAnswer, type MilterConversation } from '#milter/client';
import { parseReplyCode, type MacroLookup, type Verdict } from '#milter/protocol';
import type { Clock } from '#clock';
import { probeMessage, type Probe } from './probe-messages.ts';
import { CHECK_EXIT, done, stopped, type Evidence, type Outcome } from './report.ts';

/** What the probe is made of. */
export interface ProbeFacts {
  readonly conversation: MilterConversation;
  readonly probe: Exclude<Probe, 'none'>;
  readonly hostname: string;
  readonly clock: Clock;
}

const CLIENT = '127.0.0.1';

/** Goes through the conversation up to the verdict. */
export async function probeStep(facts: ProbeFacts): Promise<Outcome<null>> {
  const evidence: Evidence[] = [];
  try {
    const { at, answer } = await shown(facts, evidence);
    return done(null, sentenceOf(facts.probe, at, answer), evidence);
  } catch (error) {
    if (!(error instanceof MilterError)) throw error;
    const late = ['command_timeout', 'data_timeout', 'message_timeout'].includes(error.code);
    return stopped(late ? CHECK_EXIT.timeLimit : CHECK_EXIT.protocol, error.message, evidence);
  }
}

/** The event that was decided at, and the answer. */
async function shown(
  { conversation, probe, hostname, clock }: ProbeFacts,
  evidence: Evidence[],
): Promise<{ readonly at: string; readonly answer: ContentAnswer }> {
  const id = `check${clock.now().toString(36)}`;
  const address = `postmaster@${hostname.includes('.') ? hostname : 'example.org'}`;
  const macros = macrosOf(hostname, id, address);
  const path = `<${address}>`;
  const steps: readonly (readonly [string, () => Verdict | Promise<Verdict>])[] = [
    [
      'connect',
      () => conversation.connect({ host: 'localhost', family: '4', port: 25, address: CLIENT }, macros),
    ],
    ['helo', () => conversation.helo('localhost', macros)],
    ['mail', () => conversation.mail(path, [], macros)],
    ['rcpt', () => conversation.rcpt(path, [], macros)],
    ['data', () => conversation.data(macros)],
  ];
  const timed = async <T>(
    event: string,
    ask: () => T | Promise<T>,
    said: (answer: T) => string,
  ): Promise<T> => {
    const began = clock.elapsed();
    const answer = await ask();
    evidence.push({ name: event, value: `${said(answer)} after ${(clock.elapsed() - began).toFixed(1)} ms` });
    return answer;
  };
  for (const [event, ask] of steps) {
    const verdict = await timed(event, ask, verdictText);
    if (verdict.kind !== 'continue') return { at: event, answer: { verdict, edits: [] } };
  }
  const message = probeMessage(probe, address, id, clock.now());
  const content = conversation.content(macros);
  await content.fields(message.fields.map(([name, value]) => makeField(name, ` ${value}`)));
  await content.endOfHeaders();
  await content.body(Buffer.from(message.body, 'latin1'));
  const answer = await timed(
    'end of message',
    () => content.end(),
    (a) => verdictText(a.verdict),
  );
  for (const edit of answer.edits.slice(0, 50)) evidence.push({ name: 'edit', value: editText(edit) });
  return { at: 'end of message', answer };
}

function macrosOf(hostname: string, id: string, address: string): MacroLookup {
  const values: ReadonlyMap<string, string> = new Map([
    ['j', hostname],
    ['i', id],
    ['{daemon_name}', 'check'],
    ['{client_addr}', CLIENT],
    ['{client_name}', 'localhost'],
    ['{mail_addr}', address],
    ['{rcpt_addr}', address],
  ]);
  return (name) => values.get(name);
}

function verdictText(verdict: Verdict): string {
  if (verdict.kind !== 'replycode') return verdict.kind;
  return `reply ${printable(utf8Of(verdict.text), 120)}`;
}

function editText(edit: ContentAnswer['edits'][number]): string {
  switch (edit.kind) {
    case 'addHeader':
    case 'insertHeader':
    case 'changeHeader':
      return `${edit.kind} ${printable(utf8Of(edit.name), 80)}`;
    case 'quarantine':
      return `quarantine: ${printable(utf8Of(edit.reason), 120)}`;
    case 'addRecipient':
    case 'deleteRecipient':
    case 'changeSender':
      return `${edit.kind} ${printable(utf8Of(edit.address), 120)}`;
    case 'replaceBody':
      return edit.kind;
  }
}

const WHAT: Readonly<Record<Exclude<Probe, 'none'>, string>> = {
  clean: 'a clean message',
  gtube: 'the spam test GTUBE',
  eicar: 'the virus test EICAR',
};

/** What the verdict means, in words: for a clean message letting it pass is right, for the others an objection is. */
function sentenceOf(probe: Exclude<Probe, 'none'>, at: string, { verdict, edits }: ContentAnswer): string {
  const result = resultOf(verdict, edits);
  const says = `the filter ${result.word} ${WHAT[probe]} at ${at}`;
  if (probe === 'clean')
    return result.objects ? `${says}: ordinary mail may be refused, look into the filter’s log` : says;
  if (result.objects) return `${says}, as it should`;
  const changed = edits.length > 0 ? ', with changes,' : '';
  return `the filter lets ${WHAT[probe]} pass${changed} at ${at}: right for a filter that does not look for such things, else its rules are not loaded`;
}

function resultOf(
  verdict: Verdict,
  edits: ContentAnswer['edits'],
): { readonly word: string; readonly objects: boolean } {
  switch (verdict.kind) {
    case 'reject':
    case 'shutdown':
    case 'connfail':
      return { word: 'rejects', objects: true };
    case 'tempfail':
      return { word: 'refuses for now', objects: true };
    case 'discard':
      return { word: 'throws away', objects: true };
    case 'replycode': {
      const reply = parseReplyCode(verdict.text);
      const word =
        reply === null ? 'answers with no proper reply to' : reply.code < 500 ? 'refuses for now' : 'rejects';
      return { word, objects: true };
    }
    case 'continue':
    case 'accept':
    case 'skip':
      return edits.some((e) => e.kind === 'quarantine')
        ? { word: 'has the gateway hold', objects: true }
        : { word: edits.length > 0 ? 'lets pass, with changes,' : 'lets pass', objects: false };
  }
}
