/** Makes a virtual key, or changes one. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { useForm } from "../../ui/form.ts";
import { SelectField, TextField } from "../../ui/input.tsx";
import { Pairs, TextList } from "../../ui/lists.tsx";
import { Dialog } from "../../ui/mod.tsx";
import { Limits } from "./limits.tsx";
import type { VirtualKey } from "./types.ts";
import { useWords } from "./words.ts";

const fields = ["name", "expires_at", "gateways", "providers", "models", "metadata", "limits"];
const day = 86_400_000;
const days = [7, 30, 90, 365];

/** In the reader's own time zone, as the input has it. */
function localOf(at: string | null | undefined): string {
  if (!at) return "";
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** Numbers and booleans are what they look like. */
function valueOf(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return text !== "" && String(Number(text)) === text ? Number(text) : text;
}

export function VirtualForm({ path, old, onClose, onDone }: {
  path: string;
  /** A new one without it. */
  old: VirtualKey | undefined;
  onClose(): void;
  onDone(key: VirtualKey): void;
}): JSX.Element {
  const { w, t } = useWords();
  const form = useForm(fields);
  const [name, setName] = useState(old?.name ?? "");
  const [expiry, setExpiry] = useState(old?.expires_at ? "date" : "never");
  const [date, setDate] = useState(localOf(old?.expires_at));
  const [gateways, setGateways] = useState(old?.gateways ?? []);
  const [providers, setProviders] = useState(old?.providers ?? []);
  const [models, setModels] = useState(old?.models ?? []);
  const [limits, setLimits] = useState(old?.limits ?? []);
  const [metadata, setMetadata] = useState<[string, string][]>(
    Object.entries(old?.metadata ?? {}).map(([name, value]) => [name, String(value)]),
  );
  /** To the minute; what was not touched keeps its seconds. */
  const endOf = (): string | null => {
    if (expiry === "never") return null;
    if (expiry !== "date") return new Date(Date.now() + Number(expiry) * day).toISOString();
    return old?.expires_at && date === localOf(old.expires_at)
      ? old.expires_at
      : new Date(date).toISOString();
  };
  const submit = async (event: Event) => {
    event.preventDefault();
    const entries = metadata.map(([name, value]) => [name.trim(), valueOf(value)] as const)
      .filter(([name]) => name !== "");
    const body = {
      name: name.trim(),
      expires_at: endOf(),
      gateways: orNull(gateways),
      providers: orNull(providers),
      models: orNull(models),
      metadata: entries.length > 0 ? Object.fromEntries(entries) : null,
      limits: orNull(limits),
    };
    await form.send(async () => {
      const { result } = old === undefined
        ? await call<VirtualKey>("POST", path, withoutNull(body))
        : await call<VirtualKey>("PATCH", `${path}/${old.id}`, body);
      onDone(result);
    });
  };
  const isMore = gateways.length + metadata.length > 0 ||
    form.at("metadata") !== undefined || form.at("gateways") !== undefined;
  return (
    <Dialog
      title={old === undefined ? w("add") : w("edit.title", { name: old.name })}
      onClose={onClose}
    >
      <form class="stack" onSubmit={submit}>
        <TextField
          label={w("name")}
          hint={w("name.hint")}
          error={form.at("name")}
          required
          maxLength={256}
          autocomplete="off"
          value={name}
          onChange={setName}
        />
        <div class="grid">
          <SelectField
            label={w("expires")}
            error={expiry === "date" ? undefined : form.at("expires_at")}
            value={expiry}
            options={[
              ["never", w("expires.never")],
              ...days.map((count) => [String(count), w("expires.days", { days: count })] as const),
              ["date", w("expires.custom")],
            ]}
            onChange={setExpiry}
          />
          {expiry === "date" && (
            <TextField
              label={w("expires.at")}
              error={form.at("expires_at")}
              type="datetime-local"
              required
              value={date}
              onChange={setDate}
            />
          )}
        </div>
        <div class="grid">
          <TextList
            label={w("models")}
            hint={w("models.hint")}
            error={form.at("models")}
            values={models}
            onChange={setModels}
          />
          <TextList
            label={w("providers")}
            hint={w("providers.hint")}
            error={form.at("providers")}
            values={providers}
            onChange={setProviders}
          />
        </div>
        <Limits limits={limits} error={form.at("limits")} onChange={setLimits} />
        <details open={isMore}>
          <summary>{w("more")}</summary>
          <div class="stack inner">
            <TextList
              label={w("gateways")}
              hint={w("gateways.hint")}
              error={form.at("gateways")}
              values={gateways}
              onChange={setGateways}
            />
            <Pairs
              label={w("metadata")}
              hint={w("metadata.hint")}
              error={form.at("metadata")}
              pairs={metadata}
              onChange={setMetadata}
            />
          </div>
        </details>
        {form.rest && <p class="bad" role="alert">{form.rest}</p>}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary" disabled={form.busy}>
            {old === undefined ? w("add") : t("save")}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function orNull<T>(list: readonly T[]): readonly T[] | null {
  return list.length > 0 ? list : null;
}

function withoutNull(body: object): object {
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== null));
}
