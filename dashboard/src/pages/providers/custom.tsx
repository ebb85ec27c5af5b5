/** Custom providers: servers of one's own. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { Empty, Failure, Icon } from "../../ui/mod.tsx";
import { Table } from "../../ui/table.tsx";
import { More, usePages } from "../../ui/pages.tsx";
import { CustomForm } from "./custom-form.tsx";
import { Prices } from "./prices.tsx";
import type { Custom } from "./types.ts";
import { type Name, useWords } from "./words.ts";

export function CustomProviders({ onChanged }: { onChanged(): void }): JSX.Element {
  const { w, t } = useWords();
  const [form, setForm] = useState<Custom | "new">();
  const [going, setGoing] = useState<Custom>();
  const [priced, setPriced] = useState<Custom>();
  const [problem, setProblem] = useState<unknown>();
  const pages = usePages<Custom>("/custom-providers");
  const { items, error, reload } = pages;
  const changed = () => {
    reload();
    onChanged();
  };
  const toggle = (one: Custom, enable: boolean) => {
    setProblem(undefined);
    call("PATCH", `/custom-providers/${one.id}`, { enable }).then(changed, setProblem);
  };
  return (
    <section class="card">
      <div class="head">
        <h2>{w("custom")}</h2>
        <button type="button" class="button primary" onClick={() => setForm("new")}>
          <Icon name="plus" />
          {w("add")}
        </button>
      </div>
      <div class="card-body stack">
        <p class="soft">{w("custom.about")}</p>
        {problem !== undefined && <Failure error={problem} />}
        <Table
          items={items}
          error={error}
          onRetry={reload}
          lines={3}
          empty={<Empty title={w("none")}>{w("none.about")}</Empty>}
          columns={[w("name"), w("state"), w("asked"), w("url")]}
          actions={w("actions")}
          row={(one) => (
            <Row
              key={one.id}
              value={one}
              onToggle={(on) => toggle(one, on)}
              onPrices={() => setPriced(one)}
              onEdit={() => setForm(one)}
              onDelete={() => setGoing(one)}
            />
          )}
        />
        <More pages={pages} />
      </div>
      {form !== undefined && (
        <CustomForm
          old={form === "new" ? undefined : form}
          onClose={() => setForm(undefined)}
          onDone={() => {
            setForm(undefined);
            changed();
          }}
        />
      )}
      {priced && <Prices provider={priced} onClose={() => setPriced(undefined)} />}
      {going && (
        <Confirm
          title={w("delete.title", { name: going.name })}
          action={t("delete")}
          typed={going.slug}
          onClose={() => setGoing(undefined)}
          run={async () => {
            await call("DELETE", `/custom-providers/${going.id}`);
            changed();
          }}
        >
          {w("delete.sure", { name: going.requested_as })}
        </Confirm>
      )}
    </section>
  );
}

function Row({ value: one, onToggle, onPrices, onEdit, onDelete }: {
  value: Custom;
  onToggle(on: boolean): void;
  onPrices(): void;
  onEdit(): void;
  onDelete(): void;
}): JSX.Element {
  const { w, t } = useWords();
  const { name } = one;
  return (
    <tr>
      <td>
        <strong>{name}</strong>
        {one.description && <div class="soft small-print">{one.description}</div>}
      </td>
      <td data-label={w("state")}>
        <span class="row nowrap">
          <input
            type="checkbox"
            role="switch"
            class="toggle"
            aria-label={w("enable.one", { name })}
            checked={one.enable}
            onChange={(event) => onToggle(event.currentTarget.checked)}
          />
          <span class={`badge ${one.enable ? "good" : ""}`}>{w(one.enable ? "on" : "off")}</span>
        </span>
      </td>
      <td data-label={w("asked")}>
        <span class="mono">{one.requested_as}</span>
      </td>
      <td data-label={w("url")}>
        <div>
          <span class="mono">{one.base_url}</span>
          <div class="soft small-print">
            {w(`format.${one.format ?? "openai-chat"}` as Name)}
          </div>
        </div>
      </td>
      <td>
        <div class="row nowrap end">
          <button type="button" class="button small" onClick={onPrices}>
            {w("prices")}
            <span class="hush">{name}</span>
          </button>
          <button type="button" class="button small" onClick={onEdit}>
            {w("edit")}
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
