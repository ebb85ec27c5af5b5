/** Who changed what of a gateway: when, from what, to what. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Empty, Failure, Skeleton } from "../../ui/mod.tsx";
import { More, usePages } from "../../ui/pages.tsx";
import { isSame } from "./fields.ts";
import { type Name, useWords, type Words } from "./words.ts";

interface Change {
  id: string;
  at: string;
  actor: string;
  ip: string | null;
  action: "create" | "update" | "delete" | "purge" | "rotate";
  resource_type: string;
  resource_id: string;
  old: unknown;
  new: unknown;
}

const kinds = ["all", "gateway", "virtual_key", "provider_config", "cache", "log"] as const;

export function Audit({ path }: { path: string }): JSX.Element {
  const { w } = useWords();
  const [kind, setKind] = useState<(typeof kinds)[number]>("all");
  const query = kind === "all" ? "" : `?resource_type=ai_gateway.${kind}`;
  const pages = usePages<Change>(`${path}/audit_logs${query}`, 20);
  const { items, error, reload } = pages;
  return (
    <section class="card">
      <div class="card-body stack">
        <p class="soft">{w("audit.about")}</p>
        <div class="row" role="group" aria-label={w("audit.filter")}>
          {kinds.map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={kind === name}
              onClick={() => setKind(name)}
            >
              {w(`audit.${name}`)}
            </button>
          ))}
        </div>
        {items === undefined
          ? error === undefined
            ? <Skeleton lines={6} height={44} />
            : <Failure error={error} onRetry={reload} />
          : items.length === 0
          ? <Empty title={w("audit.none")}>{w("audit.none.about")}</Empty>
          : (
            <ol class="trail">
              {items.map((change) => <Row key={change.id} change={change} />)}
            </ol>
          )}
        <More pages={pages} />
      </div>
    </section>
  );
}

function Row({ change }: { change: Change }): JSX.Element {
  const words = useWords();
  const { w, time } = words;
  const { action, actor, ip, at } = change;
  const kind = change.resource_type.replace(/^ai_gateway\./, "");
  const label = w(`audit.one.${kind}` as Name);
  const rows = differences(change);
  const tone = action === "create" ? "good" : action === "delete" ? "bad" : "accent";
  return (
    <li>
      <details>
        <summary>
          <span class={`badge ${tone}`}>{w(`audit.${action}`)}</span>
          <strong>{label}</strong>
          <span class="mono clip">{nameOf(change)}</span>
          <span class="soft by">
            {actor === "loopback"
              ? w("audit.loopback")
              : w("audit.token", { id: actor.replace(/^token:/, "") })}
            {ip !== null && actor !== "loopback" && ` ${w("audit.from", { ip })}`}
          </span>
          <time class="soft" dateTime={at} title={new Date(at).toLocaleString()}>{time(at)}</time>
        </summary>
        {rows.length === 0
          ? <p class="soft">{w("audit.same")}</p>
          : (
            <div class="table-wrap" tabIndex={0}>
              <table class="table">
                <thead>
                  <tr>
                    <th>{w("audit.setting")}</th>
                    <th>{w("audit.old")}</th>
                    <th>{w("audit.new")}</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map(({ name, old, now }) => (
                    <tr key={name}>
                      <td class="mono">{name}</td>
                      <td class="mono was">{written(words, old)}</td>
                      <td class="mono now">{written(words, now)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )}
      </details>
    </li>
  );
}

/** What only says that something was changed, or that everybody knows. */
const dull = new Set([
  ...["account_id", "account_tag", "created_at", "id", "internal_id", "is_default", "modified_at"],
  ...["gateway", "gateway_id", "last_used_at", "overrides", "secret_id", "source"],
]);

function differences({ old, new: now }: Change): { name: string; old: unknown; now: unknown }[] {
  const from = membersOf(old), to = membersOf(now);
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .filter((name) => !dull.has(name) && !isSame(from[name] ?? null, to[name] ?? null))
    .sort()
    .map((name) => ({ name, old: from[name], now: to[name] }));
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Record<string, unknown>
    : {};
}

function nameOf({ old, new: now, resource_id }: Change): string {
  const { name, provider_slug, alias } = { ...membersOf(old), ...membersOf(now) };
  if (typeof name === "string") return name;
  return typeof provider_slug === "string" ? `${provider_slug} · ${String(alias)}` : resource_id;
}

function written({ w }: Words, value: unknown): string {
  if (value === null || value === undefined) return w("audit.nothing");
  if (typeof value === "string") return value === "" ? '""' : value;
  return JSON.stringify(value);
}
