/** Providers, models, keys or entries of metadata beside each other. */
import type { JSX } from "preact";
import { useLocale } from "../../i18n.ts";
import type { Range } from "../../range.ts";
import { hrefOf } from "../../router.ts";
import { Skeleton } from "../../ui/mod.tsx";
import { addressOf, type Filter } from "../logs/query.ts";
import type { Analysis, Group } from "./ask.ts";
import { Change } from "./figures.tsx";
import { useGroupNames } from "./names.ts";
import { dimensionName } from "./split.tsx";
import { words } from "./words.ts";

/** The rows of a group, in the log. */
function logsOf({ group }: Group, range: Range): string | undefined {
  const [name, value] = Object.entries(group ?? {})[0] ?? [];
  if (name === undefined || value === null || value === undefined || value === "") return undefined;
  const is = (key: string, text: string): Filter => ({ key, operator: "eq", values: [text] });
  const filters = name.startsWith("metadata.")
    ? [is("metadata.key", name.slice("metadata.".length)), is("metadata.value", String(value))]
    : [is({ key: "key_id", status: "status_code" }[name] ?? name, String(value))];
  const all = { filters, search: "", order: "", direction: "desc" as const };
  return hrefOf("logs") + addressOf({ ...all, ...range });
}

export function Groups(
  { found, by, range, gateway }: {
    found: Analysis | undefined;
    by: string;
    range: Range;
    gateway: string;
  },
): JSX.Element {
  const locale = useLocale();
  const { number, money, percent, duration } = locale;
  const w = locale.of(words);
  const nameOf = useGroupNames(gateway, by);
  const earlier = new Map(
    found?.previous?.series.map(({ group, totals }) => [JSON.stringify(group), totals]),
  );
  const title = dimensionName(w, by, true);
  const most = Math.max(1, ...found?.series.map(({ totals }) => totals.attempts) ?? []);
  return (
    <section class="card">
      <div class="head">
        <h2>{title}</h2>
      </div>
      {found === undefined
        ? (
          <div class="card-body">
            <Skeleton lines={5} height={20} />
          </div>
        )
        : found.series.length === 0
        ? <p class="card-body soft">{w("quiet")}</p>
        : (
          <div class="table-wrap" tabIndex={0}>
            <table class="table groups">
              <thead>
                <tr>
                  <th scope="col">{title}</th>
                  <th scope="col" class="num">{w("attempts")}</th>
                  <th scope="col" class="num">{w("change")}</th>
                  <th scope="col" class="num">{w("errors")}</th>
                  <th scope="col" class="num">{w("tokens")}</th>
                  <th scope="col" class="num">{w("cost")}</th>
                  <th scope="col" class="num">{w("change")}</th>
                  <th scope="col" class="num">{w("savedShort")}</th>
                  <th scope="col" class="num">{w("latency.both")}</th>
                  <th scope="col" class="num">{w("first.both")}</th>
                </tr>
              </thead>
              <tbody>
                {found.series.map((group) => {
                  const { totals } = group;
                  const key = JSON.stringify(group.group);
                  const before = earlier.get(key);
                  const href = logsOf(group, range);
                  const name = nameOf(group.group);
                  return (
                    <tr key={key}>
                      <td>
                        <span class="clip" title={name}>
                          {href === undefined ? name : <a href={href}>{name}</a>}
                        </span>
                        <span class="share" aria-hidden="true">
                          <i style={{ width: `${totals.attempts / most * 100}%` }} />
                        </span>
                      </td>
                      <td class="num">{number(totals.attempts)}</td>
                      <td class="num">
                        {before && (
                          <Change
                            now={totals.attempts}
                            before={before.attempts}
                            say={number}
                            sense="neither"
                          />
                        )}
                      </td>
                      <td class="num">{percent(totals.errors.total / totals.attempts)}</td>
                      <td class="num">
                        {number(totals.tokens_in, true)} / {number(totals.tokens_out, true)}
                      </td>
                      <td class="num">{money(totals.cost)}</td>
                      <td class="num">
                        {before && (
                          <Change now={totals.cost} before={before.cost} say={money} sense="bad" />
                        )}
                      </td>
                      <td class="num">{money(totals.saved)}</td>
                      <td class="num">
                        {duration(totals.latency.p50)} / {duration(totals.latency.p90)}
                      </td>
                      <td class="num">
                        {duration(totals.first_token.p50)} / {duration(totals.first_token.p90)}
                      </td>
                    </tr>
                  );
                })}
              </tbody>
            </table>
          </div>
        )}
    </section>
  );
}
