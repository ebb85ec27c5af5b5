// Every recorded chat, as Cohere's, Amazon's and the AI SDK's clients read it through the gateway.
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Explained, explainedMore } from "../support/unified-explained.ts";
import { answered, over, reads, recordings } from "../support/unified-matrix.ts";
import { moreClients } from "../support/unified-more-clients.ts";
import { modelOf } from "../support/unified-told.ts";

Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });

const met = new Set<Explained>();

for (const client of moreClients) {
  describe(`recorded answers, read by ${client.name}`, () => {
    for (const recording of answered) {
      // Who asks in the provider's format gets its bytes.
      const passes = recording.format === client.format && recording.slug !== "mistral";
      if (!passes) it(recording.name, () => reads(client, recording, explainedMore, met));
    }

    it("that end with an error are an error", async () => {
      for (const recording of recordings.filter(({ name }) => /midstream/.test(name))) {
        for (const stream of [true, false]) {
          if (client.format === recording.format) continue;
          const asking = client.ask(over(recording), { model: modelOf(recording), stream });
          await assert.rejects(asking, recording.name);
        }
      }
    });
  });
}

describe("recorded answers", () => {
  it("need each of their explanations", () => {
    assert.deepEqual(explainedMore.filter((one) => !met.has(one)), []);
  });
});
