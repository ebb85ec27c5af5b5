// Rows of a month for the bench of analytics: the same ones each time, as a gateway of some teams has them.
import type { LogEntry } from "../core/log/row.ts";
import { row } from "../tests/support/log-row.ts";
import { source } from "../tests/support/logs-random.ts";

const models = [
  ...["openai/gpt-4o-mini", "openai/gpt-4o", "openai/gpt-5", "openai/text-embedding-3-small"],
  ...["anthropic/claude-sonnet-4", "anthropic/claude-haiku-4", "google-ai-studio/gemini-2.5-flash"],
  ...["groq/llama-3.3-70b-versatile", "mistral/mistral-large-latest"],
];
const keys = ["key-web", "key-batch", "key-mobile", null];
const agents = ["OpenAI/JS 6.49.0", "OpenAI/Python 2.1.0", "Anthropic/JS 1.12.0", "curl/8.9.1"];
const teams = ["search", "support", "growth", "platform", "research"];

/** The entry of a place in the month, in the order of time. */
export function monthOf(count: number, end: number): (i: number) => LogEntry {
  const random = source(7);
  const from = end - 30 * 86_400_000;
  const body = (bytes: number) => ({ bytes: new Uint8Array(bytes).fill(120), complete: true });
  return (i) => {
    const model = random.pick(models);
    const provider = model.slice(0, model.indexOf("/"));
    const cached = random.chance(0.1);
    const status = cached || random.chance(0.96) ? 200 : random.pick([400, 429, 500, 503]);
    const success = status === 200;
    const latency = cached ? 1 : 80 + random.int(1200) * (random.chance(0.05) ? 10 : 1);
    const total = cached ? 2 : latency + random.int(6000);
    const streamed = random.chance(0.6);
    const [input, output] = [20 + random.int(4000), 1 + random.int(900)];
    const price = input * 2e-7 + output * 8e-7;
    const id = `019${(0x1000000000 + i).toString(16)}-7000-8000-${
      random.int(2 ** 31).toString(16)
    }`;
    return {
      row: row(id, {
        created_at: Math.floor(from + (i / count) * (end - from)),
        provider,
        model,
        model_type: model.includes("embedding") ? "embeddings" : "chat",
        status_code: status,
        success,
        cached,
        end: success ? "complete" : "error",
        error: success ? null : { code: "x", message: `The provider answered ${status}` },
        duration: total,
        streamed,
        timings: {
          total,
          latency,
          first_byte: latency,
          first_token: streamed ? latency + 20 : null,
        },
        tokens_in: success ? input : null,
        tokens_out: success ? output : null,
        usage: success ? { input, output, cache_read: Math.floor(input / 4) } : null,
        cost: success ? (cached ? 0 : price) : null,
        cost_parts: !success ? null : {
          input: cached ? 0 : price,
          cache_read: 0,
          cache_write: 0,
          output: 0,
          other: 0,
          source: cached ? "cache" : "table",
          ...cached && { saved: price },
        },
        key_id: random.pick(keys),
        user_agent: i % 100_000 === 77 ? "rare-agent/1.0" : random.pick(agents),
        metadata: { team: random.pick(teams), user: `u${random.int(20_000)}` },
      }),
      ...i % 50 === 0 && { request: body(1500), response: body(1500) },
    };
  };
}
