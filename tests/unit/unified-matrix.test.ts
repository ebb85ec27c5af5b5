/**
 * Every recorded chat, as the official client of each format reads it through the gateway: text, thoughts,
 * calls of tools, why it ended and usage are what the recording says.
 */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Client, clients, type Fetch } from "../support/unified-clients.ts";
import {
  expected,
  type Explained,
  explained,
  unanswered,
  unread,
} from "../support/unified-explained.ts";
import { gatewayOver, speaking } from "../support/unified-gateway.ts";
import { modelOf, recordedChats, type Recording, type Told } from "../support/unified-told.ts";

const recordings = recordedChats();
const answered = recordings.filter(({ name }) => !unanswered.some((one) => one.name.test(name)));

const over = ({ slug, format, body, type }: Recording): Fetch =>
  gatewayOver(
    () => new Response(body as Uint8Array<ArrayBuffer>, { headers: { "content-type": type } }),
    { adapters: [speaking(slug, format)] },
  );

/** Paragraphs of thoughts are joined in one way here and in another there. */
const comparable = ({ thoughts, text, usage = {}, ...told }: Told) => ({
  ...told,
  // Who cannot take a picture gets it as Markdown.
  text: text.replace(/!\[image\]\(data:[^)]*\)/g, ""),
  thoughts: thoughts.replace(/\s+/g, ""),
  usage: { input: 0, output: 0, cached: 0, ...usage },
});

/** Not every format tells how many tokens were thoughts, nor does every provider. */
function check(got: Told, told: Told): void {
  const [a, b] = [comparable(got), comparable(told)];
  for (const usage of [a.usage, b.usage]) {
    if (got.usage?.reasoning === undefined || told.usage?.reasoning === undefined) {
      delete usage.reasoning;
    }
  }
  assert.deepEqual(a, b);
}

const met = new Set<Explained>();

async function reads(client: Client, recording: Recording): Promise<void> {
  const gateway = over(recording);
  const { told, streamed, name } = recording;
  const tools = [...new Set(told.calls.map((call) => call.name))];
  for (const stream of [streamed, !streamed]) {
    const cannot = unread.some((one) =>
      one.name.test(name) && one.client.test(client.name) && one.streamed === stream
    );
    if (cannot) continue;
    const got = await client.ask(gateway, { model: modelOf(recording), stream, tools });
    check(got, expected(recording, client.name, met));
  }
}

for (const client of clients) {
  describe(`recorded answers, read by ${client.name}`, () => {
    for (const recording of answered) {
      // Who asks in the provider's format gets its bytes.
      const passes = recording.format === client.format && recording.slug !== "mistral";
      if (!passes) it(recording.name, () => reads(client, recording));
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
