/** Virtual keys of a gateway. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { Confirm } from "../../ui/confirm.tsx";
import { dayOf } from "../../ui/lasting.ts";
import { Empty, Failure, Icon } from "../../ui/mod.tsx";
import { Table } from "../../ui/table.tsx";
import { More, usePages } from "../../ui/pages.tsx";
import { limitSaid } from "./limits.tsx";
import { Made } from "./made.tsx";
import type { VirtualKey } from "./types.ts";
import { VirtualForm } from "./virtual-form.tsx";
import { useWords } from "./words.ts";

/** What the dashboard makes for its own requests; it ends by itself. */
function isPages({ name, expires_at, created_at }: VirtualKey): boolean {
  return name === "dashboard" && expires_at !== null &&
    Date.parse(expires_at) - Date.parse(created_at) < 2 * 3600_000;
}

export function VirtualKeys(
  { gateway, adding }: { gateway: string; adding: boolean },
): JSX.Element {
  const { w, t } = useWords();
  const path = `/gateways/${encodeURIComponent(gateway)}/virtual_keys`;
  const [form, setForm] = useState<VirtualKey | "new" | undefined>(adding ? "new" : undefined);
  const [made, setMade] = useState<VirtualKey>();
  const [going, setGoing] = useState<VirtualKey>();
  const [problem, setProblem] = useState<unknown>();
  const [sought, setSought] = useState("");
  const pages = usePages<VirtualKey>(path);
  const { items, error, reload } = pages;
  const own = items?.filter((each) => !isPages(each));
  const hidden = (items?.length ?? 0) - (own?.length ?? 0);
  const text = sought.trim().toLowerCase();
  const found = own?.filter(({ name, preview }) =>
    `${name} ${preview}`.toLowerCase().includes(text)
  );
  const toggle = (key: VirtualKey, enabled: boolean) => {
    setProblem(undefined);
    call("PATCH", `${path}/${key.id}`, { enabled }).then(reload, setProblem);
  };
  return (
    <section class="card">
      <div class="head">
        <p class="soft about">{w("virtual.about")}</p>
        <button type="button" class="button primary" onClick={() => setForm("new")}>
          <Icon name="plus" />
          {w("add")}
        </button>
      </div>
      <div class="card-body stack">
        {problem !== undefined && <Failure error={problem} />}
        {(own?.length ?? 0) > 8 && (
          <input
            class="input seek"
            type="search"
            aria-label={w("search")}
            placeholder={w("search")}
            value={sought}
            onInput={(event) => setSought(event.currentTarget.value)}
          />
        )}
        <Table
          items={found}
          error={error}
          onRetry={reload}
          lines={5}
          empty={own?.length === 0
            ? <Empty title={w("none")}>{w("none.virtual")}</Empty>
            : <Empty title={w("none.found")} />}
          columns={[w("name"), w("state"), w("may"), w("limits"), w("expires"), w("used")]}
          actions={w("actions")}
          row={(key) => (
            <Row
              key={key.id}
              value={key}
              onToggle={(on) => toggle(key, on)}
              onEdit={() => setForm(key)}
              onDelete={() => setGoing(key)}
            />
          )}
        />
        {hidden > 0 && <p class="soft small-print">{w("own.hidden", { count: hidden })}</p>}
        <More pages={pages} />
      </div>
      {form !== undefined && (
        <VirtualForm
          path={path}
          old={form === "new" ? undefined : form}
          onClose={() => setForm(undefined)}
          onDone={(key) => {
            setForm(undefined);
            if (key.key !== undefined) setMade(key);
            reload();
          }}
        />
      )}
      {made?.key !== undefined && (
        <Made
          gateway={gateway}
          secret={made.key}
          onClose={() => setMade(undefined)}
        />
      )}
      {going && (
        <Confirm
          title={w("delete.title", { name: going.name })}
          action={t("delete")}
          onClose={() => setGoing(undefined)}
          run={async () => {
            await call("DELETE", `${path}/${going.id}`);
            reload();
          }}
        >
          {w("delete.sure")}
        </Confirm>
      )}
    </section>
  );
}

function Row({ value: key, onToggle, onEdit, onDelete }: {
  value: VirtualKey;
  onToggle(on: boolean): void;
  onEdit(): void;
  onDelete(): void;
}): JSX.Element {
  const words = useWords();
  const { w, t, time } = words;
  const isOver = key.expires_at !== null && Date.parse(key.expires_at) <= Date.now();
  const may = [...key.providers ?? [], ...key.models ?? []];
  return (
    <tr>
      <td>
        <strong>{key.name}</strong>
        <div class="mono soft one-line">{key.preview}</div>
        {key.metadata && (
          <div class="soft small-print">
            {Object.entries(key.metadata).map(([name, value]) => `${name}: ${value}`).join(", ")}
          </div>
        )}
      </td>
      <td data-label={w("state")}>
        <span class="row nowrap">
          <input
            type="checkbox"
            role="switch"
            class="toggle"
            aria-label={w("turnOn", { name: key.name })}
            checked={key.enabled}
            onChange={(event) => onToggle(event.currentTarget.checked)}
          />
          <span class={`badge ${isOver ? "warn" : key.enabled ? "good" : ""}`}>
            {w(isOver ? "expired" : key.enabled ? "on" : "off")}
          </span>
        </span>
      </td>
      <td data-label={w("may")}>
        <div>
          {may.length === 0
            ? <span class="soft">{w("may.all")}</span>
            : <span class="mono">{may.join(", ")}</span>}
          {key.gateways && (
            <div class="soft small-print">{`${w("gateways")}: ${key.gateways.join(", ")}`}</div>
          )}
        </div>
      </td>
      <td data-label={w("limits")}>
        {key.limits?.length
          ? (
            <div>
              {key.limits.map((limit, i) => (
                <div class="one-line" key={i}>{limitSaid(words, limit)}</div>
              ))}
            </div>
          )
          : <span class="soft">{w("limits.none")}</span>}
      </td>
      <td data-label={w("expires")}>
        {key.expires_at === null
          ? <span class="soft">{w("expires.never")}</span>
          : <span class={isOver ? "warn" : ""}>{dayOf(words, key.expires_at)}</span>}
      </td>
      <td data-label={w("used")}>
        {key.last_used_at
          ? <span>{time(key.last_used_at)}</span>
          : <span class="soft">{w("never")}</span>}
      </td>
      <td>
        <div class="row nowrap end">
          <button type="button" class="button small" onClick={onEdit}>
            {w("edit")}
            <span class="hush">{key.name}</span>
          </button>
          <button type="button" class="button small danger" onClick={onDelete}>
            {t("delete")}
            <span class="hush">{key.name}</span>
          </button>
        </div>
      </td>
    </tr>
  );
}
