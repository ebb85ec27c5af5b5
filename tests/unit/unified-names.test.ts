/** Whose model a name means, in every spelling that clients have for it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { loadFixture } from "../support/fixtures.ts";
import { gatewayOver } from "../support/unified-gateway.ts";

interface Asked {
  host: string;
  path: string;
  model: unknown;
}

/** Where a name leads: the request to the provider, or the error. */
async function led(
  model: unknown,
  path = "/v1/chat/completions",
  more: object = { messages: [{ role: "user", content: "Hi" }] },
): Promise<Asked | { status: number; message: string }> {
  let asked: Asked | undefined;
  const gateway = gatewayOver(async (request) => {
    const { host, pathname } = new URL(request.url);
    const body = await request.json() as { model?: unknown };
    asked = { host, path: decodeURIComponent(pathname), model: body.model };
    return Response.json({});
  }, {
    providers: {
      "google-vertex-ai": { project: "p" },
      "custom-amazon": { base_url: "http://acme.test/api", format: "bedrock-converse" },
      "custom-claude": { base_url: "http://acme.test/api", format: "anthropic-messages" },
      "custom-google": { base_url: "http://acme.test/api", format: "gemini" },
    },
    models: { fast: "groq/llama-3.3-70b-versatile", quick: "fast", round: "about", about: "round" },
  });
  const response = await gateway(
    new Request(`http://gateway.test${path}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer k" },
      body: JSON.stringify({ model, ...more }),
    }),
  );
  if (asked !== undefined) return asked;
  const { error } = await response.json() as { error: { message: string } };
  return { status: response.status, message: error.message };
}

describe("the name of a model", () => {
  for (
    const [name, host, own] of [
      ["openai/gpt-4o-mini", "api.openai.com", "gpt-4o-mini"],
      ["xai/grok-4", "api.x.ai", "grok-4"],
      ["grok/grok-4", "api.x.ai", "grok-4"],
      ["anthropic/claude-haiku-4.5", "api.anthropic.com", "claude-haiku-4-5"],
      ["claude-haiku-4.5", "api.anthropic.com", "claude-haiku-4-5"],
      ["claude-haiku-4-5", "api.anthropic.com", "claude-haiku-4-5"],
      ["openrouter/anthropic/claude-haiku-4.5", "openrouter.ai", "anthropic/claude-haiku-4.5"],
      ["gpt-4o-mini", "api.openai.com", "gpt-4o-mini"],
      ["mistral-large-latest", "api.mistral.ai", "mistral-large-latest"],
      ["llama-3.3-70b-versatile", "api.groq.com", "llama-3.3-70b-versatile"],
      ["fast", "api.groq.com", "llama-3.3-70b-versatile"],
      ["quick", "api.groq.com", "llama-3.3-70b-versatile"],
      ["ft:gpt-4o-mini:org::id", "api.openai.com", "ft:gpt-4o-mini:org::id"],
      ["azure/res/dep", "res.openai.azure.com", "dep"],
    ] as const
  ) {
    it(`'${name}' is '${own}' of ${host}`, async () => {
      const asked = await led(name);
      assert.ok("host" in asked, JSON.stringify(asked));
      assert.deepEqual([asked.host, asked.model], [host, own]);
    });
  }

  for (
    const [name, path] of [
      ["google/gemini-2.5-flash", /^\/v1beta\/models\/gemini-2.5-flash:generateContent$/],
      ["models/gemini-2.5-flash", /^\/v1beta\/models\/gemini-2.5-flash:generateContent$/],
      ["amazon.nova-lite-v1:0", /^\/model\/amazon.nova-lite-v1:0\/converse$/],
      [
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        /^\/model\/us.anthropic.claude[^/]+\/invoke$/,
      ],
      ["anthropic.claude-3-haiku-20240307-v1:0", /^\/model\/anthropic.claude-3[^/]+\/invoke$/],
      ["mistral.mistral-large-2407-v1:0", /^\/model\/mistral.mistral-large[^/]+\/converse$/],
      ["claude-sonnet-4@20250514", /\/anthropic\/models\/claude-sonnet-4@20250514:rawPredict$/],
      ["custom-amazon/a", /^\/api\/model\/a\/converse$/],
      ["custom-claude/a", /^\/api\/v1\/messages$/],
      ["custom-google/a", /^\/api\/v1beta\/models\/a:generateContent$/],
      ["@cf/meta/llama-3.1-8b-instruct", /^\/client\/v4\/accounts\/[^/]+\/ai\/v1\//],
    ] as const
  ) {
    it(`'${name}' is where ${path.source} is`, async () => {
      const asked = await led(name);
      assert.ok("path" in asked, JSON.stringify(asked));
      assert.match(asked.path, path);
    });
  }

  it("is known besides chats, where the price table has no tokens for it", async () => {
    for (
      const [path, model, host, more] of [
        ["audio/speech", "tts-1", "api.openai.com", { input: "Hi", voice: "alloy" }],
        ["images/generations", "dall-e-3", "api.openai.com", { prompt: "A cat" }],
        ["rerank", "rerank-v3.5", "api.cohere.com", { query: "a", documents: ["b"] }],
        ["rerank", "rerank-2.5", "api.voyageai.com", { query: "a", documents: ["b"] }],
        ["moderations", "omni-moderation-latest", "api.openai.com", { input: "Hi" }],
      ] as const
    ) {
      const asked = await led(model, `/v1/${path}`, more);
      assert.ok("host" in asked, JSON.stringify(asked));
      assert.deepEqual([asked.host, asked.model], [host, model]);
    }
  });

  it("may be left out of moderations, as OpenAI's clients do", async () => {
    const asked = await led(undefined, "/v1/moderations", { input: "Hi" });
    assert.deepEqual(asked, {
      host: "api.openai.com",
      path: "/v1/moderations",
      model: "omni-moderation-latest",
    });
  });

  for (
    const [name, message] of [
      ["claud-haiku-4-5", /did you mean 'anthropic\/claude-haiku-4-5'\?/],
      ["gpt4o", /did you mean 'openai\/gpt-4o'\?/],
      ["round", /Alias 'round' of 'models' leads to no model/],
      ["fasd", /did you mean 'fast'\?/],
      ["opnai/gpt-4o", /Invalid provider 'opnai'; did you mean 'openai'\?/],
      ["meta-llama/llama-3.3-70b-instruct", /sold by .*'openrouter\/meta-llama\/llama-3.3-70b/],
      ["gpt-oss-120b", /sold by 'azure-openai\/gpt-oss-120b', 'cerebras\/gpt-oss-120b'/],
      ["", /'model' is an empty string/],
      [null, /'model' is null/],
      [undefined, /'model' is missing/],
      [["a"], /'model' is an array/],
      [{}, /'model' is an object/],
      ["openai/", /'provider\/model' is expected/],
    ] as const
  ) {
    it(`${JSON.stringify(name)} is an error that says what would do`, async () => {
      const failed = await led(name);
      assert.ok("status" in failed, JSON.stringify(failed));
      assert.equal(failed.status, 400);
      assert.match(failed.message, message);
    });
  }
});

it("a method of Google's models that is not served is a 404 that names those that are", async () => {
  const path = "/v1beta/models/gemini-2.5-flash:batchGenerateContent";
  const failed = await led(undefined, path, {});
  assert.ok("status" in failed);
  assert.equal(failed.status, 404);
  assert.match(failed.message, /'batchGenerateContent'; it has generateContent, .*countTokens/);
});

describe("a name that its provider does not know", () => {
  /** Asks a provider that answers as it was recorded to. */
  async function refused(model: string, recording: string, path: string) {
    const { status, responseBody } = loadFixture(recording);
    const gateway = gatewayOver(() =>
      new Response(new Uint8Array(responseBody), {
        status,
        headers: { "content-type": "application/json" },
      })
    );
    const answer = await gateway(
      new Request(`http://gateway.test${path}`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: "Bearer k" },
        body: JSON.stringify({
          model,
          max_tokens: 9,
          messages: [{ role: "user", content: "Hi" }],
          input: "Hi",
        }),
      }),
    );
    assert.equal(answer.status, status);
    return {
      meant: answer.headers.get("x-sluice-did-you-mean"),
      text: await answer.text(),
      recorded: responseBody.toString(),
    };
  }

  const chat = "/v1/chat/completions";
  const messages = "/v1/messages";
  const recordings: readonly [model: string, meant: string | null, recording: string][] = [
    ["openai/gpt-4o-mnii", "openai/gpt-4o-mini", "openai/chat-error-404"],
    ["openai/claude-sonnet-4-5", "anthropic/claude-sonnet-4-5", "openai/chat-error-404"],
    ["anthropic/claude-sonet-4-5", "anthropic/claude-sonnet-4-5", "anthropic/messages-error-404"],
    [
      "google/gemini-2.5-flsh",
      "google-ai-studio/gemini-2.5-flash",
      "google-ai-studio/stream-generate-content-error-404",
    ],
    [
      "aws-bedrock/us.anthropic.claude-sonnet-4-5-2025929-v1:0",
      "aws-bedrock/us.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "amazon-bedrock/invoke-error-400",
    ],
    ["groq/llama-3.3-70b-versatil", "groq/llama-3.3-70b-versatile", "groq/chat-error-404"],
    [
      "fireworks/kimi-k2p55",
      "fireworks/accounts/fireworks/models/kimi-k2p5",
      "fireworks/synthetic-error-404",
    ],
    [
      "workers-ai/@cf/meta/llama-3.2-1b-instrct",
      "workers-ai/@cf/meta/llama-3.2-1b-instruct",
      "workers-ai/synthetic-error-400-no-such-model",
    ],
    // Nothing is near; it is known, and not for this key; it is another failure.
    ["openai/quite-another-thing", null, "openai/chat-error-404"],
    ["openai/gpt-4o-mini", null, "openai/chat-error-404"],
    ["openai/gpt-4o-mnii", null, "openai/chat-error-400"],
  ];
  for (const [model, meant, recording] of recordings) {
    it(`${model}: ${meant ?? "no hint"} (${recording})`, async () => {
      for (const path of [chat, messages]) {
        const told = await refused(model, recording, path);
        assert.equal(told.meant, meant);
        // What comes in the client's own format comes as it is.
        if (told.text === told.recorded) continue;
        assert.equal(told.text.includes(`(did you mean '${meant}'?)`), meant !== null, told.text);
      }
    });
  }

  it("of one who does not chat", async () => {
    const { meant } = await refused(
      "voyage/voyage-3.6",
      "voyage/embeddings-error-400",
      "/v1/embeddings",
    );
    assert.equal(meant, "voyage/voyage-3.5");
  });

  it("is sent on all the same, for the table does not know what is new", async () => {
    const told = await led("openai/gpt-99");
    assert.deepEqual("model" in told && told.model, "gpt-99");
  });
});
