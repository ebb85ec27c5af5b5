/** A key that was just made: it is shown once. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { account } from "../../api.ts";
import { hrefOf } from "../../router.ts";
import { Copy, Dialog } from "../../ui/mod.tsx";
import { Tabs } from "../../ui/tabs.tsx";
import { useWords } from "./words.ts";

type Way = "curl" | "Python" | "TypeScript";
const ways: readonly Way[] = ["curl", "Python", "TypeScript"];

export function Made(
  { gateway, secret, onClose }: { gateway: string; secret: string; onClose(): void },
): JSX.Element {
  const { w } = useWords();
  const [way, setWay] = useState<Way>("curl");
  const base = `${location.origin}/v1/${account}/${encodeURIComponent(gateway)}/compat`;
  const code = {
    curl: `curl ${base}/chat/completions \\
  -H "Authorization: Bearer ${secret}" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'`,
    Python: `from openai import OpenAI

client = OpenAI(
    base_url="${base}",
    api_key="${secret}",
)`,
    TypeScript: `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${base}",
  apiKey: "${secret}",
});`,
  }[way];
  return (
    <Dialog title={w("made")} onClose={onClose}>
      <p class="note warn">{w("made.about")}</p>
      <pre class="code wrap" tabIndex={0}>{secret}</pre>
      <div class="row">
        <Copy text={secret} />
      </div>
      <p>{w("made.use")}</p>
      <Tabs<Way>
        label={w("made.use")}
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
        {w("made.beside")}{" "}
        <a href={hrefOf("gateways", gateway, { tab: "connect" })}>{w("made.apps")}</a>
      </p>
      <div class="row end">
        <button type="button" class="button primary" onClick={onClose}>{w("made.done")}</button>
      </div>
    </Dialog>
  );
}
