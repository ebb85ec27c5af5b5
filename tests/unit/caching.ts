/** A gateway with a cache, over a provider that answers as told. */
import { cache, type CacheOptions, type GatewayOptions, type Plugin } from "../../mod.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import type { KV } from "../../core/storage/ports.ts";
import { type Recording, recording, type Sent } from "./upstream.ts";

export const chat = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1750000000,
  model: "gpt-4o-mini-2024-07-18",
  choices: [{
    index: 0,
    message: { role: "assistant", content: "Hello there", refusal: null },
    logprobs: null,
    finish_reason: "stop",
  }],
  usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
  service_tier: "default",
};

/** The same, streamed as OpenAI does. */
export const chunks: string[] = [
  { choices: [{ index: 0, delta: { role: "assistant", content: "" }, finish_reason: null }] },
  { choices: [{ index: 0, delta: { content: "Hello" }, finish_reason: null }] },
  { choices: [{ index: 0, delta: { content: " there" }, finish_reason: null }] },
  { choices: [{ index: 0, delta: {}, finish_reason: "stop" }] },
  { choices: [], usage: chat.usage },
].map((chunk) =>
  `data: ${
    JSON.stringify({
      id: chat.id,
      object: "chat.completion.chunk",
      created: chat.created,
      model: chat.model,
      ...chunk,
    })
  }\n\n`
).concat("data: [DONE]\n\n");

export const prompt = {
  model: "gpt-4o-mini",
  messages: [{ role: "user", content: "Hello" }],
  temperature: 0,
};

/** A JSON answer as servers send it. */
export function json(value: unknown, init: ResponseInit = {}): Response {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return new Response(text, {
    ...init,
    headers: {
      "content-type": "application/json",
      "content-length": String(new TextEncoder().encode(text).length),
      ...init.headers as Record<string, string>,
    },
  });
}

/** A stream whose pieces come when they are asked for. */
export function stream(pieces: readonly string[], headers: Record<string, string> = {}): Response {
  const left = [...pieces];
  const encoder = new TextEncoder();
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift();
      if (piece === undefined) controller.close();
      else controller.enqueue(encoder.encode(piece));
    },
  }, { highWaterMark: 0 });
  return new Response(body as BodyInit, {
    headers: { "content-type": "text/event-stream", ...headers },
  });
}

/** A stream whose pieces the test writes. */
export function written(): {
  response: Response;
  write(text: string): void;
  close(): void;
  fail(): void;
  /** Resolves when the reader has left. */
  cancelled: Promise<void>;
} {
  const encoder = new TextEncoder();
  let controller!: ReadableStreamDefaultController<Uint8Array>;
  const gone = Promise.withResolvers<void>();
  const body = new ReadableStream<Uint8Array>({
    start: (own) => void (controller = own),
    cancel: () => gone.resolve(),
  });
  return {
    response: new Response(body as BodyInit, { headers: { "content-type": "text/event-stream" } }),
    write: (text) => controller.enqueue(encoder.encode(text)),
    close: () => controller.close(),
    fail: () => controller.error(new Error("The connection broke")),
    cancelled: gone.promise,
  };
}

/** Answers a chat request in the form that it asks for. */
export function answerChat(body: string): Response {
  const { stream: streamed, stream_options } = JSON.parse(body);
  if (streamed !== true) return json(chat);
  const usage = stream_options?.include_usage === true;
  return stream(usage ? chunks : chunks.filter((chunk) => !chunk.includes('"choices":[]')));
}

export interface Answer {
  response: Response;
  status: number;
  /** `cf-aig-cache-status`. */
  cache: string | null;
  /** `x-sluice-cache-reason`. */
  reason: string | null;
  text: string;
}

export interface Asking {
  path?: string;
  method?: string;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

export interface Caching {
  /** Sends a request and reads its answer. */
  ask(body?: unknown, asking?: Asking): Promise<Answer>;
  /** Sends a request and gives the answer unread. */
  open(body?: unknown, asking?: Asking): Promise<Response>;
  /** What went to the provider. */
  sent: Sent[];
  reports: string[];
  clock: { now: number };
  kv: KV;
  gateway: Recording["gateway"];
}

type Respond = (body: string, url: string, init: RequestInit) => Response | Promise<Response>;

/** @param options `cache` is the plugin's; `around` stand outside it, `inside` inside. */
export function caching(
  options: GatewayOptions & {
    cache?: CacheOptions;
    around?: readonly Plugin[];
    inside?: readonly Plugin[];
    clock?: { now: number };
    kv?: KV;
  } = {},
  respond: Respond = answerChat,
): Caching {
  const { cache: own, around = [], inside = [], clock = { now: 1_750_000_000_000 }, ...rest } =
    options;
  const now = () => clock.now;
  const kv = options.kv ?? memoryKV({ now });
  delete rest.kv;
  const given: Recording = recording({
    plugins: [...around, cache(own), ...inside],
    now,
    gateways: { default: { cache_ttl: 600 } },
    ...rest,
    stores: { cache: kv, ...rest.stores },
  }, (url, init) => respond(given.sent.at(-1)!.body, url, init));
  const open: Caching["open"] = async (body = prompt, asking = {}) => {
    const { path = "/openai/chat/completions", method = "POST", headers, signal } = asking;
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const { response } = await given.ask(path, {
      method,
      headers: {
        "content-type": "application/json",
        authorization: "Bearer sk-test-1234567890",
        "x-sluice-debug": "true",
        ...headers,
      },
      ...method === "GET" ? {} : { body: text },
      ...signal && { signal },
    });
    return response;
  };
  return {
    open,
    async ask(body, asking) {
      const response = await open(body, asking);
      const text = await response.text();
      return {
        response,
        status: response.status,
        cache: response.headers.get("cf-aig-cache-status"),
        reason: response.headers.get("x-sluice-cache-reason"),
        text,
      };
    },
    sent: given.sent,
    reports: given.reports,
    clock,
    kv,
    gateway: given.gateway,
  };
}
