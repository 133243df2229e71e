/** Around every page: the way past the navigation, the bar on top, the navigation, and word when the gateway is away. */
import { useEffect, useRef, useState, useSyncExternalStore, type ReactNode } from 'react';
import { Link, useLocation } from 'wouter';
import { connection } from '../api/client.ts';
import { useSession } from '../api/session.tsx';
import { Icon } from '../parts/icons.tsx';
import { Help } from './help.tsx';
import { useShellKeys } from './keys.ts';
import { MANAGEMENT, SETTINGS, type Place } from './places.ts';
import { TopBar } from './top-bar.tsx';

export function Shell({ children }: { readonly children: ReactNode }) {
  const [help, setHelp] = useState(false);
  const [menu, setMenu] = useState(false);
  const [path] = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(path);
  useShellKeys(() => setHelp(true));
  useEffect(() => {
    // A page of another kind begins at its top, for readers of the screen as well.
    const kind = (address: string): string => address.split('/').slice(0, 3).join('/');
    if (kind(before.current) !== kind(path)) {
      window.scrollTo(0, 0);
      if (document.activeElement === document.body || document.activeElement?.closest('.side'))
        main.current?.focus({ preventScroll: true });
      setMenu(false);
    }
    before.current = path;
  }, [path]);
  return (
    <div className="shell">
      <a className="skip" href="#main" onClick={() => main.current?.focus()}>
        Skip to the page
      </a>
      <TopBar showHelp={() => setHelp(true)} toggleMenu={() => setMenu(!menu)} menuOpen={menu} />
      <Away />
      <div className={menu ? 'side open' : 'side'} id="navigation">
        <nav aria-label="Pages">
          <Group title="Management" places={MANAGEMENT} path={path} />
          <Group title="Settings" places={SETTINGS} path={path} />
          <Whoami />
        </nav>
      </div>
      <main className="main" id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      {help && <Help close={() => setHelp(false)} />}
    </div>
  );
}

function Group({
  title,
  places,
  path,
}: {
  readonly title: string;
  readonly places: readonly Place[];
  readonly path: string;
}) {
  return (
    <div>
      <h2>{title}</h2>
      <ul>
        {places.map((place) => {
          const current =
            place.to === '/' ? path === '/' : path === place.to || path.startsWith(`${place.to}/`);
          return (
            <li key={place.to}>
              <Link href={place.to} {...(current && { 'aria-current': 'page' as const })}>
                <Icon name={place.icon} />
                <span>
                  {place.within && <small>{place.within} ›</small>}
                  {place.label}
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}

const RIGHTS = {
  viewer: 'You may look, but not into mail.',
  operator: 'You may work with queue and quarantine.',
  admin: 'You may change everything.',
} as const;

function Whoami() {
  const { name, scope } = useSession();
  return (
    <p className="small dim" style={{ padding: '0 10px' }}>
      {name} · {scope}
      <br />
      {RIGHTS[scope]}
    </p>
  );
}

function Away() {
  const away = useSyncExternalStore(connection.subscribe, connection.isOffline);
  return (
    <div role="status" style={{ display: 'contents' }}>
      {away && (
        <div className="banner">
          The gateway cannot be reached. What you see may be old; it is tried again by itself.
        </div>
      )}
    </div>
  );
}
