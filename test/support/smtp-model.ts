/**
 * What an SMTP server may answer: a small model of the order of commands (RFC 5321 4.1, 4.3.2), written apart from the server.
 *
 * Given all that a client sent and all that came back, it walks through both side by side: one well-formed reply per command in
 * order, each of a legal code, nothing behind the last. Where syntax is beyond its small grammar it takes either answer and
 * follows the server's; order, control characters, counts, ends of content and what is accepted it always knows itself.
 */

/** What the handler behind the server decides; codes. */
export interface Policy {
  helo(name: string): number;
  mail(address: string): number;
  rcpt(address: string): number;
  data(sender: string): number;
  content(text: string): number;
}

/** The server's rules. */
export interface ModelRules {
  readonly policy: Policy;
  readonly tls: 'off' | 'starttls' | 'require';
  readonly bareLineEnds: 'reject' | 'normalise';
  readonly maxCommandLine: number;
  readonly maxErrors: number;
  readonly maxRecipients: number;
  readonly maxMessageSize: number;
}

/** A message that got its 250: arguments of MAIL and RCPT as sent, content without stuffed dots. */
export interface ModelMessage {
  readonly sender: string;
  readonly recipients: readonly string[];
  readonly content: string;
}

/** The outcome: what is wrong, '' if nothing, and what was accepted. */
export interface Judgement {
  readonly problem: string;
  readonly messages: readonly ModelMessage[];
}

interface Reply {
  readonly code: number;
  readonly text: string;
}

/** Codes of the client's errors; a handler's refusal (5.7.1) is none, a command for others only (550 5.7.0) is one. */
const ERRORS = [500, 501, 502, 503, 504, 530, 553, 554, 555];
const isError = ({ code, text }: Reply): boolean =>
  code === 550 ? text.startsWith('5.7.0') : ERRORS.includes(code) && !text.startsWith('5.7.1');

const ADDRESS = '[a-z0-9]{1,20}(?:\\.[a-z0-9]{1,20}){0,2}@[a-z0-9]{1,20}(?:\\.[a-z0-9]{1,20}){0,2}';
const GOOD_MAIL = new RegExp(`^FROM: ?<(|${ADDRESS})>((?: [A-Z0-9]+(?:=[A-Za-z0-9]+)?)*)$`, 'i');
const GOOD_RCPT = new RegExp(`^TO: ?<(${ADDRESS})>((?: [A-Z]+=[A-Z]+)*)$`, 'i');
const MAIL_PARAMETER =
  /^(?:SIZE=\d{1,20}|BODY=(?:7BIT|8BITMIME)|SMTPUTF8|RET=(?:FULL|HDRS)|ENVID=[A-Za-z0-9]{1,100})$/i;
const RCPT_PARAMETER = /^NOTIFY=(?:NEVER|SUCCESS|FAILURE|DELAY)$/i;
const REFUSED = [450, 550, 554];

/** Whether replies are well formed: code, lines of at most 512 bytes, enhanced code of the same class, no control characters. */
const REPLY =
  /(?:(\d{3})-[^\x00-\x08\x0a-\x1f\x7f]{0,506}\r\n(?=\1[- ]))*(\d{3}) ([^\x00-\x08\x0a-\x1f\x7f]{0,506})\r\n/y;

/** Takes received text apart; null where it is not well formed. `whole`: no reply may be cut off at the end. */
function repliesIn(received: string, whole: boolean): Reply[] | null {
  const replies: Reply[] = [];
  let at = 0;
  for (REPLY.lastIndex = 0; at < received.length; at = REPLY.lastIndex) {
    const m = REPLY.exec(received);
    if (m === null) return whole ? null : replies;
    const code = Number(m[2]);
    const enhanced = /^(\d)\.\d{1,3}\.\d{1,3} /.exec(m[3]!);
    if (code < 200 || code > 599 || (enhanced && enhanced[1] !== m[2]![0])) return null;
    replies.push({ code, text: m[3]! });
  }
  return replies;
}

/** Holds a conversation against the rules. `whole`: the client waited for everything; else the end may be missing. */
export function judge(rules: ModelRules, sent: string, received: string, whole: boolean): Judgement {
  const replies = repliesIn(received, whole);
  if (replies === null) return { problem: 'a reply is not well formed', messages: [] };
  const walk = new Walk(rules, sent);
  const greeting = replies.shift();
  if (greeting === undefined) return { problem: whole ? 'no greeting' : '', messages: [] };
  if (greeting.code !== 220) return { problem: `greeting ${greeting.code}`, messages: [] };
  for (;;) {
    const legal = walk.next();
    const reply = replies.shift();
    const { messages } = walk;
    if (legal === null || reply === undefined) {
      if (legal === null && reply) return { problem: `reply ${reply.code} to nothing`, messages };
      return { problem: legal !== null && whole ? `no reply to ${walk.what}` : '', messages };
    }
    if (!legal.includes(reply.code))
      return { problem: `${reply.code} to ${walk.what}, legal: ${legal.join(' ')}`, messages };
    walk.took(reply);
  }
}

/** The state of one conversation. */
class Walk {
  readonly messages: ModelMessage[] = [];
  /** What is being answered, for the report. */
  what = '';
  readonly #rules: ModelRules;
  readonly #sent: string;
  #at = 0;
  #took: (code: number) => void = () => undefined;
  #helo = false;
  #open = false;
  #over = false;
  #tried = false;
  #sender = '';
  #recipients: string[] = [];
  #inContent = false;
  #errors = 0;

  constructor(rules: ModelRules, sent: string) {
    this.#rules = rules;
    this.#sent = sent;
  }

  /** The legal codes of the next reply; null when none is due. */
  next(): readonly number[] | null {
    if (this.#over) return null;
    if (this.#inContent) return this.#content();
    this.#took = () => undefined;
    const { maxCommandLine, maxErrors } = this.#rules;
    const end = this.#sent.indexOf('\r\n', this.#at);
    const length = end < 0 ? this.#sent.length - this.#at : end + 2 - this.#at;
    const flood = length > maxCommandLine + 131_072;
    if (end < 0) return flood ? ((this.what = 'a flood'), [421]) : null;
    const line = this.#sent.slice(this.#at, end);
    this.#at = end + 2;
    this.what = JSON.stringify(line.slice(0, 100));
    if (flood) return [421, 500];
    const legal = length > maxCommandLine || line.includes('\n') ? [500] : this.#command(line);
    if (this.#errors < maxErrors) return legal;
    const rest = legal.filter((code) => !ERRORS.includes(code) || code === 554);
    return rest.length < legal.length || legal.includes(554) ? [...rest, 421] : rest;
  }

  /** The reply was this one. */
  took(reply: Reply): void {
    if (isError(reply)) this.#errors++;
    if (reply.code === 421) this.#over = true;
    this.#took(reply.code);
  }

  #command(line: string): readonly number[] {
    const [, word = '', args = ''] = /^([^ \t]*)[ \t]*([^]*?)[ \t]*$/.exec(line)!;
    const verb = word.toUpperCase();
    const clean = !/[\x00-\x1f\x7f]/.test(args);
    if (this.#rules.tls === 'require' && 'MAIL DATA BDAT VRFY EXPN AUTH'.split(' ').includes(verb))
      return [530];
    switch (verb) {
      case 'MAIL':
        return this.#mail(args);
      case 'RCPT':
        return this.#rcpt(args);
      case 'LHLO':
      case 'AUTH':
      case 'BDAT':
      case 'EXPN':
        return clean ? [500, 502, 503, 504] : [500, 501];
    }
    if (/^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PRI) /i.test(line)) return [421];
    if (/^[A-Z-]+:|^PROXY /i.test(line)) return [500, 421];
    if (verb === 'XCLIENT' || verb === 'XFORWARD')
      return clean ? [this.#errors < this.#rules.maxErrors ? 550 : 421] : [500, 501];
    if (!/^(?:HELO|EHLO|DATA|RSET|NOOP|QUIT|VRFY|HELP|STARTTLS)$/.test(verb)) return [500];
    return clean ? this.#plain(verb, args) : [500, 501];
  }

  #plain(verb: string, args: string): readonly number[] {
    switch (verb) {
      case 'NOOP':
        return [250];
      case 'HELP':
        return [214];
      case 'VRFY':
        return args === '' ? [501] : [252];
      case 'DATA':
        return this.#data(args);
      case 'STARTTLS':
        if (this.#rules.tls === 'off') return [502];
        if (args !== '') return [501];
        this.#took = () => (this.#over = true);
        return this.#at < this.#sent.length ? [220, 421] : [220];
      case 'HELO':
      case 'EHLO': {
        if (!/^[\x21-\x7e]{1,255}$/.test(args)) return [501];
        this.#took = (code) => {
          this.#open = false;
          this.#helo = code === 250;
        };
        return [this.#rules.policy.helo(args)];
      }
    }
    if (args !== '') return [501];
    if (verb === 'QUIT') this.#took = () => (this.#over = true);
    else this.#took = () => (this.#open = false);
    return [verb === 'QUIT' ? 221 : 250];
  }

  #mail(args: string): readonly number[] {
    if (!this.#helo || this.#open) return /[\x00-\x1f\x7f]/.test(args) ? [500, 501, 503] : [503];
    this.#took = (code) => {
      if (code !== 250) return;
      this.#open = true;
      this.#tried = false;
      this.#sender = args.slice(5).trimStart();
      this.#recipients = [];
    };
    if (!/^from: *</i.test(args) || /[\x00-\x1f\x7f]/.test(args)) return [500, 501, 555];
    const [, address, text = ''] = GOOD_MAIL.exec(args) ?? [];
    if (address === undefined) return [250, 501, 552, 553, 555, ...REFUSED];
    const parameters = text.split(' ').slice(1);
    const names = new Set(parameters.map((p) => p.split('=')[0]!.toUpperCase()));
    if (names.size < parameters.length || !parameters.every((p) => MAIL_PARAMETER.test(p))) return [501, 555];
    const size = Number(/ SIZE=(\d+)/i.exec(text)?.[1] ?? 0);
    return size > this.#rules.maxMessageSize ? [552] : [this.#rules.policy.mail(address)];
  }

  #rcpt(args: string): readonly number[] {
    if (!this.#open) return this.#rules.tls === 'require' ? [530] : [503];
    if (/^to:/i.test(args)) this.#tried = true;
    this.#took = (code) => {
      if (code === 250) this.#recipients.push(args.slice(3).trimStart());
    };
    if (!/^to: *</i.test(args) || /[\x00-\x1f\x7f]/.test(args)) return [500, 501, 555];
    const full = this.#recipients.length >= this.#rules.maxRecipients;
    const [, address, text = ''] = GOOD_RCPT.exec(args) ?? [];
    if (address === undefined) return [full ? 452 : 250, 501, 553, 555, ...REFUSED];
    const parameters = text.split(' ').slice(1);
    if (parameters.length > 1 || !parameters.every((p) => RCPT_PARAMETER.test(p))) return [501, 555];
    return [full ? 452 : this.#rules.policy.rcpt(address)];
  }

  #data(args: string): readonly number[] {
    if (args !== '') return [501];
    if (!this.#open) return [503];
    if (this.#recipients.length === 0) return [this.#tried ? 554 : 503];
    this.#took = (code) => {
      this.#inContent = code === 354;
      if (code !== 354) this.#open = false;
    };
    return [this.#rules.policy.data(this.#sender)];
  }

  #content(): readonly number[] | null {
    this.what = 'content';
    const empty = this.#sent.startsWith('.\r\n', this.#at);
    const end = empty ? this.#at : this.#sent.indexOf('\r\n.\r\n', this.#at) + 2;
    if (!empty && end === 1) return null;
    const raw = this.#sent.slice(this.#at, end);
    this.#at = end + 3;
    const lines = raw.split('\r\n').map((line) => (line.startsWith('.') ? line.slice(1) : line));
    const { bareLineEnds, maxMessageSize, policy } = this.#rules;
    const normalise = bareLineEnds === 'normalise';
    const text = lines.map((line) => (normalise ? line.replaceAll(/[\r\n]/g, '\r\n') : line)).join('\r\n');
    this.#took = (code) => {
      this.#open = this.#inContent = false;
      if (code !== 250) return;
      this.messages.push({ sender: this.#sender, recipients: this.#recipients, content: text });
    };
    const faults: number[] = [];
    if (raw.includes('\0') || (!normalise && /(?<!\r)\n|\r(?!\n)/.test(raw))) faults.push(550);
    if (text.length > maxMessageSize) faults.push(552);
    return faults.length > 0 ? faults : [policy.content(text)];
  }
}
