/** Deleting what is shown, after saying how much that is. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, get } from "../../api.ts";
import { Dialog, Failure, Field, Skeleton, useLoaded } from "../../ui/mod.tsx";
import { apiQuery, isNarrowed, type Query } from "./query.ts";
import { logsPath, type Row } from "./row.ts";
import { useWords } from "./words.ts";

/** Rows that one request deletes at most. */
const most = 10_000;

export function Remove(
  { gateway, query, onDone, onClose }: {
    gateway: string;
    query: Query;
    onDone(): void;
    onClose(): void;
  },
): JSX.Element {
  const { w, t, number } = useWords();
  const [typed, setTyped] = useState("");
  const [gone, setGone] = useState<number>();
  const [error, setError] = useState<unknown>();
  const path = logsPath(gateway);
  // Of one moment: what arrives meanwhile stays.
  const [filters] = useState(() => {
    const now = new Date().toISOString();
    const { range: _, ...rest } = query;
    const plain: Query = {
      ...rest,
      range: query.range,
      order: "",
      search: "",
      to: query.to || now,
    };
    return apiQuery(plain).get("filters") ?? "[]";
  });
  const { value: total, error: failed, reload } = useLoaded(
    filters,
    (signal) =>
      get<Row[]>(`${path}?${new URLSearchParams({ filters, per_page: "1" })}`, signal)
        .then(({ result_info }) => result_info?.total_count ?? 0),
  );
  const isAll = !isNarrowed(query);
  const isBusy = gone !== undefined && error === undefined;
  const remove = async () => {
    setError(undefined);
    let sum = gone ?? 0;
    setGone(sum);
    try {
      for (let deleted = most; deleted === most;) {
        const params = new URLSearchParams({ filters, limit: String(most) });
        ({ result: { deleted } } = await call<{ deleted: number }>("DELETE", `${path}?${params}`));
        setGone(sum += deleted);
      }
      onDone();
      onClose();
    } catch (cause) {
      setError(cause);
    }
  };
  return (
    <Dialog title={w("remove.title")} onClose={onClose}>
      {query.search !== ""
        ? <p>{w("remove.search")}</p>
        : failed !== undefined
        ? <Failure error={failed} onRetry={reload} />
        : total === undefined
        ? <Skeleton lines={2} />
        : (
          <>
            <p>
              {w(isAll ? "remove.all" : "remove.some", { n: number(total), gateway })}
            </p>
            {isAll && (
              <Field label={w("remove.type", { gateway })}>
                {(given) => (
                  <input
                    {...given}
                    class="input"
                    autocomplete="off"
                    value={typed}
                    onInput={(event) => setTyped(event.currentTarget.value)}
                  />
                )}
              </Field>
            )}
            {error !== undefined && <Failure error={error} />}
            <div class="row end">
              <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
              <button
                type="button"
                class="button danger"
                disabled={isBusy || total === 0 || (isAll && typed !== gateway)}
                onClick={remove}
              >
                {isBusy
                  ? w("remove.going", { n: number(gone), all: number(total) })
                  : w("remove.go", { n: number(total) })}
              </button>
            </div>
          </>
        )}
    </Dialog>
  );
}
