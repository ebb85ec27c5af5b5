import { strict as assert } from "node:assert";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { countTokens as count100k } from "gpt-tokenizer/encoding/cl100k_base";
import { countTokens as count200k } from "gpt-tokenizer/encoding/o200k_base";
import { estimateTokens } from "../../core/usage/estimate.ts";

const root = join(import.meta.dirname!, "../..");
const read = (path: string) => readFileSync(join(root, path), "utf8");
const docs = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"))
  .map((name) => read(`docs/${name}`)).join("\n");
const plain = { disallowedSpecial: new Set<string>() };

describe("estimateTokens", () => {
  const ordinary: Record<string, string> = {
    "one word": "Hello",
    "a sentence": "What is the weather like in Paris, and what in Tokyo?",
    "Markdown": read("README.md"),
    "much Markdown": docs,
    "TypeScript": read("core/gateway.ts"),
    "JSON": read("package.json"),
    "Chinese": "今天天气怎么样?我想去公园散步,然后和朋友一起吃饭。".repeat(20),
    "Russian": "Какая сегодня погода? Я хочу погулять в парке. ".repeat(50),
    "emoji": "Great 🎉👩‍👩‍👧 see you 🏳️‍🌈 ".repeat(100),
  };
  for (const [name, text] of Object.entries(ordinary)) {
    it(`counts ${name} as the encoding does`, async () => {
      const exact = count200k(text, plain);
      const tokens = await estimateTokens(text, "gpt-5");
      assert.ok(Math.abs(tokens - exact) <= exact / 1000, `${tokens}, not ${exact}`);
    });
  }

  it("knows the encoding of older models", async () => {
    const text = ordinary["Chinese"]!;
    const [older, newer] = [count100k(text), count200k(text)];
    assert.notEqual(older, newer);
    for (
      const model of ["gpt-4", "gpt-4-turbo", "gpt-3.5-turbo", "openai/gpt-4-0613", "gpt-35-turbo"]
    ) {
      const tokens = await estimateTokens(text, model);
      assert.ok(Math.abs(tokens - older) <= older / 200, model);
    }
    for (const model of ["gpt-4o", "gpt-4.1", "gpt-5", "claude-sonnet-4-5", "", undefined]) {
      const tokens = await estimateTokens(text, model);
      assert.ok(Math.abs(tokens - newer) <= newer / 200, model);
    }
  });

  it("extrapolates what is too long to count", async () => {
    const page = read("core/gateway.ts");
    const text = page.repeat(Math.ceil(1_500_000 / page.length));
    const exact = count200k(page, plain) * text.length / page.length;
    const tokens = await estimateTokens(text);
    assert.ok(Math.abs(tokens - exact) < exact / 20, `${tokens}, not ${exact}`);
  });

  it("finds nothing in nothing", async () => assert.equal(await estimateTokens(""), 0));

  const length = 100_000;
  const hostile: Record<string, string> = {
    "equal letters": "a".repeat(length),
    "capitals": "A".repeat(length),
    "spaces": " ".repeat(length),
    "line breaks": "\n".repeat(length),
    "null bytes": "\0".repeat(length),
    "emoji": "🎉".repeat(length / 2),
    "joiners": "\u200d".repeat(length),
    "Chinese without a break": "天".repeat(length),
    "half characters": "\ud800".repeat(length),
    "halves in the wrong order": "\udc00\ud800".repeat(length / 2),
    "control tokens": "<|endoftext|>".repeat(length / 13),
    "Base64": btoa(String.fromCharCode(...Array.from({ length: 30_000 }, (_, i) => i * i % 251)))
      .repeat(3),
  };
  for (const [name, text] of Object.entries(hostile)) {
    it(`lets others run while it counts ${name}`, async () => {
      await estimateTokens("load");
      let turns = 0;
      let over = false;
      const others = (async () => {
        while (!over) {
          await new Promise((done) => setTimeout(done, 0));
          turns++;
        }
      })();
      const tokens = await estimateTokens(text);
      over = true;
      await others;
      assert.ok(Number.isSafeInteger(tokens) && tokens > 0 && tokens <= text.length * 3);
      assert.ok(turns > 5, `${turns} turns`);
    });
  }
});
