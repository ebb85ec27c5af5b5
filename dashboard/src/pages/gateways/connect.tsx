/** How clients reach a gateway: base URLs, snippets, steps for apps, and a request to try it. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account, get } from "../../api.ts";
import { useLocale } from "../../i18n.ts";
import { Copy, Field, useLoaded } from "../../ui/mod.tsx";
import { snippetsOf } from "./snippets.ts";
import { words } from "./words.ts";

export function Connect({ gateway }: { gateway: string }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const [provider, setProvider] = useState("");
  const [model, setModel] = useState("openai/gpt-4o-mini");
  const [shown, setShown] = useState(0);
  const { value } = useLoaded(
    "providers",
    (signal) => get<{ slug: string }[]>("/providers?per_page=1000", signal),
  );
  const root = `${location.origin}/v1/${account}/${gateway}`;
  const base = provider === "" ? `${root}/compat` : `${root}/${provider}`;
  const snippets = snippetsOf({ root, base, provider, model });
  const snippet = snippets[Math.min(shown, snippets.length - 1)]!;
  return (
    <div class="stack">
      <section class="card">
        <div class="card-body stack">
          <div class="grid">
            <Field label={w("provider")}>
              {(given) => (
                <select
                  {...given}
                  class="input"
                  value={provider}
                  onChange={(event) => setProvider(event.currentTarget.value)}
                >
                  <option value="">{w("unified")}</option>
                  {value?.result.map(({ slug }) => <option key={slug} value={slug}>{slug}</option>)}
                </select>
              )}
            </Field>
            <Field label={w("model")}>
              {(given) => (
                <input
                  {...given}
                  class="input"
                  value={model}
                  onInput={(event) => setModel(event.currentTarget.value)}
                />
              )}
            </Field>
          </div>
          <h3>{w("baseUrl")}</h3>
          <pre class="code wrap" tabIndex={0}>{base}</pre>
          <div class="row">
            <Copy text={base} />
          </div>
          <div class="tabs" role="tablist">
            {snippets.map(({ name }, i) => (
              <button
                key={name}
                type="button"
                role="tab"
                aria-selected={snippet.name === name}
                onClick={() => setShown(i)}
              >
                {name}
              </button>
            ))}
          </div>
          <pre class="code" tabIndex={0}>{snippet.text}</pre>
          <div class="row">
            <Copy text={snippet.text} />
          </div>
        </div>
      </section>
      <Try
        url={`${root}/compat/chat/completions`}
        model={provider === "" || model.includes("/") ? model : `${provider}/${model}`}
      />
    </div>
  );
}

/** One small request. */
function Try({ url, model }: { url: string; model: string }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  const [key, setKey] = useState("");
  const [said, setSaid] = useState<{ status: number; ms: number; text: string }>();
  const [busy, setBusy] = useState(false);
  const send = async (event: Event) => {
    event.preventDefault();
    setBusy(true);
    const started = performance.now();
    try {
      const response = await fetch(url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          ...key !== "" && { authorization: `Bearer ${key}` },
        },
        body: JSON.stringify({
          model,
          max_tokens: 64,
          messages: [{ role: "user", content: "Say hello in five words." }],
        }),
      });
      const text = await response.text();
      setSaid({ status: response.status, ms: performance.now() - started, text });
    } catch (error) {
      setSaid({ status: 0, ms: performance.now() - started, text: String(error) });
    } finally {
      setBusy(false);
    }
  };
  return (
    <section class="card">
      <div class="head">
        <h2>{w("test")}</h2>
      </div>
      <form class="card-body stack" onSubmit={send}>
        <Field label={w("testKey")} hint={w("testKeyHint")}>
          {(given) => (
            <input
              {...given}
              class="input"
              type="password"
              autocomplete="off"
              value={key}
              onInput={(event) => setKey(event.currentTarget.value)}
            />
          )}
        </Field>
        <div class="row">
          <button type="submit" class="button primary" disabled={busy}>{w("test")}</button>
        </div>
        <div role="status" aria-live="polite" class="stack">
          {said !== undefined && (
            <>
              <span class={`badge ${said.status >= 200 && said.status < 300 ? "good" : "bad"}`}>
                {w("answered", { status: said.status, time: locale.duration(said.ms) })}
              </span>
              <pre class="code wrap" tabIndex={0}>{pretty(said.text)}</pre>
            </>
          )}
        </div>
      </form>
    </section>
  );
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
