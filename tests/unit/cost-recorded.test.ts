/** What recorded answers cost, beside what their providers say that they cost. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { providers } from "../../adapters/mod.ts";
import { readAnswer } from "../../core/formats/read.ts";
import { totalOf } from "../../core/usage/cost.ts";
import { createPricer } from "../../core/usage/pricer.ts";
import type { Usage } from "../../core/usage/usage.ts";
import { loadFixture } from "../support/fixtures.ts";

const pricer = createPricer({ now: Date.now, report: (message) => assert.fail(message) });
const at = Date.parse("2026-10-01T12:00:00Z");

async function costs(name: string) {
  const fixture = loadFixture(name);
  const slug = { "xai": "grok", "amazon-bedrock": "aws-bedrock" }[fixture.provider] ??
    fixture.provider;
  const { usage, model } = readAnswer({
    provider: slug,
    format: providers.find((row) => row.slug === slug)!.format,
    path: new URL(fixture.url).pathname.slice(1),
    status: fixture.status,
    contentType: fixture.responseHeaders["content-type"]!,
    head: fixture.responseBody,
  });
  const fromPath = /\/model\/([^/]+)/.exec(fixture.url)?.[1];
  const ask = { provider: slug, model: model ?? decodeURIComponent(fromPath ?? ""), at };
  const { cost: told, ...counted }: Usage = usage!;
  const reported = await pricer.cost({ ...ask, usage: usage! });
  return { told, reported, table: await pricer.cost({ ...ask, usage: counted }), usage: counted };
}

describe("recorded answers", () => {
  const both = [
    "openrouter/chat-plain",
    "openrouter/chat-reasoning",
    "openrouter/chat-tool-results-cached-truncated",
    "xai/responses-reasoning-cached",
    "xai/responses-stream-reasoning-cached",
    "xai/vercel-chat-tool-call",
  ];
  for (const name of both) {
    it(`${name}: the table comes to what the provider says`, async () => {
      const { told, reported, table } = await costs(name);
      assert.ok(told !== undefined && table !== null);
      assert.ok(Math.abs(totalOf(table) - told) < 1e-9, `${totalOf(table)}, not ${told}`);
      assert.deepEqual([reported!.source, totalOf(reported!)], ["provider", told]);
    });
  }

  const cached = [
    "amazon-bedrock/converse-stream-cached",
    "anthropic/messages-stream-tool-call-reasoning-cached",
    "azure-openai/chat-tool-call-cached",
    "google-ai-studio/generate-content-cached",
    "openai/chat-cached-truncated",
  ];
  for (const name of cached) {
    it(`${name}: each part of the input is priced once`, async () => {
      const { table, usage } = await costs(name);
      const { cache_read = 0, cache_write = 0, input } = usage;
      assert.ok(table !== null && input !== undefined && cache_read + cache_write > 0);
      assert.equal(table.cache_read > 0, cache_read > 0);
      assert.equal(table.cache_write > 0, cache_write > 0);
      const uncached = input - cache_read - cache_write;
      assert.equal(table.input > 0, uncached > 0);
      // A token that is read costs less than one that is not.
      if (uncached > 0 && cache_read > 0) {
        assert.ok(table.cache_read / cache_read < table.input / uncached);
      }
    });
  }

  it("what a stream that was cut did not tell is unknown", async () => {
    const { table } = await costs("anthropic/synthetic-messages-stream-midstream-overloaded");
    assert.equal(table, null);
  });
});
