/** Delivery to the hosts that DNS names: the whole gateway, a name server of the test, next hops on port 25 of loopback addresses. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { byteStringOf } from '#message';
import { startHop, type HopScript, type ScriptedHop } from '../src/smtp/client/scripted-hop.cases.ts';
import { Cleanup, tempFolder } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { startNameServer, type NameServer } from './support/name-server.ts';
import { needsRoot } from './support/processes.ts';
import { until } from './support/wait.ts';

const ROOT = {
  skip: needsRoot('name server and mail hosts on ports 53 and 25'),
};

interface Scene {
  readonly dns: NameServer;
  readonly gateway: House;
  /** Where notices to a@in.test come. */
  readonly mail: string;
  /** Sends one message; resolves when every recipient was tried once. Tells what became of each, by address. */
  readonly send: (...recipients: string[]) => Promise<Readonly<Record<string, string>>>;
}

/** A gateway that delivers by MX, with these keys of that route; `timeout` is that of `dns`. */
async function scene(
  cleanup: Cleanup,
  route: Readonly<Record<string, unknown>> = { allowLoopback: true },
  timeout = '250ms',
): Promise<Scene> {
  const dns = await startNameServer(cleanup, '127.0.0.60');
  const mail = await tempFolder(cleanup);
  const routes = [
    { match: "rcpt_domain == 'in.test'", via: 'maildir', to: join(mail, 'in') },
    { match: 'true', via: 'mx', ...route },
  ];
  const gateway = await house(cleanup, [], {
    delivery: { routes, retry: ['1h'] },
    dns: { servers: dns.address, timeout },
  });
  const send: Scene['send'] = async (...recipients) => {
    const from = gateway.heard.length;
    const session = await gateway.open();
    const utf8 = recipients.some((r) => /[\x80-\xff]/.test(r)) ? ' SMTPUTF8' : '';
    await session.expect(250, await session.command(`MAIL FROM:<a@in.test>${utf8}`));
    for (const to of recipients) await session.expect(250, await session.command(`RCPT TO:<${to}>`));
    await session.expect(354, await session.command('DATA'));
    await session.expect(250, await session.command('Subject: by mx\r\n\r\nhello\r\n.'));
    await session.quit();
    return until('every recipient to be tried', 15_000, () => {
      const told = gateway.heard
        .slice(from)
        .filter(({ name }) => /^delivery\.(?:delivered|failed|deferred)$/.test(name))
        .map(
          ({ name, fields }) =>
            [fields['to'] as string, `${name.slice(9)} ${fields['status'] as string}`] as const,
        );
      // Notices to the sender go out meanwhile.
      const became = Object.fromEntries(told.filter(([to]) => recipients.includes(to)));
      return recipients.every((r) => became[r] !== undefined) && became;
    });
  };
  return { dns, gateway, mail, send };
}

/** A mail host on port 25. */
async function mailHost(cleanup: Cleanup, address: string, script: HopScript = {}): Promise<ScriptedHop> {
  const hop = await startHop({ address, port: 25, ...script });
  cleanup.after(() => hop.close());
  return hop;
}

/** `failed 550 5.1.2` of `failed 550 5.1.2 there is no ...`. */
const short = (became: string | undefined): string => /^\w+ \d{3} [\d.]+/.exec(became ?? '')?.[0] ?? '';

test(
  'Q07: what DNS says of a domain decides: refused for good, tried again, or delivered',
  ROOT,
  async (t) => {
    const cleanup = new Cleanup(t);
    const { dns, mail, send } = await scene(cleanup);
    const hop = await mailHost(cleanup, '127.0.0.71');
    dns.names.set('mx.hop.test', '127.0.0.71').set('real.hop.test', '127.0.0.71');
    dns.mx
      .set('null.test', ['0 .'])
      .set('servfail.test', ['servfail'])
      .set('silent.test', ['silent'])
      .set('alias.test', ['10 www.hop.test'])
      .set('noaddress.test', ['10 empty.test', '20 missing.test'])
      .set('sickhost.test', ['10 sick.hop.test'])
      .set('plain.test', ['10 mx.hop.test']);
    dns.aliases.set('www.hop.test', 'real.hop.test').set('other-name.test', 'plain.test');
    dns.names
      .set('empty.test', '')
      .set('sick.hop.test', 'servfail')
      .set('aonly.test', '127.0.0.71')
      .set('nothing.test', '');
    const domains = [...dns.mx.keys(), 'other-name.test', 'aonly.test', 'nothing.test', 'nxdomain.test'];
    const became = await send(...domains.map((d) => `u@${d}`));
    const shown = Object.fromEntries(Object.entries(became).map(([to, what]) => [to.slice(2), short(what)]));
    assert.deepEqual(shown, {
      'nxdomain.test': 'failed 550 5.1.2',
      'null.test': 'failed 556 5.1.10',
      'servfail.test': 'deferred 451 4.4.3',
      'silent.test': 'deferred 451 4.4.3',
      'alias.test': 'delivered 250 2.0.0',
      'noaddress.test': 'failed 550 5.4.4',
      'sickhost.test': 'deferred 451 4.4.3',
      'plain.test': 'delivered 250 2.0.0',
      'other-name.test': 'delivered 250 2.0.0',
      'aonly.test': 'delivered 250 2.0.0',
      'nothing.test': 'failed 550 5.4.4',
    });
    assert.equal(hop.delivered.length, 4);
    const notice = await arrived(mail, 'the notice', ({ text }) => text.includes('multipart/report'), 5000);
    const said = [...notice.text.matchAll(/^Status: ([\d.]+)/gm)].map(([, code]) => code);
    assert.deepEqual(
      said.toSorted((a, b) => (a! < b! ? -1 : 1)),
      ['5.1.10', '5.1.2', '5.4.4', '5.4.4'],
    );
  },
);

test('Q07: of 50 hosts no more than the documented number is looked up and tried', ROOT, async (t) => {
  const cleanup = new Cleanup(t);
  const { dns, gateway, send } = await scene(cleanup);
  const hosts = Array.from({ length: 50 }, (_, i) => `a-rather-long-name-${i + 1}.many.test`);
  dns.mx.set(
    'many.test',
    hosts.map((h, i) => `${i + 1} ${h}`),
  ); // too long for UDP
  hosts.forEach((h, i) => dns.names.set(h, `127.0.0.${100 + i}`));
  const eleventh = await mailHost(cleanup, '127.0.0.110');
  const became = await send('u@many.test');
  assert.equal(short(became['u@many.test']), 'deferred 451 4.4.1');
  const tried = gateway.heard.filter((h) => h.name === 'delivery.hop-trouble').map((h) => h.fields['hop']);
  assert.deepEqual(tried, hosts.slice(0, 10));
  assert.equal(dns.questions.filter((q) => q.startsWith('A ')).length, 10);
  assert.equal(eleventh.sessions.length, 0);
});

test('Q07 P24: we ourselves and whoever is not better are never connected to', ROOT, async (t) => {
  const cleanup = new Cleanup(t);
  const { dns, gateway, send } = await scene(cleanup);
  const better = await mailHost(cleanup, '127.0.0.71');
  const worse = await mailHost(cleanup, '127.0.0.72');
  dns.names
    .set('better.test', '127.0.0.71')
    .set('worse.test', '127.0.0.72')
    .set('down.test', '127.0.0.73')
    .set('mx.test', '127.0.0.99') // our name, at an address that is not known to be ours
    .set('alias.of.us.test', '127.0.0.1')
    .set('a-is-us.test', '127.0.0.1');
  dns.mx
    .set('lowest.test', ['5 alias.of.us.test', '10 worse.test'])
    .set('named.test', ['5 mx.test', '10 worse.test'])
    .set('higher.test', ['20 MX.Test', '20 worse.test', '10 better.test', '30 worse.test'])
    .set('backup.test', ['10 down.test', '20 alias.of.us.test', '30 worse.test']);
  const became = await send(
    ...['lowest', 'named', 'higher', 'backup', 'a-is-us'].map((d) => `u@${d}.test`),
    'u@[127.0.0.1]',
  );
  assert.equal(short(became['u@lowest.test']), 'failed 554 5.4.6');
  assert.equal(short(became['u@named.test']), 'failed 554 5.4.6');
  assert.equal(short(became['u@higher.test']), 'delivered 250 2.0.0');
  assert.equal(short(became['u@backup.test']), 'deferred 451 4.4.1');
  assert.equal(short(became['u@a-is-us.test']), 'failed 554 5.4.6');
  assert.equal(short(became['u@[127.0.0.1]']), 'failed 554 5.4.6');
  assert.equal(better.delivered.length, 1);
  assert.equal(worse.sessions.length, 0);
  assert.ok(gateway.heard.some((h) => h.name === 'delivery.mail-host-skipped'));
});

test('Q07: addresses inside this machine are refused unless allowed', ROOT, async (t) => {
  const cleanup = new Cleanup(t);
  const hop = await mailHost(cleanup, '127.0.0.71');
  const records = (dns: NameServer): void => {
    dns.names.set('in.hop.test', '127.0.0.71').set('zero.hop.test', '0.0.0.0').set('six.hop.test', '::1 ::');
    dns.mx.set('loop.test', ['10 in.hop.test']).set('zero.test', ['10 zero.hop.test', '20 six.hop.test']);
  };
  const strict = await scene(cleanup, {});
  records(strict.dns);
  const refused = await strict.send('u@loop.test', 'u@zero.test', 'u@[127.0.0.71]', 'u@[IPv6:::1]');
  assert.deepEqual([...new Set(Object.values(refused).map(short))], ['failed 550 5.4.4']);
  assert.equal(hop.sessions.length, 0);

  const open = await scene(cleanup);
  records(open.dns);
  const became = await open.send('u@loop.test', 'u@[127.0.0.71]', 'u@zero.test');
  assert.equal(short(became['u@loop.test']), 'delivered 250 2.0.0');
  assert.equal(short(became['u@[127.0.0.71]']), 'delivered 250 2.0.0');
  assert.notEqual(short(became['u@zero.test']), 'delivered 250 2.0.0');
  assert.equal(hop.delivered.length, 2);
});

test('trouble with a host goes to the next one, a refusal of the mail is final', ROOT, async (t) => {
  const cleanup = new Cleanup(t);
  const { dns, send } = await scene(cleanup);
  const first = await mailHost(cleanup, '127.0.0.71', {
    greeting: ({ number }) =>
      number === 1 ? '554 5.3.2 not today<close>' : number === 2 ? '421 4.3.2 busy<close>' : undefined,
    command: (line) => (line.startsWith('RCPT TO:<no@') ? '550 5.1.1 nobody here' : undefined),
  });
  const second = await mailHost(cleanup, '127.0.0.72');
  dns.names.set('one.test', '127.0.0.70 127.0.0.71').set('two.test', '127.0.0.72'); // nobody listens at .70
  for (const domain of ['greeting.test', 'busy.test', 'final.test'])
    dns.mx.set(domain, ['10 one.test', '20 two.test']);
  assert.equal(short((await send('u@greeting.test'))['u@greeting.test']), 'delivered 250 2.0.0');
  assert.equal(second.delivered.length, 1);
  // The second host is at hand now; a domain of other hosts begins with the first again.
  dns.mx.set('busy.test', ['10 one.test', '20 three.test']);
  dns.names.set('three.test', '127.0.0.72');
  assert.equal(short((await send('u@busy.test'))['u@busy.test']), 'delivered 250 2.0.0');
  assert.equal(first.delivered.length, 0);
  dns.mx.set('final.test', ['10 one.test', '20 four.test']);
  dns.names.set('four.test', '127.0.0.72');
  const became = await send('no@final.test', 'yes@final.test');
  assert.equal(short(became['no@final.test']), 'failed 550 5.1.1');
  assert.equal(short(became['yes@final.test']), 'delivered 250 2.0.0');
  assert.equal(first.delivered.length, 1);
  assert.equal(second.delivered.length, 2);
});

test(
  'recipients of one domain go in one transaction, domains with the same hosts over one connection',
  ROOT,
  async (t) => {
    const cleanup = new Cleanup(t);
    const { dns, send } = await scene(cleanup);
    const hop = await mailHost(cleanup, '127.0.0.71', { offers: ['PIPELINING', '8BITMIME', 'SMTPUTF8'] });
    dns.names.set('mx.shared.test', '127.0.0.71');
    for (const domain of ['one.test', 'two.test', 'xn--bcher-kva.test'])
      dns.mx.set(domain, ['10 mx.shared.test']);
    await send('a@one.test', 'b@ONE.test', 'c@one.test');
    assert.deepEqual(
      hop.delivered[0]?.rcpts.map((r) => /<(.*)>/.exec(r)?.[1]),
      ['a@one.test', 'b@ONE.test', 'c@one.test'],
    );
    await send('d@two.test');
    const idn = byteStringOf('e@bücher.test');
    assert.equal(short((await send(idn))[idn]), 'delivered 250 2.0.0');
    assert.equal(hop.delivered.length, 3);
    assert.equal(hop.sessions.length, 1);
    assert.equal(dns.questions.filter((q) => q === 'MX one.test').length, 1);
  },
);

test('a silent name server costs a domain its time, and no other mail', ROOT, async (t) => {
  const cleanup = new Cleanup(t);
  const { dns, gateway, send } = await scene(cleanup, undefined, '1500ms');
  await mailHost(cleanup, '127.0.0.71');
  dns.names.set('well.test', '127.0.0.71');
  dns.mx.set('silent.test', ['silent']);
  const slow = send('u@silent.test');
  const became = await send('u@well.test');
  assert.equal(short(became['u@well.test']), 'delivered 250 2.0.0');
  assert.ok(!gateway.heard.some((h) => h.fields['to'] === 'u@silent.test'));
  assert.equal(short((await slow)['u@silent.test']), 'deferred 451 4.4.3');
});
