/** What the unified API has not or cannot mean, as each official client raises it. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { anthropicOf, googleOf, openAIOf } from "../support/unified-clients.ts";
import { gatewayOver } from "../support/unified-gateway.ts";
import { read } from "./unified-endpoints.ts";

// deno-lint-ignore no-explicit-any
type Json = any;

const never = () => {
  throw new Error("Nothing was to be sent");
};
const file = new File(["{}"], "input.jsonl", { type: "application/jsonl" });

/** @param hint Where the error says that it may be had. */
async function assertMissing(asking: () => Promise<unknown>, hint: string): Promise<void> {
  const error: Json = await asking().then(
    () => assert.fail("It did not fail"),
    (error: unknown) => error,
  );
  assert.equal(error.status, 404, String(error));
  assert.match(error.message, /The unified API has no endpoint/);
  assert.ok(error.message.includes(hint), error.message);
}

describe("endpoints that the unified API has not", () => {
  it("are errors of OpenAI's client", async () => {
    const client = openAIOf(gatewayOver(never));
    const asked: Record<string, () => Promise<unknown>> = {
      "files": () => client.files.create({ file, purpose: "batch" }),
      "files/file_1": () => client.files.retrieve("file_1"),
      "files/file_1/content": () => client.files.content("file_1"),
      "batches": async () => await client.batches.list(),
      "batches/batch_1/cancel": () => client.batches.cancel("batch_1"),
      "fine_tuning/jobs": async () => await client.fineTuning.jobs.list(),
      "vector_stores/vs_1/files/file_1": () =>
        client.vectorStores.files.retrieve("file_1", { vector_store_id: "vs_1" }),
      "chat/completions/chatcmpl_1": () => client.chat.completions.retrieve("chatcmpl_1"),
    };
    for (const [path, asking] of Object.entries(asked)) {
      await assertMissing(asking, `/openai/${path}`);
    }
    const error: Json = await client.files.list().then(() => undefined, (error: unknown) => error);
    assert.equal(error.constructor.name, "NotFoundError");
    assert.equal(error.code, "8001");
  });

  it("are errors of Anthropic's client", async () => {
    const client = anthropicOf(gatewayOver(never));
    const asked: Record<string, () => Promise<unknown>> = {
      "messages/batches": async () => await client.messages.batches.list(),
      "messages/batches/b_1/cancel": () => client.messages.batches.cancel("b_1"),
      "files": async () => await client.beta.files.list(),
      "files/file_1": () => client.beta.files.delete("file_1"),
    };
    for (const [path, asking] of Object.entries(asked)) {
      await assertMissing(asking, `/anthropic/v1/${path}`);
    }
    const error: Json = await client.messages.batches.list().then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.equal(error.constructor.name, "NotFoundError");
    assert.equal(error.type, "not_found_error");
  });

  it("are errors of Google's client", async () => {
    const client = googleOf(gatewayOver(never));
    const asked: Record<string, () => Promise<unknown>> = {
      "v1beta/files": async () => await client.files.list(),
      "upload/v1beta/files": () => client.files.upload({ file }),
      "v1beta/cachedContents": () => client.caches.create({ model: "gemini-2.5-pro", config: {} }),
      "v1beta/cachedContents/one": () => client.caches.get({ name: "cachedContents/one" }),
    };
    for (const [path, asking] of Object.entries(asked)) {
      await assertMissing(asking, `/google-ai-studio/${path}`);
    }
    const alpha = "http://gateway.test/v1alpha/models/gemini-2.5-flash:countWords";
    const answer = await gatewayOver(never)(new Request(alpha, { method: "POST" }));
    assert.equal((await read(answer)).error.status, "NOT_FOUND");
  });

  it("are the same on the other base URLs", async () => {
    const ask = gatewayOver(never);
    for (const path of ["/v1/acc/default/compat/files", "/client/v4/accounts/acc/ai/v1/files"]) {
      const answer = await ask(new Request(`http://gateway.test${path}`));
      assert.equal(answer.status, 404);
      assert.match((await read(answer)).error.message, /has no endpoint 'files'/);
    }
  });

  it("keep nobody from a provider's own, whatever the account is called", async () => {
    const seen: string[] = [];
    const ask = gatewayOver(({ url }) => {
      seen.push(url);
      return Response.json({ object: "list", data: [] });
    });
    const paths = ["/v1/acc/default/openai/files", "/v1/files/default/openai/files"];
    for (const path of paths) {
      assert.equal((await ask(new Request(`http://gateway.test${path}`))).status, 200);
    }
    assert.deepEqual(seen, paths.map(() => "https://api.openai.com/v1/files"));
  });

  it("leave to other accounts the gateway's own words", async () => {
    const ask = gatewayOver(never);
    for (const path of ["/v1/acc/default/opnai/files", "/v1/acc/other/openai/files", "/files"]) {
      const answer = await ask(new Request(`http://gateway.test${path}`));
      assert.equal((await read(answer)).name, "AiGatewayError", path);
    }
  });
});

describe("requests that nobody could answer", () => {
  it("a conversation of nothing is refused in the client's format, and never sent", async () => {
    const ask = gatewayOver(never);
    const claude = "anthropic/claude-sonnet-4-5";
    const gpt = "openai/gpt-4o-mini";
    const asked: readonly [path: string, body: Json, message: (answer: Json) => string][] = [
      ["/v1/chat/completions", { model: claude, messages: [] }, ({ error }) => error.message],
      ["/v1/responses", { model: claude, input: [] }, ({ error }) => error.message],
      [
        "/v1/messages",
        { model: gpt, max_tokens: 9, system: "Be brief", messages: [] },
        ({ type, error }) => `${type}: ${error.message}`,
      ],
      [`/v1/messages/count_tokens`, { model: gpt, messages: [] }, ({ error }) => error.message],
      [`/v1beta/models/${gpt}:generateContent`, { contents: [] }, ({ error }) => error.message],
      ["/compat/v2/chat", { model: gpt, messages: [] }, ({ message }) => message],
      [
        `/compat/model/${encodeURIComponent(gpt)}/converse`,
        { messages: [] },
        ({ message }) => message,
      ],
    ];
    for (const [path, body, message] of asked) {
      const answer = await ask(
        new Request(`http://gateway.test${path}`, { method: "POST", body: JSON.stringify(body) }),
      );
      assert.equal(answer.status, 400, path);
      assert.match(message(await read(answer)), /'(messages|input|contents)' is an empty array/);
    }
    const error: Json = await openAIOf(ask).chat.completions.create({ model: claude, messages: [] })
      .catch((error: unknown) => error);
    assert.equal(error.constructor.name, "BadRequestError");
    assert.equal(error.param, "messages");
  });

  it("a message of nothing is refused, and not made up", async () => {
    const client = openAIOf(gatewayOver(never));
    const error: Json = await client.chat.completions.create({
      model: "anthropic/claude-sonnet-4-5",
      messages: [{ role: "user" } as Json],
    }).catch((error: unknown) => error);
    assert.equal(error.status, 400);
    assert.equal(error.param, "messages[0].content");
  });

  it("what this version does not serve is asked for once", async () => {
    let asked = 0;
    const ask = gatewayOver(never);
    const client = openAIOf((request) => {
      asked++;
      return ask(request);
    }).withOptions({ maxRetries: 2 });
    const asking = client.chat.completions.create({
      model: "dynamic/support",
      messages: [{ role: "user", content: "Hi" }],
    });
    await assert.rejects(asking, /Dynamic routes are not served/);
    assert.equal(asked, 1);
  });

  it("a request without a model is told which ones there are for it", async () => {
    const client = openAIOf(gatewayOver(never));
    const asked: Record<string, () => Promise<unknown>> = {
      "openai/gpt-image-1": () => client.images.generate({ prompt: "A cat" }),
      "openai/text-embedding-3-small": () => client.embeddings.create({ input: "A cat" } as Json),
      "openai/gpt-4o-mini-tts": () => client.audio.speech.create({ input: "A cat" } as Json),
      "openai/gpt-4o-transcribe": () => client.audio.transcriptions.create({ file } as Json),
    };
    for (const [example, asking] of Object.entries(asked)) {
      const error: Json = await asking().then(() => undefined, (error: unknown) => error);
      assert.equal(error.status, 400);
      assert.equal(error.param, "model");
      assert.ok(error.message.includes(`such as '${example}'`), error.message);
    }
  });
});
