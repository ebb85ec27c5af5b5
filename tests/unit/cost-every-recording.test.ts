/**
 * The cost of every recorded answer that tells its usage: what the provider says where it says it, else
 * what the price library itself makes of the figures in `usage.json`, which were derived apart from the
 * readers.
 */
import { strict as assert } from "node:assert";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { calcPrice } from "@pydantic/genai-prices";
import { totalOf } from "../../core/usage/cost.ts";
import { createPricer } from "../../core/usage/pricer.ts";
import type { Usage } from "../../core/usage/usage.ts";

interface Expected {
  usage?: Usage;
  model?: string;
}

const file = new URL("../fixtures/usage.json", import.meta.url);
const recordings = JSON.parse(readFileSync(file, "utf8")) as Record<string, Expected>;
const pricer = createPricer({ now: Date.now, report: (message) => assert.fail(message) });
const at = Date.parse("2026-10-01T12:00:00Z");
const slugs: Record<string, string> = { "xai": "grok", "amazon-bedrock": "aws-bedrock" };
/** Providers whose prices the library has under the same names, for tokens of text alone. */
const libraryIds: Record<string, string> = {
  "openai": "openai",
  "anthropic": "anthropic",
  "google-ai-studio": "google",
  "groq": "groq",
  "mistral": "mistral",
  "deepseek": "deepseek",
  "grok": "x-ai",
};

function isText({ units, cost, cache_write_1h, ...usage }: Usage): boolean {
  const modal = Object.entries(usage).some(([name, count]) =>
    /audio|image|video/.test(name) && count
  );
  return units === undefined && cost === undefined && !cache_write_1h && !modal &&
    usage.input !== undefined && usage.output !== undefined;
}

describe("every recorded answer with usage", () => {
  let [told, priced, unknown] = [0, 0, 0];
  for (const [name, { usage, model = "" }] of Object.entries(recordings)) {
    if (usage === undefined) continue;
    it(name, async () => {
      const folder = name.split("/")[0]!;
      const provider = slugs[folder] ?? folder;
      const parts = await pricer.cost({ provider, model, usage, at });
      if (usage.cost !== undefined) {
        told++;
        assert.deepEqual([parts?.source, totalOf(parts!)], ["provider", usage.cost]);
        return;
      }
      if (parts === null) {
        unknown++;
        return;
      }
      priced++;
      const sum = totalOf(parts);
      assert.ok(Number.isFinite(sum) && sum >= 0);
      assert.equal(parts.source, "table");
      const providerId = libraryIds[provider];
      if (providerId === undefined || !isText(usage)) return;
      const found = calcPrice(
        {
          input_tokens: usage.input,
          output_tokens: usage.output,
          cache_read_tokens: usage.cache_read ?? 0,
          cache_write_tokens: usage.cache_write ?? 0,
        },
        model.replace(/^models\//, ""),
        { providerId, timestamp: new Date(at) },
      );
      // Names that the library does not know as they are: other spellings are tested elsewhere.
      if (found === null) return;
      assert.ok(Math.abs(found.total_price - sum) < 1e-12, `${sum}, not ${found.total_price}`);
    });
  }

  it("most of them have a price", () => {
    assert.ok(told > 20 && priced > 250, `${told} told, ${priced} priced, ${unknown} without`);
    assert.ok(
      unknown < (told + priced) / 2,
      `${unknown} of ${told + priced + unknown} without a price`,
    );
  });
});
