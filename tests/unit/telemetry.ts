/** A gateway with telemetry whose collectors are a function. */
import { type GatewayOptions, standardPlugins } from "../../mod.ts";
import { type Exported, exported, type Span, spansOf } from "../support/otlp.ts";
import { type Answer, json, type Scripted, scripted } from "./scripted.ts";

export const collector = "http://collector.test";
export const body = { model: "gpt-4o-mini", messages: [{ role: "user", content: "Hello" }] };
export const completion = {
  id: "chatcmpl-1",
  model: "gpt-4o-mini-2024-07-18",
  choices: [{ index: 0, message: { role: "assistant", content: "Hi" }, finish_reason: "stop" }],
  usage: {
    prompt_tokens: 100,
    completion_tokens: 20,
    total_tokens: 120,
    prompt_tokens_details: { cached_tokens: 60 },
    completion_tokens_details: { reasoning_tokens: 5 },
  },
};
export const good: Answer = json(completion);

/** A request of an exporter's. */
export interface Sent {
  url: string;
  headers: Record<string, string>;
}

export interface Watched extends Scripted {
  /** What collectors took. */
  exports: Exported[];
  /** All requests of exporters, those that were refused included. */
  sent: Sent[];
  /** Flushes; all spans so far. */
  spans(): Promise<Span[]>;
  /** Flushes; the spans of attempts, and that of the request, of a test with one request. */
  trace(): Promise<{ request: Span; attempts: Span[] }>;
}

/**
 * The standard chain, and one exporter unless `options` say otherwise.
 *
 * @param script What providers answer.
 * @param answer What collectors answer instead of taking what comes.
 */
export function watched(
  options: GatewayOptions,
  script: Answer[],
  answer: (sent: Sent) => Response | Promise<Response> | undefined = () => undefined,
): Watched {
  const exports: Exported[] = [];
  const sent: Sent[] = [];
  const telemetry = { exporters: [{ url: collector }] };
  const made = scripted(
    { plugins: standardPlugins(), telemetry, admin: { loopback: true }, ...options },
    script,
    (url, init) => {
      const { hostname } = new URL(url);
      if (hostname === "127.0.0.1") return fetch(url, init);
      return hostname.startsWith("collector") ? take(url, init) : undefined;
    },
  );
  async function take(url: string, init: RequestInit): Promise<Response> {
    const headers = init.headers as Record<string, string>;
    const bytes = new Uint8Array(await new Response(init.body).arrayBuffer());
    sent.push({ url, headers });
    const other = await answer({ url, headers });
    if (other !== undefined) return other;
    exports.push(exported(new URL(url).pathname, headers, bytes));
    return new Response(null, { status: 200 });
  }
  const watched: Watched = {
    ...made,
    exports,
    sent,
    async spans() {
      await made.gateway.flush();
      return spansOf(exports);
    },
    async trace() {
      const spans = await watched.spans();
      const [request, ...more] = spans.filter(({ name }) => name === "cf.aig.request");
      if (request === undefined || more.length > 0) throw new Error("Not one request");
      const attempts = spans.filter((span) => span !== request)
        .sort((a, b) => a.start - b.start || (index(a) - index(b)));
      return { request, attempts };
    },
  };
  return watched;
}

const index = ({ attributes }: Span) => Number(attributes["sluice.attempt.index"]);

/** The page of figures. */
export async function page({ gateway }: Pick<Scripted, "gateway">): Promise<string> {
  return await (await gateway.fetch(new Request("http://localhost/metrics"))).text();
}

/** A chat at OpenAI's, read to its end. */
export async function ask(
  { post }: Pick<Scripted, "post">,
  headers: Record<string, string> = {},
  sent: unknown = body,
  path = "/v1/acc/default/openai/chat/completions",
): Promise<Response> {
  const response = await post(path, sent, headers);
  const text = await response.text().catch(() => "");
  return new Response(text, response);
}
