import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MailDomain } from './mail-domain.ts';
import { findHosts, LONGEST_KEPT, MAX_ADDRESSES, MAX_HOSTS } from './find-hosts.ts';
import type { Found, HostSearch } from './find-hosts.ts';
import { mx, searchOf } from './rig.cases.ts';
import type { Zone } from './rig.cases.ts';

const D: Exclude<MailDomain, { kind: 'nowhere' }> = { kind: 'domain', name: 'd.test' };

const find = (zone: Zone, more: Partial<HostSearch> = {}): Promise<Found> =>
  findHosts(D, searchOf(zone, more));

/** `mx1.test 192.0.2.1 2001:db8::1` per host, or code and enhanced code. */
function shown(found: Found): readonly string[] | string {
  if ('status' in found) return `${found.status.code} ${found.status.enhanced}`;
  return found.hosts.map((h) => [h.name, ...h.addresses].join(' '));
}

const US = (...addresses: string[]) => ({
  ourselves: { hostname: 'Us.Test', isOwn: (a: string) => addresses.includes(a) },
});

test('hosts come in order of preference, each with IPv4 before IPv6', async () => {
  const zone = {
    mx: { 'd.test': mx('20 B.test.', '5 a.test', '10 c.test') },
    a: { 'a.test': ['192.0.2.1', '192.0.2.2'], 'b.test': ['192.0.2.3'] },
    aaaa: { 'a.test': ['2001:DB8:0::1'], 'c.test': ['2001:db8::2'] },
  };
  assert.deepEqual(shown(await find(zone)), [
    'a.test 192.0.2.1 192.0.2.2 2001:db8::1',
    'c.test 2001:db8::2',
    'b.test 192.0.2.3',
  ]);
});

test('equal hosts are drawn by lot', async () => {
  const zone = {
    mx: { 'd.test': mx('5 a.test', '5 b.test', '1 c.test') },
    a: { 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'], 'c.test': ['192.0.2.3'] },
  };
  const lots = [0.9, 0.1, 0.5];
  const found = await find(zone, { random: () => lots.shift()! });
  assert.deepEqual(shown(found), ['c.test 192.0.2.3', 'b.test 192.0.2.2', 'a.test 192.0.2.1']);
});

test('a domain without MX is its own host, also with IPv6 alone', async () => {
  assert.deepEqual(shown(await find({ a: { 'd.test': ['192.0.2.1'] } })), ['d.test 192.0.2.1']);
  assert.deepEqual(shown(await find({ aaaa: { 'd.test': ['2001:db8::1'] } })), ['d.test 2001:db8::1']);
});

test('with MX records the addresses of the domain itself count for nothing', async () => {
  const zone = { mx: { 'd.test': mx('10 gone.test') }, a: { 'd.test': ['192.0.2.1'] } };
  assert.equal(shown(await find(zone)), '550 5.4.4');
});

test('no domain, null MX, and hosts without an address are refused for good; no word is temporary', async () => {
  assert.equal(shown(await find({})), '550 5.1.2');
  assert.equal(shown(await find({ mx: { 'd.test': mx('0 .') } })), '556 5.1.10');
  assert.equal(shown(await find({ mx: { 'd.test': mx('10 a.test') }, aaaa: { 'a.test': [] } })), '550 5.4.4');
  assert.equal(shown(await find({ mx: { 'd.test': 'ENODATA' } })), '550 5.4.4');
  for (const code of ['ESERVFAIL', 'ETIMEOUT', 'EREFUSED', 'ECONNREFUSED', 'EBADRESP', 'ECANCELLED'])
    assert.equal(shown(await find({ mx: { 'd.test': code } })), '451 4.4.3', code);
});

test('a host nobody can tell the address of makes it temporary only when no other host is left', async () => {
  const records = { 'd.test': mx('10 sick.test', '20 well.test') };
  const a = { 'sick.test': 'ESERVFAIL', 'well.test': ['192.0.2.1'] };
  assert.deepEqual(shown(await find({ mx: records, a })), ['well.test 192.0.2.1']);
  assert.equal(shown(await find({ mx: records, a: { 'sick.test': 'ETIMEOUT' } })), '451 4.4.3');
  // One family answered: that is enough.
  const half = { mx: { 'd.test': mx('10 a.test') }, a: { 'a.test': ['192.0.2.1'] } };
  assert.deepEqual(shown(await find({ ...half, aaaa: { 'a.test': 'ESERVFAIL' } })), ['a.test 192.0.2.1']);
});

test('a null MX beside others, a host that is no name and one that is an address are passed over', async () => {
  const records = mx('0 .', '1 bad(name', '2 192.0.2.9', '3 a.test');
  const search = searchOf({ mx: { 'd.test': records }, a: { 'a.test': ['192.0.2.1'] } });
  assert.deepEqual(shown(await findHosts(D, search)), ['a.test 192.0.2.1']);
  assert.deepEqual(search.resolver.asked, ['MX d.test', 'A a.test', 'AAAA a.test']);
  assert.equal(search.heard.length, 3);
});

test('of many hosts the best few are looked up, of many addresses the first few are kept', async () => {
  const many = Array.from({ length: 50 }, (_, i) => `${50 - i} h${50 - i}.test`);
  const a = Object.fromEntries(
    many.map((_, i) => [`h${i + 1}.test`, [1, 2, 3].map((n) => `192.0.${n}.${i}`)]),
  );
  const search = searchOf({ mx: { 'd.test': mx(...many) }, a });
  const found = await findHosts(D, search);
  assert.ok('hosts' in found);
  assert.deepEqual(
    found.hosts.map((h) => h.name),
    ['h1', 'h2', 'h3', 'h4', 'h5', 'h6', 'h7'].map((h) => `${h}.test`),
  );
  assert.equal(found.hosts.flatMap((h) => h.addresses).length, MAX_ADDRESSES);
  assert.equal(search.resolver.asked.filter((q) => q.startsWith('A ')).length, MAX_HOSTS);

  const eleven = Array.from({ length: 11 }, (_, i) => `${i} s${i}.test`);
  const single = Object.fromEntries(eleven.map((_, i) => [`s${i}.test`, [`192.0.2.${i}`]]));
  for (const [count, kept] of [
    [1, 1],
    [10, 10],
    [11, 10],
  ] as const) {
    const hosts = await find({ mx: { 'd.test': mx(...eleven.slice(0, count)) }, a: single });
    assert.equal(shown(hosts).length, kept);
  }
});

test('an address that several hosts have is tried once', async () => {
  const a = { 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.1', '192.0.2.2'], 'c.test': ['192.0.2.2'] };
  const records = { 'd.test': mx('1 a.test', '2 b.test', '3 c.test') };
  assert.deepEqual(shown(await find({ mx: records, a })), ['a.test 192.0.2.1', 'b.test 192.0.2.2']);
});

test('we ourselves and whoever is not better are dropped, known by name or by address', async () => {
  const a = {
    'best.test': ['192.0.2.1'],
    'us.test': ['192.0.2.9'],
    'alias.test': ['192.0.2.9'],
    'equal.test': ['192.0.2.2'],
    'worse.test': ['192.0.2.3'],
  };
  const at = (...records: string[]): Zone => ({ mx: { 'd.test': mx(...records) }, a });
  const best = ['best.test 192.0.2.1'];
  const others = ['20 equal.test', '30 worse.test'];
  assert.deepEqual(shown(await find(at('10 best.test', '20 us.test', ...others), US())), best);
  assert.deepEqual(shown(await find(at('10 best.test', '20 alias.test', ...others), US('192.0.2.9'))), best);
  assert.equal(shown(await find(at('5 us.test', '10 best.test', ...others), US())), '554 5.4.6');
  assert.equal(shown(await find(at('5 alias.test', '10 best.test'), US('192.0.2.9'))), '554 5.4.6');
  assert.equal(shown(await find({ a: { 'd.test': ['192.0.2.9'] } }, US('192.0.2.9'))), '554 5.4.6');
  // Better than us, but nobody can say where: that may change.
  const sick = { mx: { 'd.test': mx('1 sick.test', '2 us.test') }, a: { 'sick.test': 'ESERVFAIL' } };
  assert.equal(shown(await find(sick, US())), '451 4.4.3');
});

test('addresses inside this machine are refused unless allowed, and are then us if we listen there', async () => {
  const a = { 'in.test': ['127.0.0.1'], 'zero.test': ['0.0.0.0'], 'out.test': ['192.0.2.1'] };
  const aaaa = { 'in.test': ['::1', '::ffff:127.0.0.2'] };
  const inside: Zone = { mx: { 'd.test': mx('1 in.test', '2 zero.test') }, a, aaaa };
  assert.equal(shown(await find(inside)), '550 5.4.4');
  const both: Zone = { mx: { 'd.test': mx('1 in.test', '2 zero.test', '3 out.test') }, a, aaaa };
  assert.deepEqual(shown(await find(both)), ['out.test 192.0.2.1']);
  // A stranger's record that names our loopback does not make us one of his hosts.
  assert.deepEqual(shown(await find(both, US('127.0.0.1'))), ['out.test 192.0.2.1']);
  assert.deepEqual(shown(await find(inside, { allowLoopback: true })), ['in.test 127.0.0.1 ::1 127.0.0.2']);
  assert.equal(shown(await find(inside, { allowLoopback: true, ...US('127.0.0.1') })), '554 5.4.6');
});

test('an address literal needs no DNS and has the same bounds', async () => {
  const literal = (address: string, more: Partial<HostSearch> = {}): Promise<Found> =>
    findHosts({ kind: 'literal', name: `[${address}]`, address }, searchOf({}, more));
  assert.deepEqual(shown(await literal('192.0.2.1')), ['192.0.2.1 192.0.2.1']);
  assert.equal(shown(await literal('127.0.0.1')), '550 5.4.4');
  assert.equal(shown(await literal('192.0.2.9', US('192.0.2.9'))), '554 5.4.6');
});

test('what is found holds as long as the addresses do, and never long; what is not known holds shortly', async () => {
  const zone = { a: { 'd.test': ['192.0.2.1'] } };
  assert.equal((await find({ ...zone, ttl: 86_400 })).ttl, LONGEST_KEPT);
  assert.equal((await find({ ...zone, ttl: 30 })).ttl, 30_000);
  assert.equal((await find({})).ttl, 60_000);
  assert.equal((await find({ mx: { 'd.test': 'ETIMEOUT' } })).ttl, 10_000);
});

test('the policy of TLS is asked for each host and goes with it', async () => {
  const asked: string[] = [];
  const zone = {
    mx: { 'd.test': mx('1 a.test', '2 b.test') },
    a: { 'a.test': ['192.0.2.1'], 'b.test': ['192.0.2.2'] },
  };
  const found = await find(zone, {
    tlsPolicy: (domain, host) => (asked.push(`${domain} ${host}`), host === 'a.test' ? 'require' : 'off'),
  });
  assert.ok('hosts' in found);
  assert.deepEqual(
    found.hosts.map((h) => h.tls),
    ['require', 'off'],
  );
  assert.deepEqual(asked, ['d.test a.test', 'd.test b.test']);
});
