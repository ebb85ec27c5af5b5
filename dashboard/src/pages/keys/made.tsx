/** A key that was just made: it is shown once. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account } from "../../api.ts";
import { hrefOf } from "../../router.ts";
import { Copy, Dialog, Skeleton, useLoaded } from "../../ui/mod.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { lendingOf } from "../gateways/lending.ts";
import { modelOf } from "../gateways/providers.ts";
import { useWords } from "./words.ts";

const ways = ["curl", "Python", "TypeScript"] as const;
type Way = (typeof ways)[number];

/** @param isAlone The gateway adds the provider's key; without, the caller sends it as well. */
function exampleIn(
  way: Way,
  base: string,
  secret: string,
  model: string,
  isAlone: boolean,
): string {
  const own = "OPENAI_API_KEY";
  switch (way) {
    case "curl":
      return `curl ${base}/chat/completions \\
  -H "Authorization: Bearer ${isAlone ? secret : `$${own}`}" \\${
        isAlone ? "" : `\n  -H "cf-aig-authorization: Bearer ${secret}" \\`
      }
  -H "Content-Type: application/json" \\
  -d '{"model": "${model}", "messages": [{"role": "user", "content": "Hello"}]}'`;
    case "Python":
      return `${isAlone ? "" : "import os\n"}from openai import OpenAI

client = OpenAI(
    base_url="${base}",
    api_key=${isAlone ? `"${secret}"` : `os.environ["${own}"]`},${
        isAlone ? "" : `\n    default_headers={"cf-aig-authorization": "Bearer ${secret}"},`
      }
)`;
    case "TypeScript":
      return `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${base}",
  apiKey: ${isAlone ? `"${secret}"` : `process.env.${own}`},${
        isAlone ? "" : `\n  defaultHeaders: { "cf-aig-authorization": "Bearer ${secret}" },`
      }
});`;
  }
}

export function Made(
  { gateway, secret, onClose }: { gateway: string; secret: string; onClose(): void },
): JSX.Element {
  const { w } = useWords();
  const [way, setWay] = useState<Way>("curl");
  const { value, error } = useLoaded(`made ${gateway}`, (signal) => lendingOf(gateway, signal));
  const lent = value?.lent ?? new Set<string>();
  const slug = lent.has("openai") ? "openai" : [...lent][0];
  // Where it cannot be told, the key alone is the rule.
  const isAlone = slug !== undefined || error !== undefined;
  const base = `${location.origin}/v1/${account}/${encodeURIComponent(gateway)}/compat`;
  const model = `${slug ?? "openai"}/${modelOf(slug ?? "openai")}`;
  const code = exampleIn(way, base, secret, model, isAlone);
  return (
    <Dialog title={w("made")} onClose={onClose}>
      <p class="note warn">{w("made.about")}</p>
      <pre class="code wrap" tabIndex={0}>{secret}</pre>
      <div class="row">
        <Copy text={secret} />
      </div>
      {value === undefined && error === undefined ? <Skeleton lines={6} height={22} /> : (
        <>
          <p>
            {w(isAlone ? "made.use" : "made.beside")}{" "}
            {!isAlone && (
              <a href={hrefOf("keys", "provider", { add: "openai" })}>{w("made.store")}</a>
            )}
          </p>
          <Tabs<Way>
            label={w("made.example")}
            tabs={ways.map((name) => ({ name, title: name }))}
            value={way}
            onChange={setWay}
          >
            <pre class="code wrap" tabIndex={0}>{code}</pre>
            <div class="row">
              <Copy text={code} />
            </div>
          </Tabs>
          <p class="soft">
            <a href={hrefOf("gateways", gateway, { tab: "connect" })}>{w("made.apps")}</a>
          </p>
        </>
      )}
      <div class="row end">
        <button type="button" class="button primary" onClick={onClose}>{w("made.done")}</button>
      </div>
    </Dialog>
  );
}
