// Every official client with a stream that does not come to its end: an error, never an end.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import Anthropic from "@anthropic-ai/sdk";
import {
  BedrockRuntimeClient,
  ConverseStreamCommand,
  InvokeModelWithResponseStreamCommand,
  ModelStreamErrorException,
} from "@aws-sdk/client-bedrock-runtime";
import { ApiError, GoogleGenAI } from "@google/genai";
import { InferenceClient } from "@huggingface/inference";
import { Mistral } from "@mistralai/mistralai";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { CohereClientV2 } from "cohere-ai";
import Groq from "groq-sdk";
import OpenAI from "openai";
import { AwsFrames } from "../../core/formats/aws-frames.ts";
import { loadFixture, replayHeaders } from "../support/fixtures.ts";
import { eachRuntime, type Json, type World } from "./setup.ts";

const configure = (origin: string) => ({
  providers: {
    openai: { base_url: `${origin}/v1` },
    "aws-bedrock": { base_url: origin },
    ...Object.fromEntries(
      ["anthropic", "google-ai-studio", "cohere", "mistral", "groq", "huggingface"]
        .map((slug) => [slug, { base_url: origin }]),
    ),
  },
});

/** The events of a recording. */
function eventsOf(name: string): Buffer[] {
  const { responseBody, responseHeaders } = loadFixture(name);
  if (/amazon/.test(responseHeaders["content-type"] ?? "")) {
    const frames = new AwsFrames(responseBody);
    return Array.from(
      { length: frames.length },
      (_, i) => responseBody.subarray(i === 0 ? 0 : frames.end(i - 1), frames.end(i)),
    );
  }
  return responseBody.toString("latin1").split(/(?<=\r?\n\r?\n)/)
    .map((event) => Buffer.from(event, "latin1"));
}

const messages = [{ role: "user" as const, content: "Hello" }];
const openai = (world: World) =>
  new OpenAI({ apiKey: "k", baseURL: world.base("openai"), maxRetries: 0 });
const anthropic = (world: World) =>
  new Anthropic({ apiKey: "k", baseURL: world.base("anthropic"), maxRetries: 0 });
const bedrock = (world: World) =>
  new BedrockRuntimeClient({
    region: "us-east-1",
    endpoint: `${world.base("aws-bedrock")}/bedrock-runtime/us-east-1`,
    token: { token: "k" },
    authSchemePreference: ["httpBearerAuth"],
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
const modelId = "anthropic.claude-3-sonnet-20240229-v1:0";

interface Case {
  what: string;
  recording: string;
  /** Events at its end without which it has none. */
  proof: number;
  run(world: World): Promise<AsyncIterable<Json>>;
  /** What the client throws: a class of its own with the message, or what else it says. */
  error: (new (...args: never[]) => Error) | RegExp;
}

const message = /The provider broke off before its answer was complete/;

const cases: Case[] = [
  {
    what: "openai: chat",
    recording: "openai/chat-stream-plain",
    proof: 2,
    run: async (world) =>
      await openai(world).chat.completions.create({ model: "m", messages, stream: true }),
    error: OpenAI.APIError,
  },
  {
    what: "openai: responses",
    recording: "openai/responses-stream-plain",
    proof: 1,
    run: async (world) =>
      await openai(world).responses.create({ model: "m", input: "Hello", stream: true }),
    error: OpenAI.APIError,
  },
  {
    what: "openai: the helper that puts a response together",
    recording: "openai/responses-stream-plain",
    proof: 1,
    run: (world) =>
      Promise.resolve((async function* () {
        const stream = openai(world).responses.stream({ model: "m", input: "Hello" });
        const whole = stream.finalResponse();
        whole.catch(() => {});
        yield await stream.emitted("event");
        yield await whole;
      })()),
    error: OpenAI.APIError,
  },
  {
    what: "anthropic: messages",
    recording: "anthropic/messages-stream-plain",
    proof: 1,
    run: async (world) =>
      await anthropic(world).messages.create({ model: "m", max_tokens: 9, messages, stream: true }),
    error: Anthropic.APIError,
  },
  {
    what: "anthropic: the helper that puts a message together",
    recording: "anthropic/messages-stream-plain",
    proof: 1,
    run: (world) =>
      Promise.resolve((async function* () {
        const stream = anthropic(world).messages.stream({ model: "m", max_tokens: 9, messages });
        const whole = stream.finalMessage();
        whole.catch(() => {});
        yield await stream.emitted("streamEvent");
        yield await whole;
      })()),
    error: Anthropic.APIError,
  },
  {
    what: "google: generateContentStream",
    recording: "google-ai-studio/stream-generate-content-sse-reasoning",
    proof: 1,
    run: (world) =>
      new GoogleGenAI({
        apiKey: "k",
        vertexai: false,
        httpOptions: { baseUrl: world.base("google-ai-studio") },
      }).models.generateContentStream({ model: "gemini", contents: "Hello" }),
    error: ApiError,
  },
  {
    what: "bedrock: converse",
    recording: "amazon-bedrock/converse-stream-plain",
    proof: 2,
    run: async (world) => {
      const content = [{ text: "Hello" }];
      const command = new ConverseStreamCommand({ modelId, messages: [{ role: "user", content }] });
      return (await bedrock(world).send(command)).stream!;
    },
    error: ModelStreamErrorException,
  },
  {
    what: "bedrock: invoke",
    recording: "amazon-bedrock/invoke-with-response-stream-plain",
    proof: 2,
    run: async (world) => {
      const command = new InvokeModelWithResponseStreamCommand({ modelId, body: "{}" });
      return (await bedrock(world).send(command)).body!;
    },
    error: ModelStreamErrorException,
  },
  {
    what: "groq",
    recording: "groq/chat-stream-plain",
    proof: 2,
    run: async (world) =>
      await new Groq({ apiKey: "k", baseURL: world.base("groq"), maxRetries: 0 })
        .chat.completions.create({ model: "m", messages, stream: true }),
    error: Groq.APIError,
  },
  {
    what: "huggingface",
    recording: "huggingface/chat-stream-plain",
    proof: 3,
    run: (world) =>
      Promise.resolve(
        new InferenceClient("k", { endpointUrl: world.base("huggingface") })
          .chatCompletionStream({ model: "m", messages }),
      ),
    error: message,
  },
  {
    what: "mistral",
    recording: "mistral/chat-stream-plain",
    proof: 2,
    run: (world) =>
      new Mistral({ apiKey: "k", serverURL: world.base("mistral") })
        .chat.stream({ model: "m", messages }),
    // It knows no errors in a stream, and complains that this is no chunk.
    error: /choices/,
  },
];

eachRuntime("a cut stream", configure, (world, test) => {
  const ways = [["breaks off", true], ["ends early", false]] as const;

  /** Gives back what breaks the answer off: once something of it has come, for a reset overtakes bytes. */
  const answerWith = (recording: string, proof: number, breaks: boolean) => {
    let socket: Socket | null = null;
    const events = eventsOf(recording);
    assert.ok(events.length > proof + 1, `${events.length} events`);
    world.upstream.handle((_req, res) => {
      res.writeHead(200, replayHeaders(loadFixture(recording)));
      res.write(Buffer.concat(events.slice(0, -proof)));
      if (breaks) socket = res.socket;
      else res.end();
    });
    return () => socket?.destroy();
  };

  for (const { what, recording, proof, run, error } of cases) {
    for (const [how, breaks] of ways) {
      test(`${what} that ${how}`, async () => {
        const breakOff = answerWith(recording, proof, breaks);
        let count = 0;
        const read = async () => {
          for await (const _event of await run(world)) if (++count === 1) breakOff();
        };
        await assert.rejects(read(), (thrown: Error) => {
          if (typeof error === "function") assert.ok(thrown instanceof error, String(thrown));
          const expected = typeof error === "function" ? message : error;
          assert.match(`${thrown.message} ${JSON.stringify(thrown)}`, expected);
          return true;
        });
        assert.ok(count > 0, "Nothing came before");
      });
    }
  }

  // Its client throws for no event; it says so in its own way.
  for (const [how, breaks] of ways) {
    test(`cohere that ${how}`, async () => {
      const breakOff = answerWith("cohere/v2-chat-stream-plain", 2, breaks);
      const client = new CohereClientV2({
        token: "k",
        baseUrl: world.base("cohere"),
        maxRetries: 0,
      });
      const seen: Json[] = [];
      for await (const event of await client.chatStream({ model: "m", messages })) {
        if (seen.push(event) === 1) breakOff();
      }
      const { type, delta } = seen.at(-1);
      assert.deepEqual([type, delta.finishReason], ["message-end", "ERROR"]);
      assert.match(delta.error, message);
    });
  }
});
