/** The bar on top: search, host, live or paused, theme, zone, keys, leaving. */
import { useMantineColorScheme } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from 'wouter';
import { ask } from '../api/client.ts';
import { useSession, useSignOut } from '../api/session.tsx';
import type { Overview } from '../api/shapes.ts';
import { Icon } from '../parts/icons.tsx';
import { useLive } from '../parts/live.tsx';
import { Plain } from '../parts/plain.tsx';
import { usePreferences } from '../parts/preferences.tsx';
import { Search } from './search.tsx';

const THEMES = { auto: 'light', light: 'dark', dark: 'auto' } as const;
const THEME_ICONS = { auto: 'auto', light: 'sun', dark: 'moon' } as const;

export function TopBar({
  showHelp,
  toggleMenu,
  menuOpen,
}: {
  readonly showHelp: () => void;
  readonly toggleMenu: () => void;
  readonly menuOpen: boolean;
}) {
  const { zone, setZone } = usePreferences();
  const { live, setLive } = useLive();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const signOut = useSignOut();
  const session = useSession();
  return (
    <header className="top">
      <button
        type="button"
        className="icon-button menu-button"
        aria-label="Navigation"
        aria-expanded={menuOpen}
        aria-controls="navigation"
        onClick={toggleMenu}
      >
        <Icon name="menu" />
      </button>
      <Link href="/" className="brand">
        <img src="/millrace.svg" alt="" />
        <span>Millrace</span>
      </Link>
      <Search />
      <div className="top-right">
        <HostName />
        <button
          type="button"
          className="toggle-button"
          aria-pressed={live}
          onClick={() => setLive(!live)}
          title="Follow what happens (key .)"
        >
          <span className={live ? 'live-dot' : 'live-dot paused'} />
          {live ? 'Live' : 'Paused'}
        </button>
        <button
          type="button"
          className="toggle-button"
          onClick={() => setZone(zone === 'utc' ? 'local' : 'utc')}
          aria-label={`Times in ${zone === 'utc' ? 'UTC' : 'local time'}; change`}
        >
          {zone === 'utc' ? 'UTC' : 'Local'}
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={`Theme: ${colorScheme}; change to ${THEMES[colorScheme]}`}
          title={`Theme: ${colorScheme}`}
          onClick={() => setColorScheme(THEMES[colorScheme])}
        >
          <Icon name={THEME_ICONS[colorScheme]} />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label="Keyboard"
          title="Keyboard (key ?)"
          onClick={showHelp}
        >
          <Icon name="keyboard" />
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label={`Sign out ${session.name}`}
          title={`Signed in as ${session.name} (${session.scope}); sign out`}
          onClick={() => void signOut()}
        >
          <Icon name="out" />
        </button>
      </div>
    </header>
  );
}

function HostName() {
  const overview = useQuery({
    queryKey: ['overview'],
    queryFn: ({ signal }) => ask<Overview>('/api/v1/overview', { signal }),
    // Also how a page that asks for nothing learns that the gateway is away, and back.
    refetchInterval: 8000,
    staleTime: 5000,
  });
  if (!overview.data) return null;
  return (
    <span className="host cut" title="This gateway’s host name">
      <Plain text={overview.data.hostname} tip />
    </span>
  );
}
