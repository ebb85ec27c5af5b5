/** Provider keys that are stored for a gateway. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { ApiFailure, call, get } from "../../api.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { Copy, Empty, Icon, useLoaded } from "../../ui/mod.tsx";
import { Table } from "../../ui/table.tsx";
import { More, usePages } from "../../ui/pages.tsx";
import { ProviderForm, Rotate } from "./provider-form.tsx";
import type { ProviderChoice, ProviderKey } from "./types.ts";
import { useWords } from "./words.ts";

export function ProviderKeys(
  { gateway, adding }: { gateway: string; adding: string | undefined },
): JSX.Element {
  const { w, t } = useWords();
  const path = `/gateways/${encodeURIComponent(gateway)}/provider_configs`;
  /** Provider that a key is to be stored for. */
  const [form, setForm] = useState(adding);
  const [rotating, setRotating] = useState<ProviderKey>();
  const [going, setGoing] = useState<ProviderKey>();
  const [isRefused, setRefused] = useState(false);
  const pages = usePages<ProviderKey>(path);
  const { items, error, reload } = pages;
  const { value: known } = useLoaded("providers", async (signal) => {
    const [{ result: providers }, session] = await Promise.all([
      get<ProviderChoice[]>("/providers?per_page=1000", signal),
      call<never>("GET", "/dashboard/session", undefined, signal),
    ]);
    const { encrypts = true } = session as unknown as { encrypts?: boolean };
    return { providers, encrypts };
  });
  const cannot = isRefused || known?.encrypts === false;
  const configured =
    known?.providers.flatMap(({ slug, configured_keys: aliases = [] }) =>
      aliases.length === 0
        ? []
        : aliases.every((alias) => alias === "default")
        ? [slug]
        : [`${slug} (${aliases.join(", ")})`]
    ) ?? [];
  const done = () => {
    setForm(undefined);
    setRotating(undefined);
    reload();
  };
  const onProblem = (problem: unknown) => {
    if (!(problem instanceof ApiFailure) || problem.code !== 8016) return;
    setForm(undefined);
    setRotating(undefined);
    setRefused(true);
  };
  return (
    <section class="card">
      <div class="head">
        <p class="soft about">{w("provider.about")}</p>
        <button
          type="button"
          class="button primary"
          disabled={cannot}
          onClick={() => setForm("openai")}
        >
          <Icon name="plus" />
          {w("add")}
        </button>
      </div>
      <div class="card-body stack">
        {cannot && <MasterKey />}
        {configured.length > 0 && (
          <p class="note">
            <strong>{w("configured")}</strong>
            <span>{w("configured.about", { names: configured.join(", ") })}</span>
          </p>
        )}
        <Table
          items={items}
          error={error}
          onRetry={reload}
          lines={4}
          empty={<Empty title={w("none")}>{w("none.provider")}</Empty>}
          columns={[w("slug"), w("alias"), w("secret"), w("limits"), w("modified")]}
          actions={w("actions")}
          row={(key) => (
            <Row
              key={key.id}
              value={key}
              onRotate={() => setRotating(key)}
              onDelete={() => setGoing(key)}
            />
          )}
        />
        <More pages={pages} />
      </div>
      {form !== undefined && !cannot && (
        <ProviderForm
          path={path}
          slug={form}
          stored={items ?? []}
          providers={known?.providers ?? []}
          onClose={() => setForm(undefined)}
          onProblem={onProblem}
          onDone={done}
        />
      )}
      {rotating && (
        <Rotate
          path={path}
          value={rotating}
          onClose={() => setRotating(undefined)}
          onProblem={onProblem}
          onDone={done}
        />
      )}
      {going && (
        <Confirm
          title={w("delete.title", { name: `${going.provider_slug} · ${going.alias}` })}
          action={t("delete")}
          onClose={() => setGoing(undefined)}
          run={async () => {
            await call("DELETE", `${path}/${going.id}`);
            reload();
          }}
        >
          {w("delete.provider")}
        </Confirm>
      )}
    </section>
  );
}

function Row({ value: key, onRotate, onDelete }: {
  value: ProviderKey;
  onRotate(): void;
  onDelete(): void;
}): JSX.Element {
  const { w, t, time, number } = useWords();
  const name = `${key.provider_slug} ${key.alias}`;
  return (
    <tr>
      <td>
        <strong>{key.provider_slug}</strong>
      </td>
      <td data-label={w("alias")}>
        <span class="row">
          <span class="mono">{key.alias}</span>
          {key.default_config && <span class="badge accent">{w("default")}</span>}
        </span>
      </td>
      <td data-label={w("secret")}>
        <span class="mono">{key.secret_preview}</span>
      </td>
      <td data-label={w("limits")}>
        {key.rate_limit === undefined ? <span class="soft">{w("limits.none")}</span> : (
          <span>
            {w("rate.said", {
              count: number(key.rate_limit),
              period: number(key.rate_limit_period ?? 60),
            })}
          </span>
        )}
      </td>
      <td data-label={w("modified")}>
        <span>{time(key.modified_at)}</span>
      </td>
      <td>
        <div class="row nowrap end">
          <button type="button" class="button small" onClick={onRotate}>
            {w("rotate")}
            <span class="hush">{name}</span>
          </button>
          <button type="button" class="button small danger" onClick={onDelete}>
            {t("delete")}
            <span class="hush">{name}</span>
          </button>
        </div>
      </td>
    </tr>
  );
}

/** What is missing before keys can be stored. */
function MasterKey(): JSX.Element {
  const { w } = useWords();
  const line = "export SLUICE_MASTER_KEY=$(openssl rand -base64 32)";
  return (
    <div class="note warn">
      <strong>{w("master")}</strong>
      <span>{w("master.about")}</span>
      <div class="row">
        <code class="code wrap">{line}</code>
        <Copy text={line} />
      </div>
      <span>{w("master.keep")}</span>
    </div>
  );
}
