// The AWS client with a Bedrock API key: a bearer token, and binary event streams.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import {
  BedrockRuntimeClient,
  BedrockRuntimeServiceException,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ThrottlingException,
  ValidationException,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { collect, eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const key = "bedrock-api-key-test";
const headers = { authorization: `Bearer ${key}`, "x-amz-date": undefined };
const modelId = "anthropic.claude-3-sonnet-20240229-v1:0";
const model = "/model/anthropic.claude-3-sonnet-20240229-v1%3A0";
const messages = [{ role: "user" as const, content: [{ text: "Hello" }] }];

function clientOf(world: World): BedrockRuntimeClient {
  const client = new BedrockRuntimeClient({
    region: "us-east-1",
    endpoint: `${world.base("aws-bedrock")}/bedrock-runtime/us-east-1`,
    token: { token: key },
    authSchemePreference: ["httpBearerAuth"],
    // The client's own default speaks HTTP/2 at once, which nobody does without TLS.
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  client.middlewareStack.add((next) => (args: Json) => {
    Object.assign(args.request.headers, gatewayHeaders);
    return next(args);
  }, { step: "build" });
  return client;
}

const configure = (origin: string) => ({ providers: { "aws-bedrock": { base_url: origin } } });

/** The decoded frames of a recorded event stream, without the padding that the client drops. */
function framesOf(name: string): Json[] {
  const file = new URL(`../fixtures/${name}/response.events.jsonl`, import.meta.url);
  return readFileSync(file, "utf8").trim().split("\n").map((line) => {
    const { event, payload, decoded_bytes } = JSON.parse(line);
    const { p: _, ...rest } = payload;
    return decoded_bytes ?? { [event]: rest };
  });
}

eachRuntime("bedrock with an API key", configure, (world, test) => {
  test("Converse", async () => {
    const { answer } = world.answer("amazon-bedrock/converse-plain");
    const inferenceConfig = { temperature: 0, maxTokens: 50 };
    const command = new ConverseCommand({ modelId, messages, inferenceConfig });
    const { output, usage, stopReason } = await clientOf(world).send(command);
    assert.deepEqual(plain(output), answer.output);
    assert.equal(usage?.totalTokens, answer.usage.totalTokens);
    assert.equal(stopReason, answer.stopReason);
    world.saw({ target: `${model}/converse`, headers, body: { messages, inferenceConfig } });
  });

  test("Converse with a tool call", async () => {
    const { request, answer } = world.answer("amazon-bedrock/converse-tool-call");
    const command = new ConverseCommand({ modelId: "us.amazon.nova-2-lite-v1:0", ...request });
    const { output, stopReason } = await clientOf(world).send(command);
    assert.equal(stopReason, "tool_use");
    assert.deepEqual(plain(output), answer.output);
    world.saw({ target: "/model/us.amazon.nova-2-lite-v1%3A0/converse", headers, body: request });
  });

  test("a model that is an ARN keeps its encoding", async () => {
    world.answer("amazon-bedrock/converse-plain");
    const arn = "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.nova:0";
    await clientOf(world).send(new ConverseCommand({ modelId: arn, messages }));
    world.saw({ target: `/model/${encodeURIComponent(arn)}/converse`, headers });
  });

  for (const name of ["plain", "tool-call", "reasoning"]) {
    test(`ConverseStream, ${name}`, async () => {
      world.answer(`amazon-bedrock/converse-stream-${name}`);
      const { stream } = await clientOf(world).send(
        new ConverseStreamCommand({ modelId, messages }),
      );
      const seen = await collect<Json>(stream!);
      const frames = framesOf(`amazon-bedrock/converse-stream-${name}`);
      assert.deepEqual(seen.map(contentOf), frames.map(contentOf));
      assert.equal(
        seen.at(-1).metadata.usage.totalTokens,
        frames.at(-1).metadata.usage.totalTokens,
      );
      world.saw({ target: `${model}/converse-stream`, headers, body: { messages } });
    });
  }

  test("an exception in the middle of a ConverseStream raises its class", async () => {
    world.answer("amazon-bedrock/synthetic-converse-stream-midstream-throttling");
    const { stream } = await clientOf(world).send(new ConverseStreamCommand({ modelId, messages }));
    await assert.rejects(collect(stream!), ThrottlingException);
  });

  test("InvokeModel", async () => {
    const { request, responseBody } = world.answer("amazon-bedrock/invoke-tool-call");
    const body = JSON.stringify(request, null, 1);
    const command = new InvokeModelCommand({ modelId, body, contentType: "application/json" });
    const result = await clientOf(world).send(command);
    assert.ok(Buffer.from(result.body).equals(responseBody));
    world.saw({ target: `${model}/invoke`, headers, body: Buffer.from(body) });
  });

  for (const name of ["plain-2", "tool-call"]) {
    test(`InvokeModelWithResponseStream, ${name}`, async () => {
      const { request } = world.answer(`amazon-bedrock/invoke-with-response-stream-${name}`);
      const body = JSON.stringify(request);
      const command = new InvokeModelWithResponseStreamCommand({ modelId, body });
      const { body: stream } = await clientOf(world).send(command);
      const seen = (await collect(stream!)).map(({ chunk }) =>
        JSON.parse(Buffer.from(chunk!.bytes!).toString())
      );
      assert.ok(seen.length);
      assert.deepEqual(seen, framesOf(`amazon-bedrock/invoke-with-response-stream-${name}`));
      const target = `${model}/invoke-with-response-stream`;
      world.saw({ target, headers, body: Buffer.from(body) });
    });
  }

  for (
    const [name, type] of [
      ["converse-error-400", ValidationException],
      ["converse-error-403", BedrockRuntimeServiceException],
      ["synthetic-converse-error-429", ThrottlingException],
    ] as const
  ) {
    test(`${name} raises ${type.name}`, async () => {
      const { status, responseHeaders, answer } = world.answer(`amazon-bedrock/${name}`);
      const command = new ConverseCommand({ modelId, messages });
      const error: Json = await clientOf(world).send(command).catch((e) => e);
      assert.ok(error instanceof type, String(error));
      assert.equal(error.name, responseHeaders["x-amzn-errortype"]?.split(":")[0]);
      assert.equal(error.message, answer.message);
      assert.equal(error.$metadata.httpStatusCode, status);
      assert.equal(error.$metadata.requestId, responseHeaders["x-amzn-requestid"]);
    });
  }
});

/** What a frame says, bytes as base64, apart from the numbers of `metadata`. */
function contentOf({ metadata, ...frame }: Json): unknown {
  const readable = (_: string, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString("base64") : value;
  return metadata ? "metadata" : JSON.parse(JSON.stringify(frame, readable));
}
