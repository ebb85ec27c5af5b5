import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { calcPrice, findProvider, type MatchLogic } from "@pydantic/genai-prices";
import { providers } from "../../adapters/mod.ts";
import { totalOf } from "../../core/usage/cost.ts";
import { loadTable } from "../../core/usage/prices.ts";
import type { Usage } from "../../core/usage/usage.ts";

const table = await loadTable();
const today = Date.parse("2026-10-01T12:00:00Z");

/** Slug, the table's id. */
const priced: Record<string, string> = {
  "anthropic": "anthropic",
  "aws-bedrock": "aws",
  "azure-openai": "azure",
  "baseten": "baseten",
  "cerebras": "cerebras",
  "cohere": "cohere",
  "deepseek": "deepseek",
  "fireworks": "fireworks",
  "google-ai-studio": "google",
  "google-vertex-ai": "google",
  "grok": "x-ai",
  "groq": "groq",
  "mistral": "mistral",
  "moonshot": "moonshotai",
  "openai": "openai",
  "openrouter": "openrouter",
  "perplexity-ai": "perplexity",
  "together": "together",
  "voyage": "voyageai",
  "workers-ai": "cloudflare",
  "zai": "zai",
};

/** Local, or not in the table: these cost what the configuration or the provider says. */
const unpriced = [
  ...["ollama", "vllm", "lmstudio"],
  ...["nvidia", "sambanova", "jina", "deepinfra", "huggingface", "replicate"],
  ...["fal", "parallel", "ideogram", "cartesia", "elevenlabs", "deepgram"],
];

/** A pseudo-random number below `n`, the same in every run. */
function dice(seed: number): (n: number) => number {
  return (n) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor(seed / 2 ** 32 * n);
  };
}

function nameOf(match: MatchLogic): string | undefined {
  if ("or" in match) return match.or.map(nameOf).find((name) => name !== undefined);
  if ("and" in match) return match.and.map(nameOf).find((name) => name !== undefined);
  if ("equals" in match) return match.equals;
  if ("starts_with" in match) return match.starts_with;
  if ("contains" in match) return match.contains;
  return "ends_with" in match ? match.ends_with : undefined;
}

describe("every model of the table", () => {
  for (const [slug, id] of Object.entries(priced)) {
    it(`costs at ${slug} what the table says`, () => {
      const roll = dice(slug.length);
      const some = () => roll(3) === 0 ? roll(300_000) : 0;
      let compared = 0;
      for (const model of findProvider({ providerId: id })!.models) {
        const name = nameOf(model.match) ?? model.id;
        for (let round = 0; round < 12; round++) {
          const when = round === 0
            ? today
            : Date.parse("2024-01-01T00:00:00Z") + roll(2 ** 31) * 50;
          const options = { providerId: id, timestamp: new Date(when) };
          const found = calcPrice({}, name, options);
          if (found === null) continue;
          const prices = found.model_price;

          const uncached = some() + 1;
          const read = some();
          const readAudio = some();
          const write = some();
          const audio = some();
          const image = read + readAudio > 0 ? 0 : some(); // the cached part is never told
          const video = some();
          const hour = prices["cache_write_1h_mtok"] === undefined ? 0 : some();
          const text = some();
          const reasoning = some();
          const outAudio = roll(6) === 0 ? some() : 0;
          const outImage = some();
          const usage: Usage = {
            input: uncached + read + readAudio + write + hour + audio + image + video,
            output: text + reasoning + outAudio + outImage,
            cache_read: read + readAudio,
            cache_write: write + hour,
            cache_write_1h: hour,
            input_audio: audio + readAudio,
            cache_read_audio: readAudio,
            input_image: image,
            input_video: video,
            reasoning,
            output_audio: outAudio,
            output_image: outImage,
          };
          const ours = table.find(slug, name, when)?.(usage) ?? null;
          const silent = prices["input_mtok"] === undefined ||
            prices["requests_kcount"] !== undefined ||
            prices["output_mtok"] === undefined && usage.output! > 0 ||
            id !== "google" && (
                prices["input_audio_mtok"] === undefined && usage.input_audio! > 0 ||
                prices["output_audio_mtok"] === undefined && outAudio > 0
              );
          if (silent) {
            assert.equal(ours, null, `${name} has no price for ${JSON.stringify(usage)}`);
            continue;
          }
          const theirs = calcPrice(
            {
              input_tokens: usage.input,
              output_tokens: usage.output,
              cache_read_tokens: usage.cache_read,
              cache_write_tokens: usage.cache_write,
              cache_write_1h_tokens: hour,
              cache_audio_read_tokens: readAudio,
              cache_image_read_tokens: 0,
              input_audio_tokens: usage.input_audio,
              input_image_tokens: image,
              input_video_tokens: video,
              output_reasoning_tokens: reasoning,
              output_audio_tokens: outAudio,
              output_image_tokens: outImage,
            },
            name,
            options,
          );
          assert.ok(ours !== null, `${name} has no price`);
          const difference = Math.abs(totalOf(ours) - theirs!.total_price);
          assert.ok(difference < 1e-12, `${name}: ${totalOf(ours)}, not ${theirs!.total_price}`);
          compared++;
        }
      }
      assert.ok(compared > 0);
    });
  }
});

describe("prices that change", () => {
  it("change on the quarter of an hour, between which a price is remembered", () => {
    const times = Object.values(priced).flatMap((id) => findProvider({ providerId: id })!.models)
      .flatMap((model) => Array.isArray(model.prices) ? model.prices : [])
      .flatMap(({ constraint }) => {
        if (constraint === undefined) return [];
        if (constraint.type === "start_date") return [constraint.start_date];
        return [`2026-01-01T${constraint.start_time}`, `2026-01-01T${constraint.end_time}`];
      });
    assert.ok(times.length > 0);
    for (const time of times) assert.equal(Date.parse(time) % (15 * 60_000), 0, time);
  });
});

describe("provider slugs", () => {
  it("are in the table, or known not to be", () => {
    const slugs = providers.map((row) => row.slug).sort();
    assert.deepEqual(slugs, [...Object.keys(priced), ...unpriced].sort());
  });

  for (const slug of [...unpriced, "custom-openai", "constructor", "__proto__"]) {
    it(`${slug} has no prices`, () => assert.equal(table.find(slug, "gpt-4o", today), null));
  }
});

describe("model names", () => {
  const usage = { input: 1000, output: 1000 };
  const same: [slug: string, model: string, listed: string][] = [
    ["openai", "openai/gpt-4o", "gpt-4o"],
    ["openai", "GPT-4o", "gpt-4o"],
    ["openai", "gpt-4o-2024-11-20", "gpt-4o"],
    ["openai", "gpt-4o-2099-01-01", "gpt-4o"],
    ["openai", "gpt-4o-2024-05-13", "gpt-4o-2024-05-13"],
    ["openai", "ft:gpt-4o-mini:org::id", "ft:gpt-4o-mini-2024-07-18"],
    ["openai", "ft:gpt-4o-mini-2024-07-18:org:name:id", "ft:gpt-4o-mini-2024-07-18"],
    ["azure-openai", "gpt-4o-2024-11-20", "gpt-4o"],
    ["azure-openai", "gpt-35-turbo", "gpt-3.5-turbo"],
    ["anthropic", "claude-sonnet-4-5-20250929", "claude-sonnet-4-5"],
    ["google-ai-studio", "models/gemini-2.5-flash", "gemini-2.5-flash"],
    ["google-vertex-ai", "google/gemini-2.5-flash", "gemini-2.5-flash"],
    ["google-vertex-ai", "publishers/google/models/gemini-2.5-pro", "gemini-2.5-pro"],
    [
      "google-vertex-ai",
      "publishers/anthropic/models/claude-sonnet-4-5@20250929",
      "claude-sonnet-4-5",
    ],
    ["google-vertex-ai", "anthropic/claude-haiku-4-5@20251001", "claude-haiku-4-5"],
    [
      "aws-bedrock",
      "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ],
    [
      "aws-bedrock",
      "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "anthropic.claude-sonnet-4-5-20250929-v1:0",
    ],
    [
      "aws-bedrock",
      "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
      "global.anthropic.claude-sonnet-4-5-20250929-v1:0",
    ],
    ["aws-bedrock", "us.amazon.nova-pro-v1:0", "amazon.nova-pro-v1:0"],
    ["fireworks", "gpt-oss-120b", "accounts/fireworks/models/gpt-oss-120b"],
    ["workers-ai", "@cf/meta/llama-3.1-8b-instruct", "@cf/meta/llama-3.1-8b-instruct"],
    ["workers-ai", "workers-ai/@cf/openai/gpt-oss-20b", "@cf/openai/gpt-oss-20b"],
    ["groq", "openai/gpt-oss-120b", "openai/gpt-oss-120b"],
    ["openrouter", "anthropic/claude-sonnet-4.5", "anthropic/claude-sonnet-4.5"],
  ];
  for (const [slug, model, listed] of same) {
    it(`${slug}: ${model} is ${listed}`, () => {
      const options = { providerId: priced[slug]!, timestamp: new Date(today) };
      const theirs = calcPrice({ input_tokens: 1000, output_tokens: 1000 }, listed, options);
      const ours = table.find(slug, model, today)?.(usage) ?? null;
      assert.ok(ours !== null && theirs !== null);
      assert.equal(totalOf(ours), theirs.total_price);
    });
  }

  const unknown: [slug: string, model: string][] = [
    ["openai", ""],
    ["openai", "gpt-99"],
    ["openai", "ft:gpt-4.1-2025-04-14:org::id"],
    ["azure-openai", "my-deployment"],
    ["aws-bedrock", "arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/abc"],
    ["google-vertex-ai", "meta/llama-3.3-70b-instruct-maas"],
    ["openai", "__proto__"],
    ["openai", "\0"],
    ["openai", "[".repeat(250)],
  ];
  for (const [slug, model] of unknown) {
    it(`${slug}: ${JSON.stringify(model).slice(0, 40)} is unknown`, () => {
      assert.equal(table.find(slug, model, today), null);
    });
  }

  it("has no prices for a time that is none", () => {
    for (const when of [NaN, Infinity, 9e15]) {
      assert.equal(table.find("openai", "gpt-4o", when), null);
    }
  });
});

describe("prices of parts", () => {
  const price = (slug: string, model: string, usage: Usage) =>
    table.find(slug, model, today)?.(usage) ?? null;

  it("Anthropic's writes for an hour cost twice the input wherever the model is served", () => {
    const models = [
      ["anthropic", "claude-haiku-4-5-20251001"],
      ["aws-bedrock", "us.anthropic.claude-haiku-4-5-20251001-v1:0"],
      ["google-vertex-ai", "claude-haiku-4-5@20251001"],
      ["google-vertex-ai", "claude-sonnet-4-5@20250929"],
      ["openrouter", "anthropic/claude-haiku-4.5"],
    ];
    for (const [slug, model] of models) {
      const plain = price(slug!, model!, { input: 150_000, output: 0 })!;
      const written = { input: 150_000, output: 0, cache_write: 150_000 };
      const short = price(slug!, model!, written)!;
      const long = price(slug!, model!, { ...written, cache_write_1h: 150_000 })!;
      assert.ok(Math.abs(short.cache_write - plain.input * 1.25) < 1e-12, model);
      assert.ok(Math.abs(long.cache_write - plain.input * 2) < 1e-12, model);
      assert.deepEqual([long.input, long.cache_read, long.output, long.other], [0, 0, 0, 0]);
    }
  });

  it("the whole input decides on the tier, and the tier holds for all of it", () => {
    const small = price("google-ai-studio", "gemini-2.5-pro", { input: 200_000, output: 1000 })!;
    const big = price("google-ai-studio", "gemini-2.5-pro", { input: 200_001, output: 1000 })!;
    assert.ok(big.input > small.input * 1.9 && big.output > small.output);
  });

  it("what the provider's tools did is priced or unknown", () => {
    const usage = { input: 10, output: 10 };
    const searched = { ...usage, units: { web_search_requests: 3, web_fetch_requests: 5 } };
    const more = price("anthropic", "claude-sonnet-4-5", searched)!;
    assert.ok(Math.abs(more.other - 0.03) < 1e-12);
    assert.equal(price("aws-bedrock", "us.amazon.nova-pro-v1:0", searched), null);
    assert.equal(price("grok", "grok-4", { ...usage, units: { web_search_calls: 1 } }), null);
    assert.equal(price("openai", "gpt-4o", { ...usage, units: { x_calls: 1 } }), null);
    // What is not a tool is not billed by the unit.
    const units = { web_search_calls: 0, x_calls: 0, queue_time: 0.1 };
    assert.ok(price("openai", "gpt-4o", { ...usage, units }) !== null);
  });

  it("a fee for the request that depends on what is not told is unknown", () => {
    assert.equal(price("perplexity-ai", "sonar", { input: 10, output: 10 }), null);
  });

  it("what Cohere bills counts, not what the model saw", () => {
    const plain = price("cohere", "command-a-03-2025", { input: 57, output: 20 });
    const usage = { input: 1490, output: 25, cache_read: 1360 };
    const units = { billed_input_tokens: 57, billed_output_tokens: 20 };
    assert.deepEqual(price("cohere", "command-a-03-2025", { ...usage, units }), plain);
    const half = price("cohere", "command-a-03-2025", {
      ...usage,
      output: 20,
      units: { billed_input_tokens: 57 },
    });
    assert.deepEqual(half, plain);
  });

  it("what is sold by the hour or the page has its price in the input", () => {
    const hour = price("openai", "whisper-1", { units: { seconds: 3600 } })!;
    assert.ok(hour.input > 0);
    // Groq charges ten seconds at least.
    const short = price("groq", "whisper-large-v3", { units: { seconds: 1 } })!;
    assert.deepEqual(short, price("groq", "whisper-large-v3", { units: { seconds: 10 } }));
    assert.ok(price("mistral", "mistral-ocr-latest", { units: { pages_processed: 3 } })!.input > 0);
    assert.equal(price("openai", "whisper-1", {}), null);
    assert.equal(price("openai", "whisper-1", { input: 10, output: 10 }), null);
  });

  it("does not take audio for text where the table has a gap", () => {
    const usage = { input: 100, output: 10 };
    assert.ok(price("openai", "gpt-4o-audio-preview", usage) !== null);
    assert.equal(price("openai", "gpt-4o-audio-preview", { ...usage, input_audio: 50 }), null);
    assert.equal(price("openai", "gpt-4o-audio-preview", { ...usage, output_audio: 5 }), null);
    // One price for all kinds of input.
    assert.ok(price("google-ai-studio", "gemini-2.5-pro", { ...usage, input_audio: 50 }) !== null);
  });

  it("does not guess which kind of token came from the cache", () => {
    const usage = { input: 100, output: 10, cache_read: 50, input_audio: 50 };
    assert.equal(price("google-ai-studio", "gemini-2.5-flash", usage), null);
    assert.ok(price("google-ai-studio", "gemini-2.5-flash", { ...usage, cache_read_audio: 0 }));
  });
});
