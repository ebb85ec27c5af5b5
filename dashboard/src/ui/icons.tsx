/** Line icons on a grid of 24, drawn for this page. They are decoration: names stand beside them. */
import type { JSX } from "preact";

const paths = {
  brand: "M4 7c4 0 4 4 8 4s4-4 8-4M4 13c4 0 4 4 8 4s4-4 8-4",
  overview: "M4 19V11M10 19V5M16 19v-6M21 19H3",
  logs: "M4 6h16M4 12h16M4 18h10",
  gateways: "M4 12h6m4 0h6M12 4v4m0 8v4M8 8h8v8H8z",
  keys: "M14 10a4 4 0 1 1-2.6-3.7M12.5 11.5 20 19m-3-3 2-2",
  providers: "M12 3l8 4.5v9L12 21l-8-4.5v-9zM4 7.5l8 4.5 8-4.5M12 12v9",
  playground: "M7 5l11 7-11 7z",
  health: "M3 12h4l2.5-6 4 12L16 12h5",
  menu: "M4 7h16M4 12h16M4 17h16",
  close: "M6 6l12 12M18 6L6 18",
  copy: "M9 9h10v10H9zM5 15V5h10",
  check: "M5 13l4 4L19 7",
  sun:
    "M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2m0 16v2M2 12h2m16 0h2M5 5l1.5 1.5m11 11L19 19M19 5l-1.5 1.5m-11 11L5 19",
  up: "M12 19V5m-6 6l6-6 6 6",
  down: "M12 5v14m-6-6l6 6 6-6",
  thumbUp:
    "M7 11v9H4v-9zM7 11l4-8c2 0 2.5 1.5 2 3l-1 4h6c1.5 0 2.3 1 2 2.5l-1.3 6c-.3 1-1 1.5-2 1.5H7",
  thumbDown:
    "M17 13V4h3v9zM17 13l-4 8c-2 0-2.5-1.5-2-3l1-4H6c-1.5 0-2.3-1-2-2.5l1.3-6c.3-1 1-1.5 2-1.5H17",
  plus: "M12 5v14M5 12h14",
  more: "M6 12h.01M12 12h.01M18 12h.01",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }): JSX.Element {
  return (
    <svg
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="1.8"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      <path d={paths[name]} />
    </svg>
  );
}
