/** Keys that work on every page: search, help, going places, pausing. Off while one types, while a window is open, or at all. */
import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';
import { useLive } from '../parts/live.tsx';
import { usePreferences } from '../parts/preferences.tsx';
import { MANAGEMENT, SETTINGS } from './places.ts';
import { FOCUS_SEARCH } from './search.tsx';

/** Milliseconds for the second key of `g d`. */
const SECOND_KEY_MS = 1500;

/** Whether keys are text now, or belong to a window. */
export function keysAreTaken(event: KeyboardEvent): boolean {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return true;
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.closest('dialog') || target.isContentEditable) return true;
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

export function useShellKeys(showHelp: () => void): void {
  const { keys } = usePreferences();
  const { live, setLive } = useLive();
  const [, navigate] = useLocation();
  const gone = useRef(0);
  useEffect(() => {
    if (!keys) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (keysAreTaken(event)) return;
      const second = performance.now() - gone.current < SECOND_KEY_MS;
      gone.current = 0;
      const place = second && [...MANAGEMENT, ...SETTINGS].find((each) => each.key === event.key);
      if (place) navigate(place.to);
      else if (event.key === 'g') gone.current = performance.now();
      else if (event.key === '/') window.dispatchEvent(new Event(FOCUS_SEARCH));
      else if (event.key === '?') showHelp();
      else if (event.key === '.') setLive(!live);
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [keys, live, setLive, navigate, showHelp]);
}

/** Esc: back to where one came from, or to the list the page belongs to. */
export function useEscape(to: string): void {
  const { keys } = usePreferences();
  const [, navigate] = useLocation();
  useEffect(() => {
    if (!keys) return undefined;
    const onKey = (event: KeyboardEvent): void => {
      if (event.key !== 'Escape' || keysAreTaken(event)) return;
      event.preventDefault();
      navigate(listAddresses.get(to) ?? to);
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [keys, to, navigate]);
}

const listAddresses = new Map<string, string>();

/** Remembers a list's address with its filters, for the way back. */
export function useListAddress(path: string): void {
  useEffect(() => {
    listAddresses.set(path, window.location.pathname + window.location.search);
  });
}

/** The list's address as it was left. */
export const listAddress = (path: string): string => listAddresses.get(path) ?? path;
