/** All providers that requests may name, and whether there is a key for them. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { soon } from "../../api.ts";
import { then } from "../../early.ts";
import { hrefOf } from "../../router.ts";
import { Empty, useLoaded } from "../../ui/mod.tsx";
import { Table } from "../../ui/table.tsx";
import { formats, type Provider } from "./types.ts";
import { type Name, useWords } from "./words.ts";

type Only = "keys" | "custom" | Provider["format"] | undefined;

export function All({ gateway, round }: { gateway: string; round: number }): JSX.Element {
  const { w } = useWords();
  const [sought, setSought] = useState("");
  const [only, setOnly] = useState<Only>();
  const { value, error, reload } = useLoaded(`${gateway} ${round}`, (signal) => {
    const path = `/gateways/${encodeURIComponent(gateway)}/provider_configs?per_page=100`;
    const asked = soon<{ provider_slug: string }[]>(path, signal);
    // The list is there while the store of keys is away.
    const keys = asked instanceof Promise ? asked.catch(() => ({ result: [] })) : asked;
    return then(
      soon<Provider[]>("/providers?per_page=1000", signal),
      ({ result: providers }) =>
        then(keys, ({ result }) => ({
          providers,
          stored: new Set(result.map(({ provider_slug }) => provider_slug)),
        })),
    );
  });
  const hasKey = ({ slug, configured_keys = [] }: Provider) =>
    value?.stored.has(slug) === true || configured_keys.length > 0;
  const text = sought.trim().toLowerCase();
  const found = value?.providers.filter((each) =>
    [each.slug, ...each.aliases ?? [], each.base_url].some((name) =>
      name.toLowerCase().includes(text)
    ) && (only === undefined ||
      (only === "keys"
        ? hasKey(each)
        : only === "custom"
        ? each.source !== "builtin"
        : each.format === only))
  );
  const present = formats.filter((format) =>
    value?.providers.some((each) => each.format === format)
  );
  return (
    <section class="card">
      <div class="head">
        <h2>{w("all")}</h2>
        <span class="soft" role="status" aria-live="polite">
          {found && w("count", { count: found.length })}
        </span>
      </div>
      <div class="card-body stack">
        <p class="soft">{w("all.about", { gateway })}</p>
        <div class="row">
          <input
            class="input seek"
            type="search"
            aria-label={w("search")}
            placeholder={w("search")}
            value={sought}
            onInput={(event) => setSought(event.currentTarget.value)}
          />
          {(["keys", "custom", ...present] as const).map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={only === name}
              onClick={() => setOnly(only === name ? undefined : name)}
            >
              {w(
                (name === "keys" || name === "custom" ? `only.${name}` : `format.${name}`) as Name,
              )}
            </button>
          ))}
        </div>
        <Table
          items={found}
          error={error}
          onRetry={reload}
          lines={10}
          height={28}
          empty={<Empty title={w("none.found")}>{w("none.found.about")}</Empty>}
          columns={[w("slug"), w("url"), w("format"), w("key")]}
          actions={w("actions")}
          row={(each) => (
            <Row
              key={each.slug}
              value={each}
              gateway={gateway}
              isStored={value?.stored.has(each.slug) === true}
            />
          )}
        />
      </div>
    </section>
  );
}

function Row({ value, gateway, isStored }: {
  value: Provider;
  gateway: string;
  isStored: boolean;
}): JSX.Element {
  const { w } = useWords();
  const { slug, aliases = [], base_url, format, source, configured_keys = [] } = value;
  return (
    <tr>
      <td>
        <strong class="one-line">{slug}</strong>
        {aliases.length > 0 && (
          <div class="soft small-print">{w("also", { names: aliases.join(", ") })}</div>
        )}
      </td>
      <td data-label={w("url")}>
        <div>
          <span class="mono long">{base_url.includes("{") ? w("depends") : base_url}</span>
          {source !== "builtin" && <div class="soft small-print">{w(`source.${source}`)}</div>}
        </div>
      </td>
      <td data-label={w("format")}>
        {w(`format.${format}` as Name)}
      </td>
      <td data-label={w("key")}>
        {isStored
          ? <span class="badge good">{w("key.stored")}</span>
          : configured_keys.length > 0
          ? <span class="badge good">{w("key.config")}</span>
          : <span class="soft">{w("key.none")}</span>}
      </td>
      <td>
        <div class="row nowrap end">
          {!isStored && (
            <a class="button small" href={hrefOf("keys", "", { add: slug })}>
              {w("key.add")}
              <span class="hush">{slug}</span>
            </a>
          )}
          <a
            class="button small"
            href={hrefOf("gateways", gateway, { tab: "connect", provider: slug })}
          >
            {w("connect")}
            <span class="hush">{slug}</span>
          </a>
        </div>
      </td>
    </tr>
  );
}
