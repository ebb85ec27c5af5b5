/** Makes a custom provider, or changes one; only what was changed is sent. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { useForm } from "../../ui/form.ts";
import { SelectField, TextField } from "../../ui/input.tsx";
import { Pairs } from "../../ui/lists.tsx";
import { Dialog, Switch } from "../../ui/mod.tsx";
import { type Custom, formats } from "./types.ts";
import { useWords } from "./words.ts";

const fields = [
  ...["name", "slug", "base_url", "format", "headers", "key_header", "key_scheme", "description"],
];

export function CustomForm({ old, onClose, onDone }: {
  old: Custom | undefined;
  onClose(): void;
  onDone(): void;
}): JSX.Element {
  const { w, t } = useWords();
  const form = useForm(fields);
  const [said, setSaid] = useState({
    name: old?.name ?? "",
    slug: old?.slug ?? "",
    base_url: old?.base_url ?? "",
    format: old?.format ?? "openai-chat",
    key_header: old?.key_header ?? "",
    key_scheme: old?.key_scheme ?? "",
    description: old?.description ?? "",
    enable: old?.enable ?? true,
  });
  const [headers, setHeaders] = useState(pairsOf(old?.headers ?? null));
  const [isNamed, setNamed] = useState(old !== undefined);
  const set = (change: Partial<typeof said>) => setSaid({ ...said, ...change });
  const submit = async (event: Event) => {
    event.preventDefault();
    const entries = headers.filter(([name]) => name.trim() !== "");
    const body: Record<string, unknown> = {
      ...said,
      key_header: said.key_header || null,
      key_scheme: said.key_scheme || null,
      description: said.description || null,
      headers: entries.length > 0 ? JSON.stringify(Object.fromEntries(entries)) : null,
    };
    if (old !== undefined) {
      const before: Record<string, unknown> = {
        ...old,
        format: old.format ?? "openai-chat",
        headers: old.headers === null
          ? null
          : JSON.stringify(Object.fromEntries(pairsOf(old.headers))),
      };
      for (const name of Object.keys(body)) {
        if (body[name] === before[name]) delete body[name];
      }
    }
    const done = await form.send(() =>
      old === undefined
        ? call("POST", "/custom-providers", body)
        : call("PATCH", `/custom-providers/${old.id}`, body)
    );
    if (done) onDone();
  };
  const isMore = headers.length > 0 || said.key_header !== "" || said.key_scheme !== "" ||
    said.description !== "" || fields.slice(4).some((name) => form.at(name) !== undefined);
  return (
    <Dialog
      title={old === undefined ? w("add") : w("edit.title", { name: old.name })}
      onClose={onClose}
    >
      <form class="stack" onSubmit={submit}>
        <div class="grid">
          <TextField
            label={w("name")}
            error={form.at("name")}
            required
            maxLength={256}
            value={said.name}
            onChange={(name) => set({ name, ...!isNamed && { slug: slugOf(name) } })}
          />
          <TextField
            label={w("slug")}
            hint={w("slug.hint", { slug: said.slug || "…" })}
            error={form.at("slug")}
            required
            mono
            maxLength={64}
            value={said.slug}
            onChange={(slug) => {
              setNamed(true);
              set({ slug });
            }}
          />
        </div>
        <TextField
          label={w("url")}
          hint={w("url.hint")}
          error={form.at("base_url")}
          type="url"
          required
          mono
          placeholder="https://api.example.com/v1"
          value={said.base_url}
          onChange={(base_url) => set({ base_url })}
        />
        <SelectField
          label={w("format")}
          hint={w("format.hint")}
          error={form.at("format")}
          value={said.format}
          options={formats.map((format) => [format, w(`format.${format}`)])}
          onChange={(format) => set({ format })}
        />
        <Switch
          label={w("enable")}
          checked={said.enable}
          onChange={(enable) => set({ enable })}
        />
        <details open={isMore}>
          <summary>{w("more")}</summary>
          <div class="stack inner">
            <Pairs
              label={w("headers")}
              hint={w("headers.hint")}
              error={form.at("headers")}
              secret
              pairs={headers}
              onChange={setHeaders}
            />
            <div class="grid">
              <TextField
                label={w("key_header")}
                hint={w("key_header.hint")}
                error={form.at("key_header")}
                mono
                value={said.key_header}
                onChange={(key_header) => set({ key_header })}
              />
              <TextField
                label={w("key_scheme")}
                hint={w("key_scheme.hint")}
                error={form.at("key_scheme")}
                mono
                value={said.key_scheme}
                onChange={(key_scheme) => set({ key_scheme })}
              />
            </div>
            <TextField
              label={w("description")}
              error={form.at("description")}
              maxLength={4096}
              value={said.description}
              onChange={(description) => set({ description })}
            />
          </div>
        </details>
        {form.rest && <p class="bad" role="alert">{form.rest}</p>}
        <div class="row end">
          <button type="button" class="button" onClick={onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary" disabled={form.busy}>{t("save")}</button>
        </div>
      </form>
    </Dialog>
  );
}

function slugOf(name: string): string {
  return name.toLowerCase().replace(/[^a-z0-9_]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 64);
}

function pairsOf(headers: string | null): [string, string][] {
  try {
    return Object.entries(JSON.parse(headers ?? "{}") as Record<string, string>);
  } catch {
    return [];
  }
}
