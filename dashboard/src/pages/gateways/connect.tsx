/** How clients reach a gateway: base URLs, snippets, steps for apps, and a request to try it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { hrefOf } from "../../router.ts";
import { Copy, Failure, Field, Skeleton, useLoaded } from "../../ui/mod.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { type App, appsOf } from "./apps.ts";
import { lendingOf } from "./lending.ts";
import { modelOf, type Provider } from "./providers.ts";
import { baseOf, type Snippet, snippetsOf, type Target } from "./snippets.ts";
import { Test } from "./test.tsx";
import { useWords } from "./words.ts";

/** Shown before anybody searches. */
const known = [
  ...["openai", "anthropic", "google-ai-studio", "openrouter", "deepseek", "groq", "mistral"],
  ...["grok", "azure-openai", "aws-bedrock", "ollama"],
];

export function Connect(
  { gateway, authentication, asked }: { gateway: string; authentication: boolean; asked: string },
): JSX.Element {
  const { w } = useWords();
  const [slug, setSlug] = useState(asked);
  const [models, setModels] = useState<Readonly<Record<string, string>>>({});
  const [chosenKey, setKey] = useState<Target["key"]>();
  const { value, error, reload } = useLoaded(
    `connect ${gateway}`,
    (signal) => lendingOf(gateway, signal),
  );
  if (value === undefined) {
    return error === undefined
      ? <Skeleton lines={8} height={36} />
      : <Failure error={error} onRetry={reload} />;
  }
  const provider = value.providers.find((each) => each.slug === slug);
  const model = models[slug] ?? modelOf(slug);
  /** Of the provider that is asked in the end. */
  const paid = provider ??
    value.providers.find(({ slug, aliases = [] }) =>
      [slug, ...aliases].includes(model.split("/")[0]!)
    );
  const isLent = paid !== undefined && value.lent.has(paid.slug);
  const key = chosenKey ?? (authentication || isLent ? "virtual" : "own");
  const target: Target = { gateway, provider, model, key, guarded: authentication };
  const base = baseOf(target);
  return (
    <>
      <section class="card">
        <div class="card-body stack">
          <ProviderPicker providers={value.providers} chosen={slug} onChoose={setSlug} />
          <p class="soft">
            {provider === undefined
              ? w("unified.about")
              : w("native.about", { name: provider.slug })}
          </p>
          <div class="grid">
            <Field label={w("model")} {...slug === "" && { hint: w("model.hint") }}>
              {(given) => (
                <input
                  {...given}
                  class="input mono"
                  spellcheck={false}
                  value={model}
                  onInput={(event) => setModels({ ...models, [slug]: event.currentTarget.value })}
                />
              )}
            </Field>
            <Field label={w("whose")}>
              {(given) => (
                <select
                  {...given}
                  class="input wide"
                  value={key}
                  onChange={(event) => setKey(event.currentTarget.value as Target["key"])}
                >
                  <option value="virtual">{w("whose.virtual")}</option>
                  <option value="own">
                    {w(authentication ? "whose.both" : "whose.own")}
                  </option>
                </select>
              )}
            </Field>
          </div>
          <KeyNote
            isVirtual={key === "virtual"}
            isLent={isLent}
            provider={paid?.slug}
            guarded={authentication}
          />
          <div>
            <h3 class="label">{w("baseUrl")}</h3>
            <div class="address">
              <code>{base}</code>
              <Copy text={base} />
            </div>
          </div>
        </div>
      </section>
      <Test key={`${gateway} ${slug}`} target={target} isLent={isLent} />
      <section class="card">
        <div class="head">
          <h2>{w("code")}</h2>
        </div>
        <div class="card-body stack">
          <Snippets snippets={snippetsOf(target)} />
        </div>
      </section>
      <section class="card">
        <div class="head">
          <h2>{w("apps")}</h2>
        </div>
        <div class="card-body stack">
          <Apps apps={appsOf(target)} />
        </div>
      </section>
    </>
  );
}

function ProviderPicker({ providers, chosen, onChoose }: {
  providers: readonly Provider[];
  chosen: string;
  onChoose(slug: string): void;
}): JSX.Element {
  const { w } = useWords();
  const [sought, setSought] = useState("");
  const [all, setAll] = useState(false);
  const text = sought.trim().toLowerCase();
  const found = providers.filter(({ slug, aliases = [], source }) =>
    text !== ""
      ? [slug, ...aliases].some((name) => name.includes(text))
      : all || known.includes(slug) || slug === chosen || source !== "builtin"
  ).sort((a, b) => rank(a.slug) - rank(b.slug));
  return (
    <div class="stack" role="group" aria-label={w("provider")}>
      <div class="head">
        <h2>{w("provider")}</h2>
        <input
          class="input seek"
          type="search"
          aria-label={w("provider.seek")}
          placeholder={w("provider.seek")}
          value={sought}
          onInput={(event) => setSought(event.currentTarget.value)}
        />
      </div>
      <div class="picker">
        {text === "" && <Chip on={chosen === ""} onClick={() => onChoose("")}>{w("unified")}</Chip>}
        {found.map(({ slug }) => (
          <Chip
            key={slug}
            on={chosen === slug}
            onClick={() => onChoose(slug)}
          >
            {slug}
          </Chip>
        ))}
        {text !== "" && found.length === 0 && (
          <span class="soft">
            {w("provider.none")} <a href={hrefOf("providers")}>{w("provider.add")}</a>
          </span>
        )}
        {text === "" && !all && found.length < providers.length && (
          <button
            type="button"
            class="button small plain"
            onClick={() => setAll(true)}
          >
            {w("provider.all", { count: providers.length })}
          </button>
        )}
      </div>
    </div>
  );
}

function rank(slug: string): number {
  const at = known.indexOf(slug);
  return at < 0 ? known.length : at;
}

function Chip(
  { on, onClick, children }: { on: boolean; onClick(): void; children: string },
): JSX.Element {
  return <button type="button" class="chip" aria-pressed={on} onClick={onClick}>{children}</button>;
}

/** Which key goes where, and what is missing for it. */
function KeyNote({ isVirtual, isLent, provider, guarded }: {
  isVirtual: boolean;
  isLent: boolean;
  provider: string | undefined;
  guarded: boolean;
}): JSX.Element {
  const { w } = useWords();
  if (!isVirtual) {
    return (
      <p class="soft">
        {w(guarded ? "key.both" : "key.own")} {guarded && <MakeKey />}
      </p>
    );
  }
  if (isLent || provider === undefined) {
    return (
      <p class="soft">
        {w("key.virtual")} <MakeKey />
      </p>
    );
  }
  return (
    <p class="note warn">
      <span>
        {w("key.missing", { name: provider })}{" "}
        <a href={hrefOf("keys", "", { add: provider })}>{w("key.store")}</a>
      </span>
    </p>
  );
}

function MakeKey(): JSX.Element {
  const { w } = useWords();
  return <a href={hrefOf("keys", "", { add: "virtual" })}>{w("key.make")}</a>;
}

function Snippets({ snippets }: { snippets: readonly Snippet[] }): JSX.Element {
  const { w } = useWords();
  const [name, setName] = useState(snippets[0]!.name);
  const shown = snippets.find((each) => each.name === name) ?? snippets[0]!;
  return (
    <Tabs
      label={w("code")}
      tabs={snippets.map((each) => ({ name: each.name, title: each.name }))}
      value={shown.name}
      onChange={setName}
    >
      <Code code={shown.code} />
    </Tabs>
  );
}

function Code({ code }: { code: string }): JSX.Element {
  return (
    <div class="code-box">
      <pre class="code" tabIndex={0}>{code}</pre>
      <Copy text={code} />
    </div>
  );
}

function Apps({ apps }: { apps: readonly App[] }): JSX.Element {
  const { w } = useWords();
  const [name, setName] = useState(apps[0]!.name);
  const app = apps.find((each) => each.name === name) ?? apps[0]!;
  return (
    <Tabs
      label={w("apps")}
      tabs={apps.map((each) => ({ name: each.name, title: each.name }))}
      value={app.name}
      onChange={setName}
    >
      <ol class="steps">
        {app.steps.map(({ say, code, fields }) => (
          <li key={say}>
            <span>{w(say)}</span>
            {fields?.map(([label, value]) => (
              <div class="address" key={label}>
                <span class="soft">{label}</span>
                <code>{value}</code>
                <Copy text={value} />
              </div>
            ))}
            {code !== undefined && <Code code={code} />}
          </li>
        ))}
      </ol>
      {app.notes.map((note) => <p key={note} class="note">{w(note)}</p>)}
    </Tabs>
  );
}
