/** Lists of the API that come page by page. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { soon } from "../api.ts";
import { then } from "../early.ts";
import { type Dictionary, useLocale } from "../i18n.ts";
import { useLoaded } from "./mod.tsx";

const size = 100;

export interface Pages<T> {
  /** Nothing until the first page is there. */
  items: T[] | undefined;
  total: number;
  error: unknown;
  loading: boolean;
  more(): void;
  reload(): void;
}

/** Everything that was loaded of a list; from its beginning when `path` changes. */
export function usePages<T>(path: string, perPage: number = size): Pages<T> {
  const [wanted, setWanted] = useState({ of: path, pages: 1 });
  const count = wanted.of === path ? wanted.pages : 1;
  const join = path.includes("?") ? "&" : "?";
  const { value, error, loading, reload } = useLoaded(`${path} ${count}`, (signal) => {
    const pages = Array.from(
      { length: count },
      (_, i) => soon<T[]>(`${path}${join}per_page=${perPage}&page=${i + 1}`, signal),
    );
    const all = pages.length === 1 ? then(pages[0]!, (page) => [page]) : Promise.all(pages);
    return then(all, (answers) => {
      const items = answers.flatMap(({ result }) => result);
      return { of: path, items, total: answers[0]?.result_info?.total_count ?? items.length };
    });
  });
  const found = value?.of === path ? value : undefined;
  return {
    items: found?.items,
    total: found?.total ?? 0,
    error,
    loading,
    more: () => setWanted({ of: path, pages: count + 1 }),
    reload,
  };
}

const words = {
  en: { shown: "{shown} of {total}", more: "Show more" },
  zh: { shown: "已显示 {shown} / {total}", more: "显示更多" },
} satisfies Dictionary;

/** Below a list that is longer than what is shown. */
export function More({ pages }: { pages: Pages<unknown> }): JSX.Element | null {
  const locale = useLocale();
  const w = locale.of(words);
  const shown = pages.items?.length ?? 0;
  if (shown === 0 || shown >= pages.total) return null;
  return (
    <div class="row more">
      <span class="soft">
        {w("shown", { shown: locale.number(shown), total: locale.number(pages.total) })}
      </span>
      <button type="button" class="button" disabled={pages.loading} onClick={pages.more}>
        {w("more")}
      </button>
    </div>
  );
}
