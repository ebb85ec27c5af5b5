/** The requests that came last. */
import type { JSX } from "preact";
import { useLocale } from "../../i18n.ts";
import { hrefOf } from "../../router.ts";
import { Failure, Skeleton } from "../../ui/mod.tsx";
import { dimensionName } from "./split.tsx";
import { words } from "./words.ts";

/** A row of the log, as far as it is shown. */
export interface Row {
  id: string;
  created_at: string;
  provider: string;
  model: string;
  success: boolean;
  cached: boolean;
  status_code: number;
  duration: number;
  cost: number | null;
  /** JSON. */
  metadata: string | null;
}

export function Latest(
  { rows, error, onRetry }: { rows: Row[] | undefined; error: unknown; onRetry(): void },
): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  return (
    <section class="card">
      <div class="head">
        <h2>{w("latest")}</h2>
        <a href={hrefOf("logs")}>{w("open")}</a>
      </div>
      {rows === undefined
        ? (
          <div class="card-body">
            {error === undefined
              ? <Skeleton lines={8} height={20} />
              : <Failure error={error} onRetry={onRetry} />}
          </div>
        )
        : (
          <div class="table-wrap" tabIndex={0}>
            <table class="table lines">
              <thead>
                <tr>
                  <th scope="col">{w("time")}</th>
                  <th scope="col">{dimensionName(w, "model", true)}</th>
                  <th scope="col">{dimensionName(w, "status", true)}</th>
                  <th scope="col" class="num">{w("duration")}</th>
                  <th scope="col" class="num">{w("cost")}</th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.id}>
                    <td>
                      <a href={hrefOf("logs", row.id)}>{locale.time(row.created_at)}</a>
                    </td>
                    <td>{row.model || row.provider}</td>
                    <td>
                      <span class={`badge ${row.success ? row.cached ? "accent" : "good" : "bad"}`}>
                        {row.cached ? w("hits") : row.status_code || "–"}
                      </span>
                    </td>
                    <td class="num">{locale.duration(row.duration)}</td>
                    <td class="num">{locale.money(row.cost)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}
