/** swaks as the client: its PROXY headers and its XCLIENT are understood. */
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import { Cleanup } from './support/folders.ts';
import { house, type House } from './support/house.ts';
import { arrived } from './support/maildir.ts';
import { program, run, skipWithout } from './support/processes.ts';

const needed = { skip: skipWithout('swaks'), timeout: 60_000 };

/** Of a user whom nobody asks for it here. */
const PASSWORD = '$scrypt$ln=15,r=8,p=1$MDEyMzQ1Njc4OWFiY2RlZg$QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVowMTIzNDU';

/** A gateway whose listener has these keys too. */
function listening(t: TestContext, keys: Readonly<Record<string, unknown>>): Promise<House> {
  const relay = { networks: ['127.0.0.0/8'], domains: ['in.test'] };
  return house(new Cleanup(t), [], {
    listeners: [{ name: 'smtp', bind: '127.0.0.1:0', relay, ...keys }],
    users: [{ name: 'joe', password: PASSWORD }],
  });
}

/** Lets swaks send a message with this subject; the conversation as it shows it. */
async function swaks(h: House, subject: string, options: readonly string[]): Promise<string> {
  const common = `--server 127.0.0.1:${h.port} --helo swaks.test --from a@out.test --to b@in.test --timeout 10`;
  const header = ['--header', `Subject: ${subject}`, '--body', 'x'];
  const { code, output } = await run('swaks', program('swaks')!, [
    ...common.split(' '),
    ...header,
    ...options,
  ]);
  assert.equal(code, 0, output);
  return output;
}

for (const version of ['1', '2'])
  for (const [family, source, destination] of [
    ['4', '192.0.2.1', '198.51.100.2'],
    ['6', '2001:db8::1', '2001:db8::2'],
  ] as const)
    test(`swaks --proxy-version ${version}, IPv${family}`, needed, async (t) => {
      const h = await listening(t, { trustedProxies: '127.0.0.1' });
      const named = version === '1' ? `TCP${family}` : family === '4' ? 'AF_INET' : 'AF_INET6';
      const ends = `--proxy-source ${source} --proxy-source-port 4711 --proxy-dest ${destination} --proxy-dest-port 25`;
      await swaks(h, 'proxied', `--proxy-version ${version} --proxy-family ${named} ${ends}`.split(' '));
      const message = await arrived(h.mail, 'the message', (m) => m.field('Subject')[0] === 'proxied');
      assert.ok(
        message.field('Received')[0]!.includes(`${family === '6' ? 'IPv6:' : ''}${source}]`),
        message.header,
      );
      assert.equal(h.heard.find((n) => n.name === 'message.accepted')!.fields['client'], source);
    });

test('swaks --xclient', needed, async (t) => {
  const h = await listening(t, { xclient: '127.0.0.1' });
  const options =
    '--xclient-name spike.test --xclient-addr 192.0.2.1 --xclient-port 4711 --xclient-proto ESMTP --xclient-helo spike.test' +
    ' --xclient-login joe --xclient-destaddr 198.51.100.2 --xclient-destport 587';
  const said = await swaks(h, 'spoken for', options.split(' '));
  assert.match(said, /-> XCLIENT .*NAME=spike\.test/);
  const message = await arrived(h.mail, 'the message', (m) => m.field('Subject')[0] === 'spoken for');
  assert.match(message.field('Received')[0]!, /^from swaks\.test \(spike\.test \[192\.0\.2\.1\]\)/);
  const { client, user } = h.heard.find((n) => n.name === 'message.accepted')!.fields;
  assert.deepEqual([client, user], ['192.0.2.1', 'joe']);
});
