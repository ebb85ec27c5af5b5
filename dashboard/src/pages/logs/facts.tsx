/** What is known of a request besides what was said: times, tokens, money, who and where. */
import type { ComponentChildren, JSX } from "preact";
import { get } from "../../api.ts";
import { Copy, useLoaded } from "../../ui/mod.tsx";
import type { Filter } from "./query.ts";
import { logsPath, metadataOf, type Row, speedOf } from "./row.ts";
import { Waterfall } from "./waterfall.tsx";
import type { Name, Words } from "./words.ts";

export function Facts(
  { row, gateway, words, onOpen, onFilter }: {
    row: Row;
    gateway: string;
    words: Words;
    onOpen(id: string): void;
    onFilter(filters: Filter[]): void;
  },
): JSX.Element {
  const { w, number } = words;
  const { value: siblings = [row] } = useLoaded(`${gateway} ${row.event_id}`, (signal) => {
    const filters = JSON.stringify([{ key: "event_id", operator: "eq", value: [row.event_id] }]);
    const params = new URLSearchParams({ filters, per_page: "50", order_by_direction: "asc" });
    return get<Row[]>(`${logsPath(gateway)}?${params}`, signal)
      .then(({ result }) => result.some(({ id }) => id === row.id) ? result : [row]);
  });
  const metadata = metadataOf(row);
  const dropped = row.dropped ?? [];
  return (
    <div class="stack logs-facts">
      {row.error !== null && (
        <div class="note bad">
          <strong>{w("error", { code: String(row.error.code ?? row.status_code) })}</strong>
          <span class="logs-text">{row.error.message}</span>
        </div>
      )}
      {row.error === null && !row.success && (
        <div class="note warn">
          <span>{w(`end.${row.end}.long` as Name)}</span>
        </div>
      )}
      {dropped.length > 0 && (
        <div class="note warn">
          <strong>{w("dropped")}</strong>
          <span>{dropped.join(", ")}</span>
        </div>
      )}
      <Part title={w("timing")}>
        <Waterfall rows={siblings} current={row.id} words={words} onOpen={onOpen} />
      </Part>
      <div class="logs-pair">
        <Part title={w("tokens")}>
          <Tokens row={row} words={words} />
        </Part>
        <Part title={w("cost")}>
          <Cost row={row} words={words} />
        </Part>
      </div>
      {metadata.length > 0 && (
        <Part title={w("field.metadata")}>
          <div class="row">
            {metadata.map(([name, value]) => (
              <button
                key={name}
                type="button"
                class="chip"
                title={w("filter.by")}
                onClick={() =>
                  onFilter([
                    { key: "metadata.key", operator: "eq", values: [name] },
                    { key: "metadata.value", operator: "eq", values: [value] },
                  ])}
              >
                {name} = {value}
              </button>
            ))}
          </div>
        </Part>
      )}
      <Part title={w("facts")}>
        <List
          entries={[
            [w("col.path"), <code key="path">{row.method} {row.path}</code>],
            [w("col.request_type"), row.compatibilityMode ? w("unified") : row.request_type],
            [w("col.end"), w(`end.${row.end}` as Name)],
            [w("col.finish"), row.finish_reason],
            [
              w("step"),
              row.step + row.attempt > 0 &&
              w("step.of", { step: row.step + 1, attempt: row.attempt + 1 }),
            ],
            [w("field.cached"), w(row.cached ? "yes" : "no")],
            [w("col.speed"), speedOf(row) && w("per.second", { n: number(speedOf(row)) })],
            [w("size"), sizes(row, words)],
            [w("col.user_agent"), row.user_agent],
            [w("field.key_id"), row.key_id && <code key="key">{row.key_id}</code>],
            [w("byok"), row.byok_alias],
            [w("field.id"), <Id key="id" id={row.id} words={words} />],
            [w("field.event_id"), <Id key="event" id={row.event_id} words={words} />],
          ]}
        />
      </Part>
    </div>
  );
}

export function Part(
  { title, children }: { title: string; children: ComponentChildren },
): JSX.Element {
  return (
    <section class="logs-part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function List({ entries }: { entries: [string, ComponentChildren][] }): JSX.Element {
  return (
    <dl class="logs-list">
      {entries.filter(([, value]) => value).map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function Id({ id, words: { t } }: { id: string; words: Words }): JSX.Element {
  return (
    <span class="row logs-id">
      <code class="clip">{id}</code>
      <Copy text={id} label={t("copy")} />
    </span>
  );
}

function sizes({ request_size, response_size }: Row, { bytes, w }: Words): string | undefined {
  if (request_size === undefined) return undefined;
  return w("size.both", { request: bytes(request_size), response: bytes(response_size) });
}

/** Numbers with their parts indented below. */
function Figures({ rows }: { rows: [string, string, "sum" | "part"][] }): JSX.Element {
  return (
    <dl class="logs-figures">
      {rows.map(([name, value, kind]) => (
        <div key={name} class={kind}>
          <dt>{name}</dt>
          <dd class="num">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const parts = {
  in: [
    "input_cached_tokens",
    "input_cache_creation_tokens",
    "input_audio_tokens",
    "input_image_tokens",
  ],
  out: ["output_reasoning_tokens", "output_audio_tokens", "output_image_tokens"],
} as const;

function Tokens({ row, words: { w, number } }: { row: Row; words: Words }): JSX.Element {
  const usage = row.usage_metadata ?? {};
  if (row.tokens_in === null && row.tokens_out === null) return <p class="soft">{w("unknown")}</p>;
  const inside = (side: "in" | "out") =>
    parts[side].flatMap((name): [string, string, "part"][] => {
      const value = usage[name];
      return typeof value === "number" && value > 0
        ? [[w(`usage.${name}`), number(value), "part"]]
        : [];
    });
  const units = Object.entries(usage["units"] ?? {}) as [string, number][];
  return (
    <>
      <Figures
        rows={[
          [w("col.tokens_in"), number(row.tokens_in), "sum"],
          ...inside("in"),
          [w("col.tokens_out"), number(row.tokens_out), "sum"],
          ...inside("out"),
          ...units.map(([name, value]): [string, string, "sum"] => [name, number(value), "sum"]),
        ]}
      />
      {row.usage_quality === "estimated" && <p class="soft">{w("usage_quality.estimated.long")}</p>}
    </>
  );
}

function Cost({ row, words: { w, money } }: { row: Row; words: Words }): JSX.Element {
  const { cost, cost_parts: found } = row;
  if (cost === null) {
    const isCounted = row.tokens_in !== null || row.tokens_out !== null;
    return <p class="soft">{w(isCounted ? "cost.unknown" : "unknown")}</p>;
  }
  const inside = (["input", "cache_read", "cache_write", "output", "other"] as const).flatMap(
    (name): [string, string, "part"][] => {
      const value = found?.[name];
      return typeof value === "number" && value > 0
        ? [[w(`cost.${name}`), money(value), "part"]]
        : [];
    },
  );
  const saved = found?.["saved"];
  return (
    <>
      <Figures
        rows={[
          [w("cost.sum"), money(cost), "sum"],
          ...inside,
          ...typeof saved === "number"
            ? [[w("cost.saved"), money(saved), "sum"]] as [string, string, "sum"][]
            : [],
        ]}
      />
      {found !== null && <p class="soft">{w(`source.${found.source}` as Name)}</p>}
    </>
  );
}
