/**
 * Every recorded chat, as the official client of each format reads it through the gateway: text, thoughts,
 * calls of tools, why it ended and usage are what the recording says.
 */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { clients, type Fetch } from "../support/unified-clients.ts";
import { type Explained, explained } from "../support/unified-explained.ts";
import { answered, over, reads, recordings } from "../support/unified-matrix.ts";
import { modelOf } from "../support/unified-told.ts";

const met = new Set<Explained>();

for (const client of clients) {
  describe(`recorded answers, read by ${client.name}`, () => {
    for (const recording of answered) {
      // Who asks in the provider's format gets its bytes.
      const passes = recording.format === client.format && recording.slug !== "mistral";
      if (!passes) it(recording.name, () => reads(client, recording, explained, met));
    }
  });
}

describe("recorded answers", () => {
  it("are bytes of the provider's own where the client speaks its format", async () => {
    for (const recording of recordings) {
      const client = clients.find(({ format }) => format === recording.format);
      if (client === undefined || recording.slug === "mistral") continue;
      let bytes: Uint8Array | undefined;
      const gateway: Fetch = async (request) => {
        const response = await over(recording)(request);
        // Claude's events on Bedrock have frames of AWS, which its clients do not read.
        const framed = recording.type.includes("amazon");
        if (!framed) bytes = new Uint8Array(await response.clone().arrayBuffer());
        return response;
      };
      const asked = { model: modelOf(recording), stream: recording.streamed };
      // What the client makes of it is not ours.
      await client.ask(gateway, asked).catch(() => {});
      if (bytes !== undefined) {
        assert.ok(Buffer.from(bytes).equals(recording.body), recording.name);
      }
    }
  });

  it("that end with an error are an error for every client", async () => {
    const failing = recordings.filter(({ name }) => /midstream/.test(name));
    assert.ok(failing.length >= 4);
    for (const recording of failing) {
      for (const client of clients) {
        for (const stream of [true, false]) {
          if (client.format === recording.format && !stream) continue;
          await assert.rejects(
            client.ask(over(recording), { model: modelOf(recording), stream }),
            (error: Error) => /\w+(?:Error|Exception)$/.test(error.constructor.name),
            `${recording.name} for ${client.name}`,
          );
        }
      }
    }
  });

  it("are many, of every provider and format", () => {
    assert.ok(answered.length > 490, `${answered.length}`);
    assert.ok(recordings.length - answered.length < 15);
    assert.ok(new Set(answered.map(({ slug }) => slug)).size >= 18);
    assert.equal(new Set(answered.map(({ format }) => format)).size, 6);
  });

  it("need each of their explanations", () => {
    const idle = explained.filter((one) => !met.has(one));
    assert.deepEqual(idle, []);
  });
});
