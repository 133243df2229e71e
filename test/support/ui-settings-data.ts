/** Made-up settings, filters and figures in the shapes of the API; see ui-data.ts. */
import { idOf, NOW } from './ui-data.ts';

const iso = (ms: number): string => new Date(ms).toISOString();

export function milters(text?: string): Record<string, unknown>[] {
  const health = (state: string, more: object = {}): object => ({
    name: 'x',
    state,
    says: '',
    since: iso(NOW - 720_000),
    tries: 0,
    nextTry: null,
    lastError: text ?? '',
    lastErrorAt: null,
    pausedBy: '',
    pausedUntil: null,
    reason: '',
    version: 6,
    actions: ['ADDHDRS', 'CHGHDRS', 'QUARANTINE'],
    protocol: ['SKIP', 'HDR_LEADSPC'],
    inFlight: 2,
    idle: 4,
    p50: 8.2,
    p95: 41,
    p99: 120,
    messages: 4000,
    answers: { continue: 3512, reject: 320, quarantine: 41, tempfail: 127 },
    errors: { timeout: 2 },
    ...more,
  });
  const one = (
    index: number,
    name: string,
    settings: object,
    says: string,
    state: object,
  ): Record<string, unknown> => ({
    name,
    index,
    settings: { name, ...settings },
    effective: { stages: ['data'], useTls: false, parallel: false, ...settings },
    says,
    health: { ...state, name },
  });
  return [
    one(
      0,
      'rspamd',
      {
        hostname: '127.0.0.1',
        port: 11332,
        stages: ['connect', 'ehlo', 'mail', 'rcpt', 'data'],
        enable: { match: [{ if: "listener == 'smtp'", then: 'true' }], else: 'false' },
        timeoutData: '90s',
        parallel: true,
      },
      text ?? 'While this filter cannot be used, new mail gets 451 4.7.1 and its sender tries again later.',
      health('answering'),
    ),
    one(
      1,
      'clamav',
      {
        socket: '/run/clamav/clamav-milter.ctl',
        stages: ['connect', 'ehlo', 'mail', 'data'],
        onError: 'quarantine',
        parallel: true,
      },
      'While this filter cannot be used, mail is accepted and held.',
      health('unreachable', {
        tries: 3,
        nextTry: iso(NOW + 20_000),
        lastError: text ?? 'connect ENOENT /run/clamav/clamav-milter.ctl',
        errors: { connect: 3 },
      }),
    ),
    one(
      2,
      'opendkim',
      { hostname: '127.0.0.1', port: 8891, tempFailOnError: false },
      'While this filter cannot be used, mail passes unfiltered.',
      health('paused', {
        pausedBy: text ?? 'eva',
        pausedUntil: iso(NOW + 3_600_000),
        reason: text ?? 'key roll-over',
      }),
    ),
  ];
}

export const CONFIG = `# The gateway of example.com
hostname: mx.example.com
stateDir: /var/lib/millrace
listeners:
  - name: smtp
    bind: 0.0.0.0:25
    relay: { domains: [example.com] }
milters:
  - name: rspamd # spam
    hostname: 127.0.0.1
    port: 11332
    stages: [connect, ehlo, mail, rcpt, data]
    timeoutData: 90s
delivery:
  routes:
    - { match: 'true', via: smtp, to: 10.0.0.5 }
admin:
  bind: 127.0.0.1:8025
`;

export const DIFF = `--- millrace.yaml
+++ millrace.yaml
@@ -9,7 +9,8 @@
   - name: rspamd # spam
     hostname: 127.0.0.1
     port: 11332
-    timeoutData: 90s
+    timeoutData: 2m
+    onError: quarantine
 delivery:
`;

export function overview(text?: string): Record<string, unknown> {
  return {
    now: NOW,
    hostname: 'mx.example.com',
    version: '0.1.0',
    perMinute: Array.from({ length: 60 }, (_, i) => {
      const busy = 60 + Math.round(40 * Math.sin(i / 7)) + ((i * 13) % 17);
      return {
        at: NOW - (59 - i) * 60_000,
        accepted: busy,
        rejected: 8 + ((i * 7) % 11),
        tempfailed: (i * 3) % 6,
        held: (i * 5) % 3,
        discarded: i % 9 === 0 ? 2 : 0,
      };
    }),
    accept: { p50: 21, p95: 64, p99: 180 },
    queue: { messages: 312, held: 14, deferred: 87, oldest: 9_400_000 },
    milters: milters(text).map(({ name, health }) => {
      const { state, p95, answers } = health as { state: string; p95: number; answers: object };
      return { name: text ?? name, state, p95, errors: state === 'unreachable' ? 3 : 0, answers };
    }),
    failures: [
      {
        at: NOW - 60_000,
        text: text ?? 'clamav cannot be reached: there is no socket /run/clamav/clamav-milter.ctl',
      },
      {
        at: NOW - 240_000,
        text: text ?? '10.0.0.5:25 put off 12 messages: 452 4.3.1 Insufficient system storage',
      },
      { at: NOW - 900_000, text: 'A client at 198.51.100.9 was refused: too many connections' },
    ],
    configChanged: { at: NOW - 180_000, by: text ?? 'eva' },
    certificates: [
      { name: 'mx.example.com', daysLeft: 61 },
      { name: 'submission.example.com', daysLeft: 12 },
    ],
    spoolFree: 41_200_000_000,
    loopDelay: 1.4,
  };
}

export function entry(n: number, state: string, text?: string): Record<string, unknown> {
  return {
    id: idOf(n),
    state,
    receivedAt: iso(NOW - n * 61_000),
    size: 2000 + n * 131,
    sender: text ?? 'anna@example.net',
    recipients: [
      {
        address: text ?? `user${n}@example.${n % 3 === 0 ? 'org' : 'com'}`,
        state: 'pending',
        attempts: state === 'queued' ? 3 : 0,
        lastError: text ?? (state === 'queued' ? '452 4.3.1 Insufficient system storage' : ''),
      },
    ],
    attempts: state === 'queued' ? 3 : 0,
    nextAttempt: iso(NOW + 400_000),
    expiresAt: iso(NOW + 400_000_000),
    lastError: text ?? (state === 'queued' ? '10.0.0.5:25: 452 4.3.1 Insufficient system storage' : ''),
    hold:
      state === 'held'
        ? { reason: text ?? 'Eicar-Test-Signature FOUND', by: 'clamav', since: iso(NOW - n * 60_000) }
        : null,
  };
}

export function held(n: number, text?: string): Record<string, unknown> {
  return {
    id: idOf(n),
    receivedAt: iso(NOW - n * 60_000),
    since: iso(NOW - n * 60_000),
    expiresAt: iso(NOW + 500_000_000),
    reason: text ?? (n % 3 === 0 ? 'Eicar-Test-Signature FOUND' : 'spam score 9.1'),
    by: text ?? (n % 3 === 0 ? 'clamav' : 'rspamd'),
    sender: text ?? 'anna@example.net',
    from: text ?? 'Anna <anna@example.net>',
    subject: text ?? `Invoice ${4000 + n}`,
    to: text ? [text] : ['office@example.com', 'team@example.com'],
    recipients: text ? 1 : 2,
    size: 4000 + n,
    client: '192.0.2.7',
    clientName: text ?? 'mx3.example.net',
    listener: 'smtp',
    user: '',
    malware: n % 3 === 0,
    note: text ?? '',
    noteBy: '',
  };
}

/** What was counted of a filter: an hour in which it became slow. */
export function figures(text?: string): object {
  const bounds = [0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000, 30_000, 60_000];
  const minutes = Array.from({ length: 60 }, (_, i) => ({
    at: NOW - (59 - i) * 60_000,
    counts: [...bounds, 0].map((_bound, row) => {
      const middle = 4 + 6 * (i / 60) ** 3;
      return Math.round(Math.max(0, 60 * Math.exp(-((row - middle) ** 2) / 2) - 1));
    }),
  }));
  return {
    waits: { bounds, minutes },
    stages: ['mail', 'rcpt', 'eom'].map((stage) => ({
      stage,
      answers: { continue: 3512, reject: 320 },
      p50: 3.1,
      p95: 41,
      p99: 120,
    })),
    edits: [{ edit: 'add_header', made: 3512, refused: 2 }],
    errors: [{ kind: 'data_timeout', count: 2, last: text ?? 'no answer within 60000 ms', at: iso(NOW) }],
    unsent: { skip: 41_000_000, unwanted: 0, decided: 1_200_000 },
    sentBytes: 310_000_000,
    receivedBytes: 1_900_000,
  };
}
