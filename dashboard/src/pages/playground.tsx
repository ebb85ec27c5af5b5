import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type Dictionary, useLocale } from "../i18n.ts";
import { playHeaders, unifiedBase } from "../playkey.ts";
import type { PageProps } from "../shell.tsx";
import { Field, messageOf, Switch } from "../ui/mod.tsx";
import { ask, type Said } from "./playground/ask.ts";

const words = {
  en: {
    models: "Models",
    modelsHint: "One per line, four at most: they answer side by side.",
    system: "Instructions",
    prompt: "Message",
    stream: "Show the answer as it comes",
    temperature: "Temperature",
    max: "Most tokens",
    key: "Key",
    keyHint:
      "A provider's key. Empty: the keys that the gateway holds. It stays in this page's memory.",
    send: "Send",
    stop: "Stop",
    first: "First token",
    total: "Total",
    tokens: "Tokens",
    cost: "Cost",
    dropped: "Not carried",
    cached: "From the cache",
    empty: "The answer will be here.",
  },
  zh: {
    models: "模型",
    modelsHint: "每行一个，最多四个：它们会并排回答。",
    system: "系统提示",
    prompt: "消息",
    stream: "边生成边显示",
    temperature: "温度",
    max: "最多 Token 数",
    key: "密钥",
    keyHint: "提供商密钥。留空则使用网关保存的密钥。只保存在此页面的内存中。",
    send: "发送",
    stop: "停止",
    first: "首个 Token",
    total: "总计",
    tokens: "Token",
    cost: "费用",
    dropped: "未能传递",
    cached: "来自缓存",
    empty: "回答会显示在这里。",
  },
} satisfies Dictionary;

const kept = "sluice.playground";

interface Form {
  models: string;
  system: string;
  prompt: string;
  stream: boolean;
  temperature: string;
  max: string;
}

const usual: Form = {
  models: "openai/gpt-4o-mini",
  system: "",
  prompt: "",
  stream: true,
  temperature: "",
  max: "1024",
};

function remembered(): Form {
  try {
    return { ...usual, ...JSON.parse(localStorage.getItem(kept) ?? "{}") };
  } catch {
    return usual;
  }
}

export function Playground({ gateway }: PageProps): JSX.Element {
  const locale = useLocale();
  const { t } = locale;
  const w = locale.of(words);
  const [form, setForm] = useState(remembered);
  const [key, setKey] = useState("");
  const [said, setSaid] = useState<Record<string, Said>>({});
  const [busy, setBusy] = useState(false);
  const stop = useRef<AbortController>(undefined);
  useEffect(() => () => stop.current?.abort(), []);
  const set = (change: Partial<Form>) => setForm({ ...form, ...change });
  const models = [...new Set(form.models.split("\n").map((line) => line.trim()).filter(Boolean))]
    .slice(0, 4);

  const send = async (event: Event) => {
    event.preventDefault();
    localStorage.setItem(kept, JSON.stringify(form));
    const controller = stop.current = new AbortController();
    setBusy(true);
    setSaid({});
    try {
      const headers = key === "" ? await playHeaders(gateway) : { authorization: `Bearer ${key}` };
      await Promise.all(models.map((model) =>
        ask({
          url: `${unifiedBase(gateway)}/chat/completions`,
          headers,
          signal: controller.signal,
          body: {
            model,
            stream: form.stream,
            ...form.stream && { stream_options: { include_usage: true } },
            ...form.temperature !== "" && { temperature: Number(form.temperature) },
            ...form.max !== "" && { max_completion_tokens: Number(form.max) },
            messages: [
              ...form.system === "" ? [] : [{ role: "system", content: form.system }],
              { role: "user", content: form.prompt },
            ],
          },
        }, (now) => setSaid((all) => ({ ...all, [model]: now })))
      ));
    } catch (error) {
      const failed = { text: "", thoughts: "", error: messageOf(error, t("error.offline")) };
      setSaid(Object.fromEntries(models.map((model) => [model, failed])));
    } finally {
      setBusy(false);
    }
  };

  return (
    <>
      <div class="head">
        <h1>{t("nav.playground")}</h1>
      </div>
      <form class="card" onSubmit={send}>
        <div class="card-body stack">
          <div class="grid">
            <Field label={w("models")} hint={w("modelsHint")}>
              {(given) => (
                <textarea
                  {...given}
                  class="input mono"
                  required
                  value={form.models}
                  onInput={(event) => set({ models: event.currentTarget.value })}
                />
              )}
            </Field>
            <Field label={w("system")}>
              {(given) => (
                <textarea
                  {...given}
                  class="input"
                  value={form.system}
                  onInput={(event) => set({ system: event.currentTarget.value })}
                />
              )}
            </Field>
          </div>
          <Field label={w("prompt")}>
            {(given) => (
              <textarea
                {...given}
                class="input"
                required
                value={form.prompt}
                onInput={(event) => set({ prompt: event.currentTarget.value })}
              />
            )}
          </Field>
          <div class="grid">
            <Field label={w("temperature")}>
              {(given) => (
                <input
                  {...given}
                  class="input"
                  type="number"
                  min="0"
                  max="2"
                  step="0.1"
                  value={form.temperature}
                  onInput={(event) => set({ temperature: event.currentTarget.value })}
                />
              )}
            </Field>
            <Field label={w("max")}>
              {(given) => (
                <input
                  {...given}
                  class="input"
                  type="number"
                  min="1"
                  value={form.max}
                  onInput={(event) => set({ max: event.currentTarget.value })}
                />
              )}
            </Field>
            <Field label={w("key")} hint={w("keyHint")}>
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
          </div>
          <Switch
            label={w("stream")}
            checked={form.stream}
            onChange={(stream) => set({ stream })}
          />
          <div class="row">
            <button type="submit" class="button primary" disabled={busy}>{w("send")}</button>
            {busy && (
              <button type="button" class="button" onClick={() => stop.current?.abort()}>
                {w("stop")}
              </button>
            )}
          </div>
        </div>
      </form>
      <div class="grid">
        {models.map((model) => <Answer key={model} model={model} said={said[model]} />)}
      </div>
    </>
  );
}

function Answer({ model, said }: { model: string; said: Said | undefined }): JSX.Element {
  const locale = useLocale();
  const w = locale.of(words);
  return (
    <section class="card" aria-label={model}>
      <div class="head">
        <h2 class="clip">{model}</h2>
        {said?.cached && <span class="badge accent">{w("cached")}</span>}
      </div>
      <div class="card-body stack" aria-live="polite">
        {said === undefined ? <p class="soft">{w("empty")}</p> : (
          <>
            {said.error !== undefined && <p class="note bad">{said.error}</p>}
            {said.thoughts !== "" && <p class="soft">{said.thoughts}</p>}
            {said.text !== "" && (
              <p style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{said.text}</p>
            )}
            {said.calls !== undefined && said.calls.length > 0 && (
              <pre class="code wrap" tabIndex={0}>{said.calls.join("\n")}</pre>
            )}
            <dl class="row soft">
              <Figure name={w("first")} value={locale.duration(said.first)} />
              <Figure name={w("total")} value={locale.duration(said.total)} />
              <Figure
                name={w("tokens")}
                value={`${locale.number(said.input)} / ${locale.number(said.output)}`}
              />
              <Figure name={w("cost")} value={locale.money(said.cost)} />
              {said.dropped !== undefined && <Figure name={w("dropped")} value={said.dropped} />}
            </dl>
          </>
        )}
      </div>
    </section>
  );
}

function Figure({ name, value }: { name: string; value: string }): JSX.Element {
  return (
    <div>
      <dt class="faint">{name}</dt>
      <dd class="num">{value}</dd>
    </div>
  );
}
