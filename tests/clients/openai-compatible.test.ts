// The OpenAI client pointed at providers that speak its dialect, each at its native path.
import assert from "node:assert/strict";
import OpenAI from "openai";
import { collect, eachRuntime, gatewayHeaders, type Json, plain } from "./setup.ts";

interface Row {
  slug: string;
  /** Where the provider's API begins, after its origin. */
  path: string;
  /** What a user may put after the slug, and the path that the provider must get. */
  suffixes: Record<string, string>;
  chat?: string;
  stream?: string;
}

const rows: Row[] = [
  {
    slug: "groq",
    path: "/openai/v1",
    suffixes: { "": "/openai/v1/chat/completions", "/v1": "/openai/v1/chat/completions" },
    chat: "groq/chat-tool-call",
    stream: "groq/chat-stream-tool-call-usage",
  },
  {
    slug: "mistral",
    path: "",
    suffixes: { "": "/v1/chat/completions", "/v1": "/v1/chat/completions" },
    chat: "mistral/chat-plain",
    stream: "mistral/chat-stream-plain",
  },
  {
    slug: "deepseek",
    path: "",
    suffixes: { "": "/chat/completions", "/v1": "/v1/chat/completions" },
    chat: "deepseek/chat-plain",
    stream: "deepseek/chat-stream-reasoning-usage",
  },
  {
    slug: "openrouter",
    path: "/api",
    suffixes: { "": "/api/v1/chat/completions", "/v1": "/api/v1/chat/completions" },
    chat: "openrouter/chat-plain",
    stream: "openrouter/chat-stream-usage",
  },
  {
    slug: "grok",
    path: "",
    suffixes: { "": "/v1/chat/completions", "/v1": "/v1/chat/completions" },
    chat: "xai/chat-plain",
    stream: "xai/chat-stream-reasoning-cached-usage",
  },
  {
    slug: "perplexity-ai",
    path: "",
    suffixes: { "": "/chat/completions" },
    chat: "perplexity-ai/chat-citations",
    stream: "perplexity-ai/chat-stream-citations-usage",
  },
  {
    slug: "together",
    path: "/v1",
    suffixes: { "": "/v1/chat/completions", "/v1": "/v1/chat/completions" },
    chat: "together/chat-tool-call",
    stream: "together/chat-stream-plain",
  },
  {
    slug: "fireworks",
    path: "/inference/v1",
    suffixes: { "": "/inference/v1/chat/completions", "/v1": "/inference/v1/chat/completions" },
    chat: "fireworks/chat-plain",
  },
  {
    slug: "cerebras",
    path: "/v1",
    suffixes: { "": "/v1/chat/completions", "/v1": "/v1/chat/completions" },
    chat: "cerebras/chat-plain",
    stream: "cerebras/chat-stream-truncated-usage",
  },
];

const configure = (origin: string) => ({
  providers: Object.fromEntries(rows.map(({ slug, path }) => [slug, { base_url: origin + path }])),
});

eachRuntime("openai, compatible providers", configure, (world, test) => {
  for (const { slug, suffixes, chat, stream } of rows) {
    const key = `key-of-${slug}`;
    const headers = { authorization: `Bearer ${key}` };
    const clientAt = (suffix: string) =>
      new OpenAI({
        apiKey: key,
        baseURL: world.base(slug) + suffix,
        defaultHeaders: gatewayHeaders,
        maxRetries: 0,
      });

    for (const [suffix, target] of Object.entries(suffixes)) {
      test(`${slug}${suffix}: chat`, async () => {
        const { request, answer } = world.answer(chat!);
        const completion = await clientAt(suffix).chat.completions.create(request);
        assert.deepEqual(plain(completion), answer);
        assert.ok(completion.usage?.total_tokens);
        world.saw({ target, headers, body: request });
      });

      if (!stream) continue;
      test(`${slug}${suffix}: streamed chat`, async () => {
        const { request, events } = world.answer(stream);
        const chunks = await collect(
          await clientAt(suffix).chat.completions.create(request) as Json,
        );
        assert.ok(chunks.length);
        assert.deepEqual(plain(chunks), events);
        world.saw({ target, headers, body: request });
      });
    }
  }
});
