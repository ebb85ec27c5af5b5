import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call, get } from "../api.ts";
import { useLocale } from "../i18n.ts";
import type { PageProps } from "../shell.tsx";
import { Dialog, Failure, Field, messageOf, Skeleton, Switch, useLoaded } from "../ui/mod.tsx";
import { Connect } from "./gateways/connect.tsx";
import { words } from "./gateways/words.ts";

type Settings = Record<string, unknown> & { id: string; source: string };

/** A setting that is a number, and what it is in. */
interface NumberSetting {
  name: string;
  unit?: string;
}

const sections = [
  {
    name: "cache",
    switches: ["cache_invalidate_on_update"],
    numbers: [{ name: "cache_ttl", unit: "s" }, { name: "cache_stale_if_error", unit: "s" }],
  },
  {
    name: "limits",
    switches: [],
    numbers: [{ name: "rate_limiting_limit" }, { name: "rate_limiting_interval", unit: "s" }],
  },
  {
    name: "retries",
    switches: [],
    numbers: [
      { name: "retry_max_attempts" },
      { name: "retry_delay", unit: "ms" },
      { name: "timeout_first_byte", unit: "ms" },
      { name: "timeout_idle", unit: "ms" },
    ],
  },
  {
    name: "logs",
    switches: ["collect_logs", "collect_log_payload"],
    numbers: [{ name: "log_management" }, { name: "log_retention_days", unit: "d" }],
  },
  { name: "access", switches: ["authentication", "byok_only"], numbers: [] },
] as const satisfies {
  name: string;
  switches: readonly string[];
  numbers: readonly NumberSetting[];
}[];

export function Gateways({ gateway }: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [tab, setTab] = useState<"settings" | "connect">("settings");
  const [adding, setAdding] = useState(false);
  const path = `/gateways/${encodeURIComponent(gateway)}`;
  const { value, error, reload } = useLoaded(path, (signal) => get<Settings>(path, signal));
  return (
    <>
      <div class="head">
        <h1>{gateway}</h1>
        <button type="button" class="button" onClick={() => setAdding(true)}>{w("add")}</button>
      </div>
      <div class="tabs" role="tablist">
        {(["settings", "connect"] as const).map((name) => (
          <button
            key={name}
            type="button"
            role="tab"
            aria-selected={tab === name}
            onClick={() => setTab(name)}
          >
            {w(name)}
          </button>
        ))}
      </div>
      {tab === "connect"
        ? <Connect gateway={gateway} />
        : value === undefined
        ? error === undefined
          ? <Skeleton lines={8} height={32} />
          : <Failure error={error} onRetry={reload} />
        : (
          <Form
            key={`${gateway} ${JSON.stringify(value.result)}`}
            path={path}
            settings={value.result}
            onSaved={reload}
          />
        )}
      {adding && <NewGateway onClose={() => setAdding(false)} />}
      <span class="hush">{t("gateway")}</span>
    </>
  );
}

/** Only what was changed is saved. */
function Form(
  { path, settings, onSaved }: { path: string; settings: Settings; onSaved(): void },
): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [changes, setChanges] = useState<Record<string, unknown>>({});
  const [problem, setProblem] = useState<unknown>();
  const [saved, setSaved] = useState(false);
  const valueOf = (name: string) => name in changes ? changes[name] : settings[name];
  const set = (name: string, value: unknown) => {
    setSaved(false);
    setChanges({ ...changes, [name]: value });
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await call("PATCH", path, changes);
      setProblem(undefined);
      setSaved(true);
      onSaved();
    } catch (error) {
      setProblem(error);
    }
  };
  const remove = () => {
    if (!confirm(w(settings.source === "stored" ? "sureDelete" : "sureReset"))) return;
    call("DELETE", path).then(() => location.reload(), setProblem);
  };
  return (
    <form class="stack" onSubmit={submit}>
      {settings.source !== "config" && settings.source !== "stored" && (
        <p class="note">{w("overridden")}</p>
      )}
      {sections.map(({ name, switches, numbers }) => (
        <section class="card" key={name}>
          <div class="head">
            <h2>{w(name)}</h2>
          </div>
          <div class="card-body stack">
            <p class="soft">{w(`${name}.hint`)}</p>
            {switches.map((each) => (
              <Switch
                key={each}
                label={w(each)}
                checked={valueOf(each) === true}
                onChange={(on) => set(each, on)}
              />
            ))}
            <div class="grid">
              {numbers.map((each: NumberSetting) => (
                <Field
                  key={each.name}
                  label={w(each.name as Parameters<typeof w>[0]) +
                    (each.unit ? ` (${each.unit})` : "")}
                >
                  {(given) => (
                    <input
                      {...given}
                      class="input"
                      type="number"
                      min="0"
                      value={String(valueOf(each.name) ?? "")}
                      onInput={(event) => {
                        const text = event.currentTarget.value;
                        set(each.name, text === "" ? null : Number(text));
                      }}
                    />
                  )}
                </Field>
              ))}
            </div>
          </div>
        </section>
      ))}
      {problem !== undefined && (
        <p class="bad" role="alert">{messageOf(problem, t("error.offline"))}</p>
      )}
      <div class="row">
        <button type="submit" class="button primary" disabled={Object.keys(changes).length === 0}>
          {t("save")}
        </button>
        <button
          type="button"
          class="button"
          disabled={Object.keys(changes).length === 0}
          onClick={() => setChanges({})}
        >
          {w("discard")}
        </button>
        <span role="status" aria-live="polite" class="good">{saved ? w("saved") : ""}</span>
        {settings.source !== "config" && (
          <button type="button" class="button danger" onClick={remove}>
            {w(settings.source === "stored" ? "remove" : "reset")}
          </button>
        )}
      </div>
    </form>
  );
}

function NewGateway({ onClose }: { onClose(): void }): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [id, setId] = useState("");
  const [problem, setProblem] = useState<unknown>();
  const submit = async (event: Event) => {
    event.preventDefault();
    try {
      await call("POST", "/gateways", {
        id,
        cache_ttl: 0,
        cache_invalidate_on_update: false,
        collect_logs: true,
        rate_limiting_interval: 60,
        rate_limiting_limit: 0,
      });
      localStorage.setItem("sluice.gateway", id);
      location.reload();
    } catch (error) {
      setProblem(error);
    }
  };
  return (
    <Dialog title={w("add")} onClose={onClose}>
      <form class="stack" onSubmit={submit}>
        <Field label={w("id")} hint={w("idHint")}>
          {(given) => (
            <input
              {...given}
              class="input"
              required
              pattern="[a-z0-9_]+(-[a-z0-9_]+)*"
              maxLength={64}
              value={id}
              onInput={(event) => setId(event.currentTarget.value)}
            />
          )}
        </Field>
        {problem !== undefined && (
          <p class="bad" role="alert">{messageOf(problem, t("error.offline"))}</p>
        )}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary">{w("add")}</button>
        </div>
      </form>
    </Dialog>
  );
}
