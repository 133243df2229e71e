/** Made-up data in the shapes of the API, the same for the same number: for tests of the pages that need much of it, or hostile text. */

/** Texts that a stranger may put wherever he writes; each would show itself if it were obeyed. */
export const HOSTILE = [
  '<img src=x onerror="alarm(1)">',
  '"><script>alarm(2)</script>',
  'javascript:alarm(3)',
  '{{constructor.constructor("alarm(4)")()}} ${alarm(5)}',
  '\u202egnp.exe\u202c \u0007\u001b[31m\u200b',
] as const;
const EVERYTHING = HOSTILE.join(' ');

const OUTCOMES = [
  'accepted',
  'accepted',
  'accepted',
  'accepted',
  'rejected',
  'held',
  'tempfailed',
  'discarded',
  'accepted',
  'aborted',
];
const REPLIES: Readonly<Record<string, string>> = {
  accepted: '250 2.0.0 queued as',
  rejected: '550 5.7.1 Spam message rejected',
  held: '250 2.0.0 queued as',
  tempfailed: '451 4.7.1 Greylisted, please try again later',
  discarded: '250 2.0.0 queued as',
  aborted: '421 4.4.2 connection lost',
};
const SUBJECTS = [
  'Invoice 4711 for November',
  'Re: Meeting on Thursday',
  'Your order has shipped',
  'Quarterly report',
  'Welcome aboard',
  'Password reset',
  'Grüße aus München',
  '会議の議事録',
];
const DOMAINS = ['example.org', 'example.net', 'mail.example.com', 'shop.example', 'university.example'];

/** Where the clock of the fixture stands. */
export const NOW = Date.now();

export const idOf = (n: number): string => n.toString(36).padStart(16, '0');
const pick = <T>(list: readonly T[], n: number): T => list[n % list.length]!;

/** Row `n` of the history; the larger the number the newer. `text` stands in every place a stranger writes. */
export function historyRow(n: number, total: number, text?: string): Record<string, unknown> {
  const outcome = pick(OUTCOMES, n * 7 + (n >> 3));
  const at = NOW - (total - n) * 3100;
  const ms = 14 + ((n * 37) % 90);
  const reply = REPLIES[outcome]!.replace('queued as', `queued as ${idOf(n)}`);
  const local = pick(['anna', 'bernd', 'carla', 'dmitri', 'eva'], n * 3);
  return {
    id: idOf(n),
    session: `s${idOf(n)}`,
    part: 1,
    at,
    listener: n % 5 === 0 ? 'submission' : 'smtp',
    client: `192.0.2.${n % 250}`,
    clientName: text ?? `mx${n % 9}.${pick(DOMAINS, n)}`,
    helo: text ?? `mx${n % 9}.${pick(DOMAINS, n)}`,
    tls: n % 3 === 0 ? '' : 'TLSv1.3 TLS_AES_256_GCM_SHA384',
    user: '',
    from: text ?? `${local}@${pick(DOMAINS, n)}`,
    to: text
      ? [text, text]
      : [`${pick(['office', 'sales', 'support'], n)}@example.com`, 'team@example.com'].slice(0, 1 + (n % 2)),
    recipients: 1 + (n % 2),
    subject: text ?? pick(SUBJECTS, n),
    size: 900 + ((n * 7919) % 400_000),
    outcome,
    reply: text ?? reply,
    by: outcome === 'accepted' ? '' : (text ?? 'rspamd'),
    filters: [
      {
        name: text ?? 'rspamd',
        verdict: verdictOf(outcome),
        ms: ms * 0.6,
        edits: ['addHeader', 'addHeader'],
        error: text ?? '',
      },
      { name: 'clamav', verdict: 'continue', ms: ms * 0.2, edits: [], error: '' },
    ],
    ms,
    acceptMs: ms * 0.7,
    filterMs: ms * 0.8,
    changed: true,
    delivery: [
      {
        recipient: text ?? 'office@example.com',
        state: n % 11 === 0 ? 'deferred' : 'delivered',
        at: at + 900,
        reply: text ?? '250 2.0.0 Ok',
        hop: text ?? '10.0.0.5:25',
        attempts: 1,
      },
    ],
  };
}

function verdictOf(outcome: string): string {
  return (
    { rejected: 'reject', held: 'quarantine', tempfailed: 'tempfail', discarded: 'discard' }[outcome] ??
    'continue'
  );
}

export function conversationLine(n: number, total: number, text?: string): Record<string, unknown> {
  const row = historyRow(n, total, text);
  return {
    cursor: idOf(n),
    session: row['session'],
    part: 1,
    id: row['id'],
    at: row['at'],
    client: row['client'],
    listener: row['listener'],
    from: row['from'],
    rcpt: (row['to'] as string[])[0],
    open: false,
    packets: 34,
    bytes: row['size'],
    ms: row['ms'],
    outcome: row['outcome'],
    milters: text ? [text] : ['rspamd', 'clamav'],
    slowest: 12 + (n % 40),
    errors: n % 9 === 0 ? 1 : 0,
    dropped: n % 13 === 0 ? 40_960 : 0,
    pinned: n % 17 === 0,
  };
}

const base64 = (text: string): string => Buffer.from(text, 'latin1').toString('base64');
const u32 = (...numbers: readonly number[]): string =>
  numbers
    .map((n) => String.fromCharCode((n >>> 24) & 255, (n >>> 16) & 255, (n >>> 8) & 255, n & 255))
    .join('');

/** The packets of one conversation with two filters. */
export function packets(text?: string): Record<string, unknown>[] {
  const rows: Record<string, unknown>[] = [];
  let at = 0;
  const add = (after: number, lane: string, code: string, summary: string, more: object = {}): void => {
    at += after;
    const kind = code.startsWith('SMFI') ? 'milter' : lane === 'gateway' ? 'decision' : 'smtp';
    const direction =
      code.startsWith('SMFIR') || (lane === 'client' && !/^\d/.test(code)) ? 'received' : 'sent';
    rows.push({
      n: rows.length + 1,
      part: rows.length < 12 ? 0 : 1,
      at,
      delta: after,
      lane,
      direction,
      kind,
      code,
      summary: text ?? summary,
      fields: [],
      bytes: summary.length,
      waited: null,
      data: base64(summary),
      cut: 0,
      note: '',
      ...more,
    });
  };
  add(0.1, 'client', '220', '220 mx.example.com ESMTP Millrace');
  for (const lane of ['rspamd', 'clamav']) {
    add(0.4, lane, 'SMFIC_OPTNEG', 'version 6, 9 actions, 21 protocol bits', {
      data: base64('O' + u32(6, 0x1ff, 0x1fffff)),
      bytes: 13,
    });
    add(1.3, lane, 'SMFIR_OPTNEG', 'version 6, may add and change header fields', {
      data: base64('O' + u32(6, lane === 'rspamd' ? 0x3f : 0x31, lane === 'rspamd' ? 0x100600 : 0x7)),
      bytes: 13,
      waited: 1.3,
      fields: lane === 'rspamd' ? [{ name: 'macros at mail', value: 'i {auth_type}' }] : [],
    });
  }
  add(0.2, 'rspamd', 'SMFIC_MACRO', 'for CONNECT', {
    fields: [
      { name: 'j', value: 'mx.example.com' },
      { name: '{daemon_name}', value: 'smtp' },
      { name: '_', value: text ?? 'mx3.example.net [192.0.2.7]' },
    ],
  });
  add(0.1, 'rspamd', 'SMFIC_CONNECT', '192.0.2.7 port 52114');
  add(2.1, 'rspamd', 'SMFIR_CONTINUE', 'go on', { waited: 2.1 });
  add(3, 'client', 'EHLO', 'EHLO mx3.example.net');
  add(0.2, 'client', '250', '250-mx.example.com, 8 extensions');
  add(4, 'client', 'MAIL', 'MAIL FROM:<anna@example.net> SIZE=5120', {
    fields: [{ name: 'sender', value: text ?? '<anna@example.net>' }],
  });
  for (const lane of ['rspamd', 'clamav']) {
    add(0.1, lane, 'SMFIC_MACRO', 'for MAIL', {
      fields: [
        { name: 'i', value: '0000000000002bio' },
        { name: '{mail_addr}', value: text ?? 'anna@example.net' },
      ],
    });
    add(0.1, lane, 'SMFIC_MAIL', '<anna@example.net>', {
      fields: [
        { name: 'sender', value: text ?? '<anna@example.net>' },
        { name: 'argument', value: 'SIZE=5120' },
      ],
    });
  }
  add(3.1, 'rspamd', 'SMFIR_CONTINUE', 'go on', { waited: 3.2 });
  add(0.4, 'clamav', 'SMFIR_CONTINUE', 'go on', { waited: 3.6 });
  add(0.1, 'client', '250', '250 2.1.0 Ok');
  add(2, 'client', 'RCPT', 'RCPT TO:<office@example.com>');
  add(0.1, 'rspamd', 'SMFIC_RCPT', '<office@example.com>');
  add(1.2, 'rspamd', 'SMFIR_CONTINUE', 'go on', { waited: 1.2 });
  add(0.1, 'client', '250', '250 2.1.5 Ok');
  add(2, 'client', 'DATA', 'DATA');
  add(0.1, 'client', '354', '354 Go on');
  for (let i = 0; i < 9; i++)
    add(
      0.05,
      'rspamd',
      'SMFIC_HEADER',
      pick(
        [
          'Received: from mx3',
          'From: Anna',
          'To: Office',
          'Subject: Invoice',
          'Date: Tue',
          'Message-ID: <1@x>',
          'MIME-Version: 1.0',
          'Content-Type: text/plain',
          'X-Mailer: x',
        ],
        i,
      ),
    );
  for (let i = 0; i < 5; i++)
    add(0.3, 'rspamd', 'SMFIC_BODY', '65,535 B of body', {
      bytes: 65_535,
      data: base64('Hello, here is the invoice. '.repeat(20)),
      cut: 65_000,
    });
  add(0.2, 'rspamd', 'SMFIC_BODYEOB', 'end of the message');
  add(18, 'rspamd', 'SMFIR_PROGRESS', 'still at work');
  add(15, 'rspamd', 'SMFIR_PROGRESS', 'still at work');
  add(9.4, 'rspamd', 'SMFIR_ADDHEADER', 'X-Spamd-Result: default: False [3.2 / 15.00]', {
    waited: 42.4,
    fields: [
      { name: 'name', value: 'X-Spamd-Result' },
      { name: 'value', value: text ?? 'default: False [3.20 / 15.00]' },
    ],
  });
  add(0.1, 'rspamd', 'SMFIR_CHGHEADER', 'Subject at 4', {
    note: text ?? 'there is no fourth Subject: the field was added at the end',
  });
  add(0.1, 'rspamd', 'SMFIR_REPLYCODE', '550 5.7.1 Spam message rejected', { waited: 0.2 });
  add(0.2, 'gateway', 'reject', 'rspamd refuses: 550 5.7.1 Spam message rejected');
  add(0.1, 'client', '550', '550 5.7.1 Spam message rejected');
  add(1, 'client', 'QUIT', 'QUIT');
  add(0.1, 'client', '221', '221 2.0.0 Bye');
  return rows;
}

export const HEADER = [
  'Received: from mx3.example.net (192.0.2.7)\r\n\tby mx.example.com; Tue, 1 Dec 2026 10:42:07 +0000',
  'DKIM-Signature: v=1; a=rsa-sha256; d=example.net; s=s1;\r\n\th=from:to:subject:date; bh=x; b=y',
  'From: Anna <anna@example.net>',
  'To: office@example.com',
  'Subject: Invoice 4711 for November',
  'Date: Tue, 1 Dec 2026 10:42:05 +0000',
  'Message-ID: <4711@example.net>',
  'MIME-Version: 1.0',
];

export function changes(text?: string): Record<string, unknown> {
  const join = (fields: readonly string[]): string =>
    Buffer.from(fields.join('\r\n') + '\r\n').toString('base64');
  const header = text ? [...HEADER, `X-Evil: ${text}`] : HEADER;
  const scored = [
    'X-Spamd-Result: default: False [3.20 / 15.00];\r\n\tBAYES_SPAM(2.10)[96.2%]; MIME_GOOD(-0.10)',
    ...header,
    `X-Spam-Score: ${text ?? '3.2'}`,
  ];
  const signed = scored.map((field) =>
    field.startsWith('Subject') ? `Subject: [EXTERN] ${text ?? 'Invoice 4711 for November'}` : field,
  );
  const body = `Hello,\r\n\r\nhere is the invoice.\r\n${text ?? ''}\r\nAnna\r\n`;
  const recipients = ['office@example.com', 'team@example.com'];
  return {
    id: idOf(1),
    original: {
      sender: text ?? 'anna@example.net',
      recipients,
      header: join(header),
      body: Buffer.from(body).toString('base64'),
      bodySize: body.length,
    },
    steps: [
      {
        milter: 'rspamd',
        edits: [],
        sender: text ?? 'anna@example.net',
        recipients,
        header: join(scored),
        body: null,
        bodySize: 0,
      },
      {
        milter: text ?? 'banner',
        edits: [],
        sender: 'bounce@example.com',
        recipients: [...recipients, 'archive@example.com'],
        header: join(signed),
        body: Buffer.from(`${body}--\r\nThis mail comes from outside.\r\n`).toString('base64'),
        bodySize: body.length + 40,
      },
    ],
  };
}

/** A whole mail with text and HTML, whatever they hold. */
export function mail(text = 'Hello, here is the invoice.'): string {
  return [
    ...HEADER.slice(0, 4),
    `Subject: ${text.replace(/[^\x20-\x7e]/g, '?')}`,
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=mix',
    '',
    '--mix',
    'Content-Type: multipart/alternative; boundary=alt',
    '',
    '--alt',
    'Content-Type: text/plain; charset=utf-8',
    '',
    text,
    'https://phish.example/click',
    '--alt',
    'Content-Type: text/html; charset=utf-8',
    '',
    `<html><head><script>parent.alarm(6)</script><style>body{background:url(http://outside.example/x)}</style></head><body onload="parent.alarm(7)"><p>${text}</p><img src="http://outside.example/pixel.png" onerror="parent.alarm(8)" alt="logo"><a href="javascript:parent.alarm(9)">click</a><form action="http://outside.example/"><input></form><iframe src="javascript:alarm(10)"></iframe><svg onload="alarm(11)"></svg></body></html>`,
    '--alt--',
    '--mix',
    `Content-Type: application/octet-stream; name="${text.replace(/[^\x20-\x7e]|"/g, '?')}"`,
    'Content-Disposition: attachment; filename="<img src=x onerror=alarm(12)>.exe"',
    '',
    'MZ',
    '--mix--',
    '',
  ].join('\r\n');
}

/** Everything hostile in one text. */
export const ALL_HOSTILE = EVERYTHING;
