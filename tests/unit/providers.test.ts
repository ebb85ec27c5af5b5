import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { defineProvider, providers } from "../../mod.ts";
import { errorOf, recording } from "./upstream.ts";

/** Path after `{gw}` and the URL that it leads to; sources: the providers' references, Cloudflare's docs. */
const urls: [path: string, url: string][] = [
  ["/openai/chat/completions", "https://api.openai.com/v1/chat/completions"],
  ["/openai/v1/chat/completions", "https://api.openai.com/v1/chat/completions"],
  ["/openai/v1/models?limit=2&after=a%20b", "https://api.openai.com/v1/models?limit=2&after=a%20b"],
  ["/anthropic/v1/messages?beta=true", "https://api.anthropic.com/v1/messages?beta=true"],
  ["/anthropic/api/hello", "https://api.anthropic.com/api/hello"],
  [
    "/google-ai-studio/v1beta/models/gemini-2.5-flash:generateContent?key=k",
    "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent?key=k",
  ],
  [
    "/google/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
    "https://generativelanguage.googleapis.com/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
  ],
  [
    "/google-ai-studio/upload/v1beta/files",
    "https://generativelanguage.googleapis.com/upload/v1beta/files",
  ],
  [
    "/google-vertex-ai/v1/projects/p/locations/us-central1/publishers/google/models/m:generateContent",
    "https://us-central1-aiplatform.googleapis.com/v1/projects/p/locations/us-central1/publishers/google/models/m:generateContent",
  ],
  [
    "/google-vertex-ai/v1beta1/projects/p/locations/global/publishers/google/models/m:countTokens",
    "https://aiplatform.googleapis.com/v1beta1/projects/p/locations/global/publishers/google/models/m:countTokens",
  ],
  [
    "/vertex/v1/projects/p/locations/eu/publishers/anthropic/models/m:rawPredict",
    "https://aiplatform.eu.rep.googleapis.com/v1/projects/p/locations/eu/publishers/anthropic/models/m:rawPredict",
  ],
  [
    "/google-vertex-ai/v1/publishers/google/models/m:generateContent",
    "https://aiplatform.googleapis.com/v1/publishers/google/models/m:generateContent",
  ],
  [
    "/azure-openai/my-res/gpt-4o/chat/completions?api-version=2024-10-21",
    "https://my-res.openai.azure.com/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
  ],
  [
    "/azure/my-res/models/chat/completions?api-version=2024-05-01-preview",
    "https://my-res.services.ai.azure.com/models/chat/completions?api-version=2024-05-01-preview",
  ],
  [
    "/azure/my-res/anthropic/v1/messages",
    "https://my-res.services.ai.azure.com/anthropic/v1/messages",
  ],
  [
    "/azure/my-res/openai/v1/responses",
    "https://my-res.openai.azure.com/openai/v1/responses",
  ],
  [
    "/aws-bedrock/bedrock-runtime/us-east-1/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke",
    "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.anthropic.claude-haiku-4-5-20251001-v1%3A0/invoke",
  ],
  [
    "/amazon-bedrock/bedrock-runtime/us-gov-west-1/model/arn%3Aaws%3Abedrock%3Aus%3A1%3Ax%2Fy/converse",
    "https://bedrock-runtime.us-gov-west-1.amazonaws.com/model/arn%3Aaws%3Abedrock%3Aus%3A1%3Ax%2Fy/converse",
  ],
  [
    "/bedrock/bedrock-mantle/us-east-1/anthropic/v1/messages",
    "https://bedrock-mantle.us-east-1.api.aws/anthropic/v1/messages",
  ],
  [
    "/aws-bedrock/bedrock-agent-runtime/eu-west-1/rerank",
    "https://bedrock-agent-runtime.eu-west-1.amazonaws.com/rerank",
  ],
  [
    "/aws-bedrock/bedrock-runtime/cn-north-1/model/m/converse",
    "https://bedrock-runtime.cn-north-1.amazonaws.com.cn/model/m/converse",
  ],
  [
    "/workers-ai/@cf/meta/llama-3.1-8b-instruct",
    "https://api.cloudflare.com/client/v4/accounts/acc/ai/run/@cf/meta/llama-3.1-8b-instruct",
  ],
  [
    "/workers-ai/run/@cf/meta/llama-3.1-8b-instruct",
    "https://api.cloudflare.com/client/v4/accounts/acc/ai/run/@cf/meta/llama-3.1-8b-instruct",
  ],
  [
    "/workers-ai/v1/chat/completions",
    "https://api.cloudflare.com/client/v4/accounts/acc/ai/v1/chat/completions",
  ],
  ["/grok/v1/chat/completions", "https://api.x.ai/v1/chat/completions"],
  ["/grok/chat/completions", "https://api.x.ai/v1/chat/completions"],
  ["/xai/v1/messages", "https://api.x.ai/v1/messages"],
  ["/groq/chat/completions", "https://api.groq.com/openai/v1/chat/completions"],
  ["/groq/openai/v1/chat/completions", "https://api.groq.com/openai/v1/chat/completions"],
  ["/groq/v1/models", "https://api.groq.com/openai/v1/models"],
  ["/mistral/v1/chat/completions", "https://api.mistral.ai/v1/chat/completions"],
  ["/mistral/fim/completions", "https://api.mistral.ai/v1/fim/completions"],
  ["/cohere/v1/chat", "https://api.cohere.com/v1/chat"],
  ["/cohere/v2/chat", "https://api.cohere.com/v2/chat"],
  ["/cohere/chat", "https://api.cohere.com/v1/chat"],
  [
    "/cohere/compatibility/v1/chat/completions",
    "https://api.cohere.com/compatibility/v1/chat/completions",
  ],
  ["/deepseek/chat/completions", "https://api.deepseek.com/chat/completions"],
  ["/deepseek/v1/chat/completions", "https://api.deepseek.com/v1/chat/completions"],
  ["/perplexity-ai/chat/completions", "https://api.perplexity.ai/chat/completions"],
  ["/cerebras/chat/completions", "https://api.cerebras.ai/v1/chat/completions"],
  ["/cerebras/v1/chat/completions", "https://api.cerebras.ai/v1/chat/completions"],
  ["/openrouter/v1/chat/completions", "https://openrouter.ai/api/v1/chat/completions"],
  ["/openrouter/chat/completions", "https://openrouter.ai/api/v1/chat/completions"],
  ["/fireworks/chat/completions", "https://api.fireworks.ai/inference/v1/chat/completions"],
  ["/together/chat/completions", "https://api.together.xyz/v1/chat/completions"],
  ["/deepinfra/chat/completions", "https://api.deepinfra.com/v1/openai/chat/completions"],
  ["/deepinfra/v1/chat/completions", "https://api.deepinfra.com/v1/openai/chat/completions"],
  ["/deepinfra/v1/openai/models", "https://api.deepinfra.com/v1/openai/models"],
  ["/deepinfra/v1/inference/a/b", "https://api.deepinfra.com/v1/inference/a/b"],
  ["/moonshot/v1/chat/completions", "https://api.moonshot.ai/v1/chat/completions"],
  ["/zai/chat/completions", "https://api.z.ai/api/paas/v4/chat/completions"],
  ["/zai/v4/chat/completions", "https://api.z.ai/api/paas/v4/chat/completions"],
  ["/voyage/embeddings", "https://api.voyageai.com/v1/embeddings"],
  ["/jina/v1/rerank", "https://api.jina.ai/v1/rerank"],
  ["/nvidia/chat/completions", "https://integrate.api.nvidia.com/v1/chat/completions"],
  ["/sambanova/v1/chat/completions", "https://api.sambanova.ai/v1/chat/completions"],
  ["/ollama/api/chat", "http://localhost:11434/api/chat"],
  ["/ollama/v1/chat/completions", "http://localhost:11434/v1/chat/completions"],
  ["/ollama/chat/completions", "http://localhost:11434/v1/chat/completions"],
  ["/vllm/chat/completions", "http://localhost:8000/v1/chat/completions"],
  ["/vllm/metrics", "http://localhost:8000/metrics"],
  ["/lmstudio/api/v0/models", "http://localhost:1234/api/v0/models"],
  ["/baseten/v1/chat/completions", "https://inference.baseten.co/v1/chat/completions"],
  ["/baseten/model/abcd1234", "https://model-abcd1234.api.baseten.co/production/predict"],
  [
    "/baseten/model/abcd1234/environments/staging/predict",
    "https://model-abcd1234.api.baseten.co/environments/staging/predict",
  ],
  ["/parallel/v1/tasks/runs", "https://api.parallel.ai/v1/tasks/runs"],
  ["/parallel/v1beta/search", "https://api.parallel.ai/v1beta/search"],
  [
    "/huggingface/bigcode/starcoder",
    "https://router.huggingface.co/hf-inference/models/bigcode/starcoder",
  ],
  ["/huggingface/gpt2", "https://router.huggingface.co/hf-inference/models/gpt2"],
  [
    "/huggingface/models/openai/whisper-large-v3",
    "https://router.huggingface.co/hf-inference/models/openai/whisper-large-v3",
  ],
  [
    "/huggingface/HuggingFaceH4/zephyr-7b-beta/v1/chat/completions",
    "https://router.huggingface.co/hf-inference/models/HuggingFaceH4/zephyr-7b-beta/v1/chat/completions",
  ],
  [
    "/huggingface/hf-inference/models/a/b/pipeline/feature-extraction",
    "https://router.huggingface.co/hf-inference/models/a/b/pipeline/feature-extraction",
  ],
  [
    "/huggingface/pipeline/feature-extraction/a/b",
    "https://router.huggingface.co/hf-inference/models/a/b/pipeline/feature-extraction",
  ],
  ["/huggingface/v1/chat/completions", "https://router.huggingface.co/v1/chat/completions"],
  [
    "/huggingface/together/v1/chat/completions",
    "https://router.huggingface.co/together/v1/chat/completions",
  ],
  [
    "/huggingface/fal-ai/fal-ai/flux/schnell",
    "https://router.huggingface.co/fal-ai/fal-ai/flux/schnell",
  ],
  ["/replicate/predictions", "https://api.replicate.com/v1/predictions"],
  ["/replicate/v1/predictions/x/cancel", "https://api.replicate.com/v1/predictions/x/cancel"],
  [
    "/replicate/stream.replicate.com/v1/files/abc?x=1",
    "https://stream.replicate.com/v1/files/abc?x=1",
  ],
  [
    "/replicate/streaming-api.svc.rno2.c.replicate.net/v1/streams/abc",
    "https://streaming-api.svc.rno2.c.replicate.net/v1/streams/abc",
  ],
  ["/fal/fal-ai/fast-sdxl", "https://fal.run/fal-ai/fast-sdxl"],
  ["/ideogram/v1/ideogram-v3/generate", "https://api.ideogram.ai/v1/ideogram-v3/generate"],
  ["/cartesia/tts/bytes", "https://api.cartesia.ai/tts/bytes"],
  ["/elevenlabs/v1/text-to-speech/v", "https://api.elevenlabs.io/v1/text-to-speech/v"],
  ["/deepgram/v1/listen?model=nova-3", "https://api.deepgram.com/v1/listen?model=nova-3"],
];

describe("provider URLs", () => {
  const { ask } = recording();
  for (const [path, url] of urls) {
    it(path, async () => assert.equal((await ask(path)).sent?.url, url));
  }

  it("has a case for every provider", () => {
    const tried = new Set(urls.map(([path]) => path.split(/[/?]/)[1]));
    const missing = providers.filter((p) =>
      ![p.slug, ...p.aliases ?? []].some((s) => tried.has(s))
    );
    assert.deepEqual(missing.map((p) => p.slug), []);
  });

  it("has each name once", () => {
    const names = providers.flatMap((p) => [p.slug, ...p.aliases ?? []]);
    assert.deepEqual(names.filter((name, i) => names.indexOf(name) !== i), []);
  });

  it("works without account and gateway", async () => {
    const { sent } = await ask("http://gateway.test/openai/v1/chat/completions");
    assert.equal(sent?.url, "https://api.openai.com/v1/chat/completions");
  });
});

describe("base_url", () => {
  const mock = "http://127.0.0.1:9";
  const overridden: [slug: string, base: string, path: string, url: string][] = [
    ["openai", `${mock}/v1/`, "/openai/v1/x", `${mock}/v1/x`],
    ["openai", `${mock}/base/v1`, "/openai/x", `${mock}/base/v1/x`],
    ["grok", mock, "/grok/chat/completions", `${mock}/v1/chat/completions`],
    ["xai", `${mock}/v1`, "/grok/v1/chat/completions", `${mock}/v1/chat/completions`],
    [
      "azure-openai",
      mock,
      "/azure/r/d/embeddings?a=1",
      `${mock}/openai/deployments/d/embeddings?a=1`,
    ],
    [
      "aws-bedrock",
      mock,
      "/bedrock/bedrock-runtime/us-east-1/model/m/converse",
      `${mock}/model/m/converse`,
    ],
    [
      "google-vertex-ai",
      mock,
      "/google-vertex-ai/v1/projects/p/locations/global/x",
      `${mock}/v1/projects/p/locations/global/x`,
    ],
    ["workers-ai", mock, "/workers-ai/@cf/a/b", `${mock}/client/v4/accounts/acc/ai/run/@cf/a/b`],
    ["huggingface", mock, "/huggingface/a/b", `${mock}/hf-inference/models/a/b`],
    ["replicate", `${mock}/v1`, "/replicate/stream.replicate.com/v1/s", `${mock}/v1/s`],
    ["deepinfra", `${mock}/p/v1/openai`, "/deepinfra/v1/inference/a", `${mock}/p/v1/inference/a`],
    ["baseten", `${mock}/p/v1`, "/baseten/model/abc", `${mock}/p/production/predict`],
    ["custom-acme", `${mock}/api`, "/custom-acme/api/x", `${mock}/api/api/x`],
    [
      "custom-acme",
      "http://localhost:1/v1",
      "/custom-acme/v1/models",
      "http://localhost:1/v1/models",
    ],
  ];
  for (const [slug, base_url, path, url] of overridden) {
    it(`${slug} at ${base_url}: ${path}`, async () => {
      const { ask } = recording({ providers: { [slug]: { base_url } } });
      assert.equal((await ask(path)).sent?.url, url);
    });
  }

  it("takes the Cloudflare account from the configuration", async () => {
    const { ask } = recording({ providers: { "workers-ai": { account_id: "cf1" } } });
    const { sent } = await ask("/workers-ai/v1/embeddings");
    assert.equal(sent?.url, "https://api.cloudflare.com/client/v4/accounts/cf1/ai/v1/embeddings");
  });
});

describe("fal targets", () => {
  const target = (url: string, base_url?: string) =>
    recording(base_url === undefined ? {} : { providers: { fal: { base_url } } })
      .ask("/fal", { headers: { "x-fal-target-url": url } });

  it("reach fal's own hosts, whole, without the header", async () => {
    const url = "https://queue.fal.run/fal-ai/x/requests/1/status?logs=1";
    const { sent } = await target(url);
    assert.equal(sent?.url, url);
    assert.equal(sent?.headers["x-fal-target-url"], undefined);
    assert.equal(
      (await target("https://rest.fal.ai/storage")).sent?.url,
      "https://rest.fal.ai/storage",
    );
  });

  it("go to the base_url when there is one", async () => {
    assert.equal(
      (await target("https://queue.fal.run/a?b=1", "http://127.0.0.1:9")).sent?.url,
      "http://127.0.0.1:9/a?b=1",
    );
  });

  for (
    const url of [
      "https://evil.com/",
      "https://fal.run/..%2f..%2fadmin",
      "https://fal.run/a%0d%0ab",
      "https://fal.run.evil.com/",
      "https://evilfal.run/",
      "http://fal.run/",
      "https://user@fal.run/",
      "https://fal.run:8443/",
      "https://fal.run@evil.com/",
      "https://evil.com\\.fal.run/",
      "//fal.run/",
      "file:///etc/passwd",
      "not a url",
    ]
  ) {
    it(`refuse ${url}`, async () => {
      const { response, sent } = await target(url);
      assert.equal(sent, undefined);
      assert.equal((await errorOf(response)).status, 400);
    });
  }
});

describe("keys", () => {
  it("need a header in lower case, or the client's own would not be found", () => {
    const row = { slug: "acme", baseURL: "http://a.test", key: { header: "X-Key" } };
    assert.throws(() => defineProvider(row), /lower case/);
  });

  it("go without a word before them when the configuration says so", async () => {
    const options = {
      open: true,
      keys: { openai: { default: { value: "k" } } },
      providers: { openai: { key_scheme: "" } },
    };
    assert.equal((await recording(options).ask("/openai/x")).sent?.headers["authorization"], "k");
  });

  const keys = {
    openai: { default: { value: "sk-a" }, other: { value: "sk-b" } },
    anthropic: { default: { value: "ak" } },
    google: { default: { value: "gk" } },
    azure: { default: { value: "az" } },
    deepgram: { default: { value: "dg" } },
    fal: { default: { value: "fk" } },
    "custom-acme": { default: { env: "ACME" } },
  };
  const config = {
    open: true,
    keys,
    env: { ACME: "ac" },
    providers: { "custom-acme": { base_url: "http://a.test", key_header: "x-acme-key" } },
  };
  const placed: [path: string, header: string, value: string][] = [
    ["/openai/x", "authorization", "Bearer sk-a"],
    ["/anthropic/x", "x-api-key", "ak"],
    ["/google-ai-studio/x", "x-goog-api-key", "gk"],
    ["/azure-openai/r/d/x", "api-key", "az"],
    ["/deepgram/x", "authorization", "Token dg"],
    ["/fal/x", "authorization", "Key fk"],
    ["/custom-acme/x", "x-acme-key", "ac"],
  ];
  for (const [path, header, value] of placed) {
    it(`travel the provider's way: ${path}`, async () => {
      assert.equal((await recording(config).ask(path)).sent?.headers[header], value);
    });
  }

  it("are lent to nobody unless the gateway is open", async () => {
    const { sent } = await recording({ ...config, open: false }).ask("/openai/x");
    assert.equal(sent?.headers["authorization"], undefined);
  });

  it("give way to the client's own, whichever header it uses", async () => {
    const { ask } = recording(config);
    for (const header of ["authorization", "x-api-key"]) {
      const { sent } = await ask("/anthropic/x", { headers: { [header]: "mine" } });
      assert.equal(sent?.headers[header], "mine");
      assert.notEqual(sent?.headers["x-api-key"], "ak");
    }
    const { sent } = await ask("/google/v1beta/models?key=mine");
    assert.equal(sent?.headers["x-goog-api-key"], undefined);
  });

  it("replace an empty one", async () => {
    const { sent } = await recording(config).ask("/openai/x", {
      headers: { authorization: "Bearer " },
    });
    assert.equal(sent?.headers["authorization"], "Bearer sk-a");
  });

  it("are chosen by alias", async () => {
    const { ask } = recording(config);
    const { sent } = await ask("/openai/x", { headers: { "cf-aig-byok-alias": "other" } });
    assert.equal(sent?.headers["authorization"], "Bearer sk-b");
    const { response } = await ask("/openai/x", { headers: { "cf-aig-byok-alias": "nope" } });
    assert.deepEqual(await errorOf(response), {
      status: 400,
      code: 2040,
      message:
        "Provider 'openai' has no BYOK credential named 'nope'. Configured aliases: 'default', 'other'",
    });
  });
});
