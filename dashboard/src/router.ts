/** Where the page is: `/dashboard/{page}/{rest}?{query}`, with the browser's own history. */
import { useEffect, useState } from "preact/hooks";

export interface Place {
  page: string;
  rest: string;
  query: URLSearchParams;
}

const root = "/dashboard";
const moved = new EventTarget();

export function placeNow(): Place {
  const [page = "", ...rest] = location.pathname.slice(root.length).split("/").filter(Boolean).map(
    decodeURIComponent,
  );
  return {
    page: page || "overview",
    rest: rest.join("/"),
    query: new URLSearchParams(location.search),
  };
}

/** The address of a place within the page. */
export function hrefOf(page: string, rest = "", query: Record<string, string> = {}): string {
  const search = new URLSearchParams(query).toString();
  return `${root}/${page}${rest && `/${encodeURIComponent(rest)}`}${search && `?${search}`}`;
}

/** Goes there; `replace` leaves no step to go back to. */
export function go(href: string, replace = false): void {
  history[replace ? "replaceState" : "pushState"](null, "", href);
  moved.dispatchEvent(new Event("moved"));
}

export function usePlace(): Place {
  const [place, setPlace] = useState(placeNow);
  useEffect(() => {
    const look = () => setPlace(placeNow());
    moved.addEventListener("moved", look);
    addEventListener("popstate", look);
    return () => {
      moved.removeEventListener("moved", look);
      removeEventListener("popstate", look);
    };
  }, []);
  return place;
}

/** Links within the page do not load it anew. */
export function followLinks(event: MouseEvent): void {
  if (
    event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey
  ) return;
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link || link.target || link.origin !== location.origin || !link.pathname.startsWith(root)) {
    return;
  }
  event.preventDefault();
  go(link.pathname + link.search);
}
