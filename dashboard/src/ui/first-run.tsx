/** How to send the first request; tells when it has arrived. */
import type { JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { account, get } from "../api.ts";
import { useLocale } from "../i18n.ts";
import { words } from "../pages/overview/words.ts";
import { hrefOf } from "../router.ts";
import { Copy } from "./mod.tsx";

export function FirstRun(
  { gateway, onArrived }: { gateway: string; onArrived?: () => void },
): JSX.Element {
  const w = useLocale().of(words);
  const [arrived, setArrived] = useState(false);
  useEffect(() => {
    let stopped = false;
    const look = async (): Promise<void> => {
      const path = `/gateways/${encodeURIComponent(gateway)}/logs?per_page=1`;
      const found = await get<unknown[]>(path).catch(() => undefined);
      if (stopped) return;
      if (found !== undefined && found.result.length > 0) {
        setArrived(true);
        onArrived?.();
        return;
      }
      setTimeout(() => void look(), 700);
    };
    void look();
    return () => void (stopped = true);
  }, [gateway]);
  const base = gateway === "default" ? "/v1" : `/v1/${account}/${gateway}/compat`;
  const line = `curl ${location.origin}${base}/chat/completions \\
  -H "Authorization: Bearer $OPENAI_API_KEY" -H "Content-Type: application/json" \\
  -d '{"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}'`;
  return (
    <div class="card">
      <div class="card-body stack">
        <h2>{w("empty")}</h2>
        <p class="soft">{w("emptyHint")}</p>
        <pre class="code wrap" tabIndex={0}>{line}</pre>
        <div class="row">
          <Copy text={line} />
        </div>
        <p class="soft">{w("keyHint")}</p>
        <p role="status" aria-live="polite">
          {arrived
            ? (
              <>
                <span class="badge good">{w("arrived")}</span>{" "}
                <a href={hrefOf("logs")}>{w("open")}</a>
              </>
            )
            : <span class="soft">{w("waiting")}</span>}
        </p>
      </div>
    </div>
  );
}
