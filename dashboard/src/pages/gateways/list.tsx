/** All gateways, with what there is to know of each at a glance. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hrefOf } from "../../router.ts";
import { lasting } from "../../ui/lasting.ts";
import { Empty, Failure, Icon, Skeleton } from "../../ui/mod.tsx";
import { More, usePages } from "../../ui/pages.tsx";
import { NewGateway } from "./create.tsx";
import { hasDraft } from "./drafts.ts";
import type { Gateway } from "./fields.ts";
import { useWords } from "./words.ts";

export function List({ onMade }: { onMade(id: string): void }): JSX.Element {
  const { w, t } = useWords();
  const [adding, setAdding] = useState(false);
  const [sought, setSought] = useState("");
  const pages = usePages<Gateway>("/gateways");
  const { items, error, reload, total } = pages;
  const found = items?.filter(({ id }) => id.includes(sought.trim().toLowerCase()));
  return (
    <>
      <div class="head">
        <h1>{t("nav.gateways")}</h1>
        <button type="button" class="button primary" onClick={() => setAdding(true)}>
          <Icon name="plus" />
          {w("add")}
        </button>
      </div>
      <p class="soft measure">{w("list.about")}</p>
      {total > 6 && (
        <input
          class="input seek"
          type="search"
          aria-label={w("search")}
          placeholder={w("search")}
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      )}
      {found === undefined
        ? error === undefined
          ? <Skeleton lines={4} height={64} />
          : <Failure error={error} onRetry={reload} />
        : found.length === 0
        ? <Empty title={w("none.found")} />
        : (
          <ul class="gateway-list">
            {found.map((gateway) => <Item key={gateway.id} gateway={gateway} />)}
          </ul>
        )}
      <More pages={pages} />
      {adding && <NewGateway onClose={() => setAdding(false)} onMade={onMade} />}
    </>
  );
}

function Item({ gateway }: { gateway: Gateway }): JSX.Element {
  const words = useWords();
  const { w, number } = words;
  const { id, source } = gateway;
  return (
    <li class="card">
      <div class="title">
        <h2>
          <a href={hrefOf("gateways", id)}>{id}</a>
        </h2>
        <span class="soft">
          {w(
            id !== "default" || source === "stored"
              ? `source.${source}`
              : source === "config"
              ? "source.builtin"
              : "source.builtin+stored",
          )}
        </span>
        {hasDraft(id) && <span class="badge warn">{w("draft")}</span>}
      </div>
      <ul class="facts">
        <Fact on={gateway.authentication}>
          {w(gateway.authentication ? "auth.on" : "auth.off")}
        </Fact>
        <Fact on={gateway.cache_ttl > 0}>
          {gateway.cache_ttl > 0
            ? w("cache.for", { time: lasting(words, gateway.cache_ttl) })
            : w("cache.off")}
        </Fact>
        <Fact on={gateway.rate_limiting_limit > 0 || gateway.rate_limits.length > 0}>
          {gateway.rate_limiting_limit > 0
            ? w("limit.of", {
              count: number(gateway.rate_limiting_limit),
              time: lasting(words, gateway.rate_limiting_interval),
            })
            : gateway.rate_limits.length > 0
            ? w("limit.rules", { count: gateway.rate_limits.length })
            : w("limit.none")}
        </Fact>
        {gateway.retry_max_attempts > 1 && (
          <Fact on>{w("retry.of", { count: gateway.retry_max_attempts })}</Fact>
        )}
        <Fact on={gateway.collect_logs}>
          {!gateway.collect_logs
            ? w("logs.off")
            : !gateway.collect_log_payload
            ? w("logs.meta")
            : gateway.log_retention_days > 0
            ? w("logs.for", { time: lasting(words, gateway.log_retention_days * 86_400) })
            : w("logs.full")}
        </Fact>
      </ul>
      <div class="row links">
        <a class="button small" href={hrefOf("gateways", id, { tab: "connect" })}>
          {w("connect")}
          <span class="hush">{id}</span>
        </a>
        <a class="button small" href={hrefOf("gateways", id, { tab: "settings" })}>
          {w("settings")}
          <span class="hush">{id}</span>
        </a>
      </div>
    </li>
  );
}

function Fact({ on, children }: { on: boolean; children: string }): JSX.Element {
  return <li class={`badge ${on ? "accent" : ""}`}>{children}</li>;
}
