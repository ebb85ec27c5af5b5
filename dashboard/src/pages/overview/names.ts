/** What groups are called. */
import { useMemo } from "preact/hooks";
import { get } from "../../api.ts";
import { useLocale } from "../../i18n.ts";
import { useLoaded } from "../../ui/mod.tsx";
import type { Group } from "./ask.ts";
import { words } from "./words.ts";

/** @param by What is told apart: of keys, the names are asked for. */
export function useGroupNames(gateway: string, by: string): (group: Group["group"]) => string {
  const locale = useLocale();
  const isKeys = by === "key";
  const { value: keys } = useLoaded(`${gateway} ${isKeys}`, (signal) => {
    if (!isKeys) return [];
    const path = `/gateways/${encodeURIComponent(gateway)}/virtual_keys?per_page=100`;
    return get<{ id: string; name: string }[]>(path, signal).then(({ result }) => result);
  });
  return useMemo(() => {
    const w = locale.of(words);
    return (group) => {
      if (group === null) return w("others");
      const value = Object.values(group)[0];
      if (by === "cached") return w(value === true ? "hits" : "misses");
      if (value === null || value === undefined || value === "") return w("without");
      return keys?.find(({ id }) => id === value)?.name ?? String(value);
    };
  }, [keys, by, locale.language]);
}
