/** Stores a provider's key, or puts another secret in its place. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { call } from "../../api.ts";
import { useForm } from "../../ui/form.ts";
import { AreaField, SelectField, TextField } from "../../ui/input.tsx";
import { Dialog, Switch } from "../../ui/mod.tsx";
import type { ProviderChoice, ProviderKey } from "./types.ts";
import { useWords } from "./words.ts";

interface Done {
  onClose(): void;
  onDone(): void;
  onProblem(problem: unknown): void;
}

/** Credentials that have several parts. */
const examples: Readonly<Record<string, string>> = {
  "aws-bedrock": '{"accessKeyId": "…", "secretAccessKey": "…"}',
  "google-vertex-ai": '{"type": "service_account", …}',
};

function Secret({ label, slug, error, value, onChange }: {
  label: string;
  slug: string;
  error: string | undefined;
  value: string;
  onChange(text: string): void;
}): JSX.Element {
  const { w } = useWords();
  const example = examples[slug];
  const common = { label, error, required: true, value, onChange };
  return example === undefined
    ? (
      <TextField
        {...common}
        hint={w("secret.hint")}
        type="password"
        autocomplete="off"
        mono
      />
    )
    : <AreaField {...common} hint={w("secret.json", { example })} />;
}

export function ProviderForm({ path, slug: first, stored, providers, ...on }: Done & {
  path: string;
  slug: string;
  stored: readonly ProviderKey[];
  providers: readonly ProviderChoice[];
}): JSX.Element {
  const { w, t } = useWords();
  const form = useForm(["provider_slug", "alias", "secret", "rate_limit", "rate_limit_period"]);
  const [slug, setSlug] = useState(first);
  const [alias, setAlias] = useState("default");
  const [isDefault, setDefault] = useState(true);
  const [secret, setSecret] = useState("");
  const [rate, setRate] = useState("");
  const [period, setPeriod] = useState("60");
  const slugs = [...new Set([slug, ...providers.map((each) => each.slug)])].sort();
  const replaces = stored.some((key) => key.provider_slug === slug && key.alias === alias);
  const submit = async (event: Event) => {
    event.preventDefault();
    const body = {
      provider_slug: slug,
      alias,
      secret,
      default_config: isDefault,
      ...rate !== "" && { rate_limit: Number(rate), rate_limit_period: Number(period) },
    };
    await form.send(() => told(call("POST", path, body), on));
  };
  return (
    <Dialog title={w("add")} onClose={on.onClose}>
      <form class="stack" onSubmit={submit}>
        <div class="grid">
          <SelectField
            label={w("slug")}
            error={form.at("provider_slug")}
            value={slug}
            options={slugs.map((each) => [each, each])}
            onChange={setSlug}
          />
          <TextField
            label={w("alias")}
            error={form.at("alias")}
            required
            mono
            maxLength={64}
            value={alias}
            onChange={(text) => {
              setAlias(text);
              setDefault(text === "default");
            }}
          />
        </div>
        <p class="soft">{w("alias.hint")}</p>
        <Secret
          label={w("secret")}
          slug={slug}
          error={form.at("secret")}
          value={secret}
          onChange={setSecret}
        />
        {replaces && <p class="note warn">{w("replace")}</p>}
        <Switch label={w("default.switch")} checked={isDefault} onChange={setDefault} />
        <div class="grid">
          <TextField
            label={w("rate")}
            hint={w("rate.hint")}
            error={form.at("rate_limit")}
            type="number"
            min={1}
            step={1}
            value={rate}
            onChange={setRate}
          />
          <TextField
            label={w("rate.period")}
            error={form.at("rate_limit_period")}
            type="number"
            min={1}
            step={1}
            required={rate !== ""}
            value={period}
            onChange={setPeriod}
          />
        </div>
        {form.rest && <p class="bad" role="alert">{form.rest}</p>}
        <div class="row end">
          <button type="button" class="button" onClick={on.onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary" disabled={form.busy}>{t("save")}</button>
        </div>
      </form>
    </Dialog>
  );
}

export function Rotate({ path, value: key, ...on }: Done & {
  path: string;
  value: ProviderKey;
}): JSX.Element {
  const { w, t } = useWords();
  const form = useForm(["secret"]);
  const [secret, setSecret] = useState("");
  const submit = async (event: Event) => {
    event.preventDefault();
    await form.send(() => told(call("PUT", `${path}/${key.id}`, { secret }), on));
  };
  return (
    <Dialog
      title={w("rotate.title", { name: `${key.provider_slug} · ${key.alias}` })}
      onClose={on.onClose}
    >
      <form class="stack" onSubmit={submit}>
        <p class="soft">{w("rotate.about")}</p>
        <Secret
          label={w("rotate.secret")}
          slug={key.provider_slug}
          error={form.at("secret")}
          value={secret}
          onChange={setSecret}
        />
        {form.rest && <p class="bad" role="alert">{form.rest}</p>}
        <div class="row end">
          <button type="button" class="button" onClick={on.onClose}>{t("cancel")}</button>
          <button type="submit" class="button primary" disabled={form.busy}>{w("rotate")}</button>
        </div>
      </form>
    </Dialog>
  );
}

/** The list around the form learns of a store that cannot encrypt. */
async function told(work: Promise<unknown>, { onDone, onProblem }: Done): Promise<void> {
  try {
    await work;
  } catch (problem) {
    onProblem(problem);
    throw problem;
  }
  onDone();
}
