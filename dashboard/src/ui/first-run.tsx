/** How to send the first request; tells when it has arrived. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { account, get } from "../api.ts";
import { useLocale } from "../i18n.ts";
import { hrefOf } from "../router.ts";
import { en } from "../text/first-run.en.ts";
import { zh } from "../text/first-run.zh.ts";
import { Copy, useLoaded } from "./mod.tsx";

const languages = ["curl", "python", "typescript"] as const;
const model = "openai/gpt-4o-mini";

/** The request in a language; `key` names the variable that the caller's key is in. */
function exampleIn(language: (typeof languages)[number], base: string, key: string): string {
  switch (language) {
    case "curl":
      return `curl ${base}/chat/completions \\
  -H "Authorization: Bearer $${key}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`;
    case "python":
      return `import os
from openai import OpenAI

client = OpenAI(base_url="${base}", api_key=os.environ["${key}"])
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`;
    case "typescript":
      return `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}", apiKey: process.env.${key} });
const answer = await client.chat.completions.create({
  model: "${model}",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`;
  }
}

export function FirstRun(
  { gateway, onArrived }: { gateway: string; onArrived?: () => void },
): JSX.Element {
  const w = useLocale().of({ en, zh });
  const [arrived, setArrived] = useState<string>();
  const [language, setLanguage] = useState<(typeof languages)[number]>("curl");
  const path = `/gateways/${encodeURIComponent(gateway)}`;
  const { value: settings } = useLoaded(
    path,
    (signal) => get<{ authentication?: boolean }>(path, signal).then(({ result }) => result),
  );
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let stopped = false;
    const look = async (): Promise<void> => {
      const found = await get<{ id: string }[]>(`${path}/logs?per_page=1`).catch(() => undefined);
      if (stopped) return;
      const id = found?.result[0]?.id;
      if (id === undefined) {
        timer = setTimeout(() => void look(), 700);
        return;
      }
      setArrived(id);
      onArrived?.();
    };
    void look();
    return () => {
      stopped = true;
      clearTimeout(timer);
    };
  }, [gateway]);

  const isGuarded = settings?.authentication === true;
  const base = gateway === "default"
    ? `${location.origin}/v1`
    : `${location.origin}/v1/${account}/${encodeURIComponent(gateway)}/compat`;
  const code = exampleIn(language, base, isGuarded ? "SLUICE_KEY" : "OPENAI_API_KEY");
  return (
    <div class="card">
      <div class="card-body stack">
        <h2>{w("title")}</h2>
        <p class="soft">{w("any")}</p>
        <div class="row">
          <code>{base}</code>
          <Copy text={base} />
        </div>
        <div class="row" role="group" aria-label={w("language")}>
          {languages.map((name) => (
            <button
              key={name}
              type="button"
              class="chip"
              aria-pressed={language === name}
              onClick={() => setLanguage(name)}
            >
              {w(name)}
            </button>
          ))}
        </div>
        <pre class="code wrap" tabIndex={0}>{code}</pre>
        <div class="row">
          <Copy text={code} />
        </div>
        <p class="soft">
          {isGuarded
            ? (
              <>
                {w("auth")} <a href={hrefOf("keys")}>{w("auth.make")}</a>. {w("auth.key")}
              </>
            )
            : w("key")}
        </p>
        <p role="status" aria-live="polite">
          {arrived === undefined ? <span class="soft">{w("waiting")}</span> : (
            <>
              <span class="badge good">{w("arrived")}</span>{" "}
              <a href={hrefOf("logs", arrived)}>{w("open")}</a>
            </>
          )}
        </p>
      </div>
    </div>
  );
}
