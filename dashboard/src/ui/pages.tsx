/** Lists of the API that come page by page. */
import type { JSX } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";
import { get } from "../api.ts";
import { type Dictionary, useLocale } from "../i18n.ts";

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
  const [state, setState] = useState<{ of: string; items?: T[]; total: number; error?: unknown }>({
    of: path,
    total: 0,
  });
  const [wanted, setWanted] = useState({ of: path, pages: 1, round: 0 });
  const count = wanted.of === path ? wanted.pages : 1;
  const [loading, setLoading] = useState(true);
  useLayoutEffect(() => {
    const stop = new AbortController();
    setLoading(true);
    const join = path.includes("?") ? "&" : "?";
    const pages = Array.from(
      { length: count },
      (_, i) => get<T[]>(`${path}${join}per_page=${perPage}&page=${i + 1}`, stop.signal),
    );
    Promise.all(pages).then(
      (answers) => {
        if (stop.signal.aborted) return;
        setLoading(false);
        const items = answers.flatMap(({ result }) => result);
        const total = answers[0]?.result_info?.total_count ?? items.length;
        setState({ of: path, items, total });
      },
      (error) => {
        if (stop.signal.aborted) return;
        setLoading(false);
        setState((old) => ({ ...old, of: path, error }));
      },
    );
    return () => stop.abort();
  }, [path, count, wanted.round]);
  const current = state.of === path;
  return {
    items: current ? state.items : undefined,
    total: state.total,
    error: current ? state.error : undefined,
    loading,
    more: () => setWanted(({ round }) => ({ of: path, pages: count + 1, round })),
    reload: () => setWanted(({ round }) => ({ of: path, pages: count, round: round + 1 })),
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
