/** The drawings, all on a grid of 16; always beside a word or inside something that has a name. */
import type { SVGProps } from 'react';

const PATHS = {
  dashboard:
    'M2.5 2.5h4.500v5.500h-4.500zM9 2.500h4.500v3.500h-4.500zM9 8h4.500v5.500h-4.500zM2.5 10h4.500v3.500h-4.500z',
  messages: 'M2 4h12v8.500H2zM2 4.500l6 4.5 6-4.5',
  conversations: 'M2 3h8.500v5.500H6L3.5 10.500V8.500H2zM12 6h2v5.500h-1.500v2L10 11.500H7.5',
  queue: 'M2 4h12M2 8h12M2 12h7',
  quarantine: 'M8 1.800l5.2 2v4c0 3.2-2.2 5.4-5.2 6.4-3-1-5.2-3.2-5.2-6.400v-4zM8 5v3.500M8 10.500v.1',
  troubleshoot:
    'M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.300l3.5 3.500M5 7h1.200l.8-1.5 1 3 .7-1.500H10',
  milters: 'M2 3h12l-4.5 5.500V13l-3-1.500v-3z',
  listeners: 'M3 13V8a5 5 0 0 1 10 0v5M1.8 13h12.400M8 3V1.5',
  delivery:
    'M1.5 4h8v7h-8zM9.5 6.500h3l2 2.500v2h-5zM4 11a1.4 1.4 0 1 0 0 2.800A1.4 1.4 0 0 0 4 11zM12 11a1.4 1.4 0 1 0 0 2.800A1.4 1.4 0 0 0 12 11z',
  users:
    'M6 2.500a2.6 2.6 0 1 0 0 5.2 2.6 2.6 0 0 0 0-5.200zM1.5 13.500c.4-2.6 2.2-4 4.5-4s4.1 1.4 4.5 4M11 3a2.4 2.4 0 0 1 0 4.500M12.5 10c1.2.7 1.9 1.9 2.1 3.5',
  system: 'M2.5 3h11v4h-11zM2.5 9h11v4h-11zM5 5v.1M5 11v.1',
  search: 'M7 2.500a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9zM10.3 10.300l3.5 3.5',
  check: 'M3 8.500l3.5 3.500L13 4.5',
  cross: 'M4 4l8 8M12 4l-8 8',
  clock: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 5v3.200l2 1.5',
  pause: 'M5.5 3.500v9M10.5 3.500v9',
  play: 'M5 3l7.5 5L5 13z',
  stop: 'M2.5 8h11',
  hand: 'M8 1.800l5.2 2v4c0 3.2-2.2 5.4-5.2 6.4-3-1-5.2-3.2-5.2-6.400v-4z',
  warning: 'M8 2.200l6.2 11.300H1.800zM8 6.500v3.200M8 11.600v.1',
  info: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 7.300v3.700M8 5v.1',
  arrowRight: 'M2.5 8h10.500M9 4l4 4-4 4',
  arrowLeft: 'M13.5 8H3M7 4L3 8l4 4',
  up: 'M8 13V3.500M4 7.500l4-4 4 4',
  down: 'M8 3v9.500M4 8.500l4 4 4-4',
  right: 'M6 3.500l4.5 4.500L6 12.5',
  drag: 'M6 3.500v.1M10 3.500v.1M6 8v.1M10 8v.1M6 12.500v.1M10 12.500v.1',
  sun: 'M8 5a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM8 1.500v1.300M8 13.200v1.300M1.5 8h1.300M13.2 8h1.300M3.4 3.400l.9.900M11.7 11.700l.9.900M12.6 3.400l-.9.900M4.3 11.700l-.9.9',
  moon: 'M13 9.500A5.5 5.5 0 0 1 6.5 3 5.5 5.5 0 1 0 13 9.500z',
  auto: 'M8 2a6 6 0 1 0 0 12A6 6 0 0 0 8 2zM8 2v12M8 5h3.500M8 8h4.500M8 11h3.5',
  menu: 'M2 4h12M2 8h12M2 12h12',
  copy: 'M5.5 5.500h8v8h-8zM10.5 5.500v-3h-8v8h3',
  download: 'M8 2v8M4.5 7L8 10.5 11.5 7M2.5 13.500h11',
  pin: 'M9.5 2l4.5 4.5-1.5.5-2.5 2.5-.5 3L4 7l3-.5L9.5 4zM6 10l-3.5 3.5',
  plus: 'M8 3v10M3 8h10',
  trash: 'M3 4.500h10M6 4.500V2.500h4v2M4.5 4.500l.5 9h6l.5-9',
  edit: 'M3 13l.7-3L10.5 3l2.5 2.500L6 12.300z',
  keyboard: 'M1.5 4h13v8.500h-13zM4 6.700v.1M6.7 6.700v.1M9.3 6.700v.1M12 6.700v.1M5 10h6',
  out: 'M9 2.500H3v11h6M7 8h7M11 5l3 3-3 3',
  dot: 'M8 6.500a1.5 1.5 0 1 0 0 3 1.5 1.5 0 0 0 0-3z',
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({
  name,
  size = 16,
  ...more
}: { readonly name: IconName; readonly size?: number } & SVGProps<SVGSVGElement>) {
  return (
    <svg
      viewBox="0 0 16 16"
      width={size}
      height={size}
      fill="none"
      stroke="currentColor"
      strokeWidth={1.5}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden="true"
      {...more}
    >
      <path d={PATHS[name]} />
    </svg>
  );
}
