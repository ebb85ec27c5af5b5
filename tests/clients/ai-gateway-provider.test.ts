// Cloudflare's provider for the AI SDK, which speaks to the universal endpoint: nothing is changed but the
// host that it has built in.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { generateText, streamText } from "ai";
import {
  type AiGatewayAPISettings,
  AiGatewayDoesNotExist,
  AiGatewayUnauthorizedError,
  createAiGateway,
} from "ai-gateway-provider";
import { createOpenAI as createKeylessOpenAI } from "ai-gateway-provider/providers/openai";
import { loadFixture, replay } from "../support/fixtures.ts";
import { eachRuntime, recordingOf, type World } from "./setup.ts";

const key = "sl-0123456789abcdef0123456789abcdef-of-the-test";
const hash = `sha256:${createHash("sha256").update(key).digest("hex")}`;

const configure = (origin: string) => ({
  gateways: {
    default: {},
    guarded: { authentication: true, tokens: [{ name: "test", hash }] },
  },
  providers: { openai: { base_url: `${origin}/v1` }, anthropic: { base_url: origin } },
  keys: { openai: { default: { value: "stored-openai" } } },
});

const host = "https://gateway.ai.cloudflare.com";
let answers: Response[] = [];

/** Lets the client's built-in host be the gateway of a test. */
function redirected(world: World): typeof fetch {
  return async (input, init) => {
    const url = String(input);
    if (!url.startsWith(host)) return await realFetch(input, init); // of another runtime's start
    const response = await realFetch(world.gateway.url + url.slice(host.length), init);
    answers.push(response);
    return response;
  };
}
const realFetch = globalThis.fetch;
Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
after(() => {
  globalThis.fetch = realFetch;
});

const openai = createOpenAI({ apiKey: "sk-openai" });
const anthropic = createAnthropic({ apiKey: "sk-ant" });
const gpt = () => openai.chat("gpt-4o-mini");
const claude = () => anthropic("claude-3-5-haiku-latest");
const messages = [{ role: "user" as const, content: "Hello" }];

eachRuntime("ai-gateway-provider", configure, (world, define) => {
  const test: typeof define = (name, run) =>
    define(name, async () => {
      answers = [];
      globalThis.fetch = redirected(world);
      await run();
    });
  const gateway = (settings: Partial<AiGatewayAPISettings> = {}) =>
    createAiGateway({ accountId: "acc", gateway: "default", ...settings });
  const stepOf = () => answers[0]!.headers.get("cf-aig-step");
  const textOf = (name: string): string => {
    const { answer } = recordingOf(name);
    return answer.choices?.[0].message.content ?? answer.content[0].text;
  };
  const streamed = (name: string): string =>
    recordingOf(name).events.map((event) =>
      event.choices?.[0]?.delta?.content ?? event.delta?.text ?? ""
    ).join("");
  const targets = () => world.upstream.requests.map(({ target }) => target);

  test("text of one model, with the provider's own key", async () => {
    world.answer("openai/chat-plain");
    const { text } = await generateText({ model: gateway()(gpt()), messages });
    assert.equal(text, textOf("openai/chat-plain"));
    assert.equal(stepOf(), "0");
    const seen = world.saw({
      target: "/v1/chat/completions",
      headers: { authorization: "Bearer sk-openai" },
    });
    assert.deepEqual(JSON.parse(seen.body.toString()).messages, messages);
  });

  test("text of the second model when the first fails, read as what it is", async () => {
    world.answers("anthropic/synthetic-messages-error-529", "openai/chat-plain");
    const { text } = await generateText({ model: gateway()([claude(), gpt()]), messages });
    assert.equal(text, textOf("openai/chat-plain"));
    assert.equal(stepOf(), "1");
    assert.deepEqual(targets(), ["/v1/messages", "/v1/chat/completions"]);
    const [first, second] = world.upstream.requests;
    assert.equal(first!.headers["x-api-key"], "sk-ant");
    assert.equal(second!.headers["x-api-key"], undefined);
    assert.equal(second!.headers["authorization"], "Bearer sk-openai");
  });

  test("the other way round", async () => {
    world.answers("openai/synthetic-chat-error-429-tokens", "anthropic/messages-plain");
    const { text } = await generateText({ model: gateway()([gpt(), claude()]), messages });
    assert.equal(text, textOf("anthropic/messages-plain"));
  });

  test("a stream", async () => {
    world.answer("anthropic/messages-stream-plain");
    const { textStream } = streamText({ model: gateway()(claude()), messages });
    let text = "";
    for await (const part of textStream) text += part;
    assert.equal(text, streamed("anthropic/messages-stream-plain"));
  });

  test("the stream of the second model when that of the first breaks off before it says anything", async () => {
    const [first, second] = ["anthropic/messages-stream-plain", "openai/chat-stream-plain"];
    let turn = 0;
    world.upstream.handle((_req, res) => {
      if (turn++ > 0) return void replay(res, loadFixture(second!));
      const whole = loadFixture(first!).responseBody.toString();
      res.writeHead(200, { "content-type": "text/event-stream" });
      res.write(whole.slice(0, whole.indexOf("event: content_block_delta")));
      setTimeout(() => res.socket!.destroy(), 20);
    });
    const { textStream } = streamText({ model: gateway()([claude(), gpt()]), messages });
    let text = "";
    for await (const part of textStream) text += part;
    assert.equal(text, streamed(second!));
    assert.equal(stepOf(), "1");
  });

  for (
    const [model, name] of [[gpt, "openai/chat-stream-plain"], [
      claude,
      "anthropic/messages-stream-plain",
    ]] as const
  ) {
    test(`a stream that breaks off is an error, not an end: ${name}`, async () => {
      world.upstream.handle((_req, res) => {
        const whole = loadFixture(name).responseBody.toString();
        const events = whole.split(/(?<=\n\n)/);
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.write(events.slice(0, -3).join(""));
        setTimeout(() => res.socket!.destroy(), 20);
      });
      const errors: unknown[] = [];
      const { fullStream } = streamText({
        model: gateway()(model()),
        messages,
        onError: ({ error }) => void errors.push(error),
      });
      let text = "";
      let ended = "";
      for await (const part of fullStream) {
        if (part.type === "text-delta") text += part.text;
        ended = part.type === "error" ? "error" : ended;
      }
      assert.ok(text.length > 0);
      assert.equal(ended, "error");
      assert.match(JSON.stringify(errors[0]) + String(errors[0]), /The provider broke off/);
    });
  }

  test("options: attempts, metadata, event id", async () => {
    const model = gateway({
      options: {
        retries: { maxAttempts: 2, retryDelayMs: 0, backoff: "constant" },
        metadata: { team: "metadata-of-the-test" },
        eventId: "event-of-the-test",
        requestTimeoutMs: 20_000,
      },
    })(gpt());
    world.upstream.handle((_req, res) => {
      if (world.upstream.requests.length === 1) return void res.writeHead(503).end();
      replay(res, loadFixture("openai/chat-plain"));
    });
    // The client's own would hide the gateway's.
    const { text } = await generateText({ model, messages, maxRetries: 0 });
    assert.equal(text, textOf("openai/chat-plain"));
    assert.equal(world.upstream.requests.length, 2);
    assert.equal(answers[0]!.headers.get("cf-aig-event-id"), "event-of-the-test");
  });

  test("the gateway's own key for a client that has none", async () => {
    world.answer("openai/chat-plain");
    const model = gateway({ gateway: "guarded", apiKey: key })(
      createKeylessOpenAI().chat("gpt-4o-mini"),
    );
    await generateText({ model, messages });
    world.saw({
      target: "/v1/chat/completions",
      headers: { authorization: "Bearer stored-openai" },
    });
  });

  for (const apiKey of [undefined, "sl-another-0123456789abcdef012345-of-the-test"]) {
    test(`a gateway that refuses ${apiKey === undefined ? "a caller without a token" : "a wrong token"}`, async () => {
      const model = gateway({ gateway: "guarded", ...apiKey !== undefined && { apiKey } })(gpt());
      await assert.rejects(
        generateText({ model, messages, maxRetries: 0 }),
        (error) => error instanceof AiGatewayUnauthorizedError,
      );
      assert.equal(world.upstream.requests.length, 0);
    });
  }

  test("a gateway that is not there", async () => {
    await assert.rejects(
      generateText({ model: gateway({ gateway: "nope" })(gpt()), messages, maxRetries: 0 }),
      (error) => error instanceof AiGatewayDoesNotExist,
    );
  });

  test("when all models fail, the last one's error", async () => {
    world.answers(
      "anthropic/synthetic-messages-error-529",
      "openai/synthetic-chat-error-429-tokens",
    );
    await assert.rejects(
      generateText({ model: gateway()([claude(), gpt()]), messages, maxRetries: 0 }),
      (error: Error & { statusCode?: number }) => error.statusCode === 429,
    );
  });

  test("a binding", async () => {
    world.answers("anthropic/synthetic-messages-error-529", "openai/chat-plain");
    const run = (body: unknown) =>
      realFetch(`${world.gateway.url}/v1/acc/default`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
    const model = createAiGateway({
      binding: { run },
      options: { metadata: { team: "metadata-of-the-test" }, collectLog: false },
    })([claude(), gpt()]);
    const { text } = await generateText({ model, messages });
    assert.equal(text, textOf("openai/chat-plain"));
  });
});
