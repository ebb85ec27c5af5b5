/** One small request, sent from this page, and what the gateway says of it. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { get } from "../../api.ts";
import { playHeaders } from "../../playkey.ts";
import { hrefOf } from "../../router.ts";
import { Field, messageOf } from "../../ui/mod.tsx";
import { requestOf, type Target } from "./snippets.ts";
import { useWords } from "./words.ts";

interface Said {
  status: number;
  ms: number;
  /** What the model said, or the error. */
  text: string;
  raw: string;
  cache: string | null;
  log: string | null;
  row?: { tokens_in: number | null; tokens_out: number | null; cost: number | null } | undefined;
}

export function Test({ target, isLent }: { target: Target; isLent: boolean }): JSX.Element {
  const { w, t, duration, money, number } = useWords();
  const [way, setWay] = useState<"stored" | "typed">(isLent ? "stored" : "typed");
  const [key, setKey] = useState("");
  const [said, setSaid] = useState<Said>();
  const [problem, setProblem] = useState<unknown>();
  const [busy, setBusy] = useState(false);
  const running = useRef<AbortController>(undefined);
  useEffect(() => () => running.current?.abort(), []);
  const { isSmall } = requestOf(target);
  const send = async (event: Event) => {
    event.preventDefault();
    running.current?.abort();
    const stop = running.current = new AbortController();
    setBusy(true);
    setProblem(undefined);
    try {
      const answer = await sent(target, way === "typed" ? key.trim() : undefined, stop.signal);
      setSaid(answer);
      if (answer.log !== null) {
        const path = `/gateways/${encodeURIComponent(target.gateway)}/logs/${answer.log}`;
        const { result } = await get<NonNullable<Said["row"]>>(path, stop.signal);
        setSaid({ ...answer, row: result });
      }
    } catch (error) {
      if (!stop.signal.aborted) setProblem(error);
    } finally {
      if (!stop.signal.aborted) setBusy(false);
    }
  };
  const isGood = said !== undefined && said.status >= 200 && said.status < 300;
  return (
    <section class="card">
      <div class="head">
        <h2>{w("test")}</h2>
      </div>
      {!isSmall
        ? <p class="card-body soft">{w("test.none")}</p>
        : (
          <form class="card-body stack" onSubmit={send}>
            <p class="soft">{w("test.about")}</p>
            <div class="grid">
              <Field label={w("test.way")}>
                {(given) => (
                  <select
                    {...given}
                    class="input wide"
                    value={way}
                    onChange={(event) => setWay(event.currentTarget.value as typeof way)}
                  >
                    <option value="stored">{w("test.stored")}</option>
                    <option value="typed">{w("test.typed")}</option>
                  </select>
                )}
              </Field>
              {way === "typed" && (
                <Field label={w("test.key")} hint={w("test.key.hint")}>
                  {(given) => (
                    <input
                      {...given}
                      class="input mono"
                      type="password"
                      autocomplete="off"
                      value={key}
                      onInput={(event) => setKey(event.currentTarget.value)}
                    />
                  )}
                </Field>
              )}
            </div>
            <div class="row">
              <button type="submit" class="button primary" disabled={busy}>
                {w(busy ? "test.busy" : "test.send")}
              </button>
            </div>
            <div role="status" aria-live="polite" class="stack">
              {problem !== undefined && <p class="bad">{messageOf(problem, t("error.offline"))}</p>}
              {said !== undefined && (
                <>
                  <dl class="outcome">
                    <div>
                      <dt>{w("test.status")}</dt>
                      <dd>
                        <span class={`badge ${isGood ? "good" : "bad"}`}>{said.status}</span>
                      </dd>
                    </div>
                    <Part name={w("test.time")}>{duration(said.ms)}</Part>
                    <Part name={w("test.tokens")}>
                      {said.row
                        ? `${number(said.row.tokens_in)} → ${number(said.row.tokens_out)}`
                        : "–"}
                    </Part>
                    <Part name={w("test.cost")}>{money(said.row?.cost)}</Part>
                    <Part name={w("test.cache")}>{said.cache ?? w("test.cache.off")}</Part>
                    <div>
                      <dt>{w("test.log")}</dt>
                      <dd>
                        {said.log === null
                          ? w("test.log.none")
                          : (
                            <a href={hrefOf("logs", said.log, { gateway: target.gateway })}>
                              {w("test.log.open")}
                            </a>
                          )}
                      </dd>
                    </div>
                  </dl>
                  <p class={isGood ? "" : "bad"}>{said.text}</p>
                  <details>
                    <summary>{w("test.raw")}</summary>
                    <pre class="code wrap" tabIndex={0}>{said.raw}</pre>
                  </details>
                </>
              )}
            </div>
          </form>
        )}
    </section>
  );
}

function Part({ name, children }: { name: string; children: string }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** @param typed The key that the user gave; one that is good for an hour, without it. */
async function sent(target: Target, typed: string | undefined, signal: AbortSignal): Promise<Said> {
  const { url, key: [header, scheme], headers, body } = requestOf(
    target,
    "Reply with the word pong.",
  );
  const isVirtual = typed?.startsWith("sl-") === true;
  // A key of ours opens the gateway; a provider's goes to it, through a door that may be closed.
  const own: Record<string, string> = isVirtual
    ? { "cf-aig-authorization": `Bearer ${typed}` }
    : typed === undefined || target.guarded
    ? await playHeaders(target.gateway)
    : {};
  if (typed && !isVirtual) own[header] = `${scheme}${typed}`;
  const started = performance.now();
  const response = await fetch(url.replace(location.origin, ""), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers, ...own },
    body: JSON.stringify(body),
    signal,
  });
  const raw = await response.text();
  const ms = performance.now() - started;
  const json = parsed(raw);
  return {
    status: response.status,
    ms,
    text: textOf(json) ?? raw.slice(0, 500),
    raw: json === undefined ? raw : JSON.stringify(json, null, 2).slice(0, 20_000),
    cache: response.headers.get("cf-aig-cache-status"),
    log: response.headers.get("cf-aig-log-id"),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Where answers and errors of the formats have their text. */
const places = [
  ["choices", 0, "message", "content"],
  ["content", 0, "text"],
  ["candidates", 0, "content", "parts", 0, "text"],
  ["message", "content", 0, "text"],
  ["output", 0, "content", 0, "text"],
  ["error", "message"],
  ["error", 0, "message"],
  ["errors", 0, "message"],
  ["message"],
] as const;

function textOf(json: unknown): string | undefined {
  for (const place of places) {
    let at: unknown = json;
    for (const name of place) at = (at as Record<string | number, unknown> | undefined)?.[name];
    if (typeof at === "string" && at !== "") return at;
  }
  return undefined;
}
