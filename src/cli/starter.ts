/**
 * What `millrace serve` runs when there is no configuration at all: a gateway for this machine only, one Maildir, and the
 * example filter.
 *
 * Never listens beyond loopback. Everything lies below `./var` of the folder it was started in.
 */
import { mkdirSync } from 'node:fs';
import { loadConfig, type Config } from '#gateway/config';
import { serve } from '#milter/filter';
import { helloFilter } from './hello-filter.ts';

/** The starter's configuration as one would write it. */
export const STARTER = `# The starter configuration. Save it as millrace.yaml and change what you like.
stateDir: ./var
listeners:
  - { name: smtp, bind: 127.0.0.1:2525 }
milters:
  - name: hello-filter
    socket: ./var/hello-filter.sock
    stages: [data]
delivery:
  routes:
    - { match: "true", via: maildir, to: ./var/mail }
admin: { bind: 127.0.0.1:8025, token: { file: ./var/admin.token } }
log: { level: info, format: pretty }
`;

/** A running starter: what to hand to the gateway, and how to end the filter afterwards. */
export interface Starter {
  readonly config: Config;
  close(): Promise<void>;
}

/** How long the filter may go on with conversations once the gateway has ended. */
const FILTER_DRAIN_MS = 1000;

/** Prepares `./var` below `folder` and starts the example filter; it complains to `say`. Rejects when it cannot listen. */
export async function startStarter(folder: string, say: (line: string) => void): Promise<Starter> {
  const loaded = loadConfig({ text: STARTER, name: 'starter', base: folder }, { env: {} });
  if (!loaded.ok) throw new Error(loaded.errors[0]?.message);
  const { config } = loaded;
  const [milter] = config.milters;
  if (milter?.endpoint.kind !== 'unix') throw new Error('the starter has no filter');
  mkdirSync(config.stateDir, { recursive: true, mode: 0o700 });
  const filter = await serve(helloFilter, {
    listen: `unix:${milter.endpoint.path}`,
    mode: 0o600,
    signals: [], // the gateway drains first
    log: ({ level, says }) => {
      if (level !== 'info') say(`${level}: hello-filter: ${says}`);
    },
  });
  return { config, close: () => filter.close(FILTER_DRAIN_MS) };
}
