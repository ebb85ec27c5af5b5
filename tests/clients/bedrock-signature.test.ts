// The AWS client with AWS credentials: signed by the gateway, or by the client for AWS's own host.
import assert from "node:assert/strict";
import {
  BedrockRuntimeClient,
  ConverseCommand,
  ConverseStreamCommand,
  InvokeModelCommand,
} from "@aws-sdk/client-bedrock-runtime";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { assertSigned } from "./aws-signature.ts";
import { collect, eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const stored = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
  sessionToken: "stored-session-token==",
};
const permanent = { accessKeyId: "AKIDPERMANENT", secretAccessKey: "permanent/secret" };
const own = {
  accessKeyId: "AKIDCLIENT",
  secretAccessKey: "client/secret",
  sessionToken: "client-session-token==",
};
const modelId = "anthropic.claude-3-sonnet-20240229-v1:0";
const model = "/model/anthropic.claude-3-sonnet-20240229-v1%3A0";
const messages = [{ role: "user" as const, content: [{ text: "Grüße, (Welt)!" }] }];

const configure = (origin: string) => ({
  providers: { "aws-bedrock": { base_url: origin } },
  keys: {
    "aws-bedrock": {
      default: { value: JSON.stringify({ ...stored, region: "us-east-1" }) },
      permanent: { value: JSON.stringify({ ...permanent, region: "us-east-1" }) },
    },
  },
  gateways: { default: { open: true } },
});

/** A client that leaves the signature to the gateway. */
function unsigned(world: World, region = "us-east-1", headers = {}): BedrockRuntimeClient {
  const client = new BedrockRuntimeClient({
    region,
    endpoint: `${world.base("aws-bedrock")}/bedrock-runtime/${region}`,
    credentials: { accessKeyId: "none", secretAccessKey: "none" },
    signer: { sign: (request: Json) => Promise.resolve(request) } as Json,
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  client.middlewareStack.add((next) => (args: Json) => {
    Object.assign(args.request.headers, gatewayHeaders, headers);
    return next(args);
  }, { step: "build" });
  return client;
}

const awsHost = "bedrock-runtime.us-east-1.amazonaws.com";

/** A client that signs for AWS's own host; only the connection goes to the gateway. */
function signedForAws(
  world: World,
): { client: BedrockRuntimeClient; sent: Record<string, string>[] } {
  const handler = new NodeHttpHandler();
  const gateway = new URL(`${world.base("aws-bedrock")}/bedrock-runtime/us-east-1`);
  const sent: Record<string, string>[] = [];
  const client = new BedrockRuntimeClient({
    region: "us-east-1",
    credentials: own,
    authSchemePreference: ["sigv4"],
    maxAttempts: 1,
    requestHandler: {
      handle(request: Json, options: Json) {
        assert.equal(request.hostname, awsHost);
        sent.push({ ...request.headers });
        request.protocol = gateway.protocol;
        request.hostname = gateway.hostname;
        request.port = Number(gateway.port);
        request.path = gateway.pathname + request.path;
        request.headers = { ...request.headers, ...gatewayHeaders, host: gateway.host };
        return handler.handle(request, options);
      },
    } as Json,
  });
  return { client, sent };
}

eachRuntime("bedrock with AWS credentials", configure, (world, test) => {
  test("the gateway signs Converse", async () => {
    const { answer } = world.answer("amazon-bedrock/converse-plain");
    const result = await unsigned(world).send(new ConverseCommand({ modelId, messages }));
    assert.deepEqual(plain(result.output), answer.output);
    assertSigned(
      world.saw({ target: `${model}/converse`, body: { messages } }),
      stored,
      "us-east-1",
    );
  });

  test("the gateway signs ConverseStream", async () => {
    world.answer("amazon-bedrock/converse-stream-plain");
    const command = new ConverseStreamCommand({ modelId, messages });
    const { stream } = await unsigned(world).send(command);
    assert.ok((await collect(stream!)).at(-1)?.metadata?.usage);
    assertSigned(world.saw({ target: `${model}/converse-stream` }), stored, "us-east-1");
  });

  test("the gateway signs InvokeModel, whatever the bytes", async () => {
    const { responseBody } = world.answer("amazon-bedrock/invoke-plain-2");
    const body = Uint8Array.from({ length: 300_000 }, (_, index) => index * 31 % 256);
    const result = await unsigned(world).send(new InvokeModelCommand({ modelId, body }));
    assert.ok(Buffer.from(result.body).equals(responseBody));
    assertSigned(world.saw({ target: `${model}/invoke`, body }), stored, "us-east-1");
  });

  test("the gateway signs an ARN, a query and a GET without a body", async () => {
    const arn = "arn%3Aaws%3Abedrock%3Aus-east-1%3A123456789012%3Ainference-profile%2Fus.nova%3A0";
    const path = `/model/${arn}/x*y(z)!?b=2&a=%2F+1&a=%C3%BC&empty=`;
    const url = `${world.base("aws-bedrock")}/bedrock-runtime/us-east-1${path}`;
    const response = await fetch(url, { headers: gatewayHeaders });
    assert.equal(response.status, 200, await response.clone().text());
    assertSigned(world.saw({ method: "GET", target: path }), stored, "us-east-1");
  });

  test("the region of the path is the one that is signed", async () => {
    world.answer("amazon-bedrock/converse-plain");
    await unsigned(world, "eu-central-1").send(new ConverseCommand({ modelId, messages }));
    assertSigned(world.saw({ target: `${model}/converse` }), stored, "eu-central-1");
  });

  test("another stored key by its alias, without a session token", async () => {
    world.answer("amazon-bedrock/converse-plain");
    const client = unsigned(world, "us-east-1", { "cf-aig-byok-alias": "permanent" });
    await client.send(new ConverseCommand({ modelId, messages }));
    assertSigned(world.saw({ target: `${model}/converse` }), permanent, "us-east-1");
  });

  test("leftovers of another signature do not spoil the gateway's own", async () => {
    world.answer("amazon-bedrock/converse-plain");
    const leftovers = {
      "cf-aig-byok-alias": "permanent",
      "x-amz-date": "20200101T000000Z",
      "x-amz-security-token": "expired",
      "x-amz-content-sha256": "0".repeat(64),
    };
    const client = unsigned(world, "us-east-1", leftovers);
    await client.send(new ConverseCommand({ modelId, messages }));
    assertSigned(world.saw({ target: `${model}/converse` }), permanent, "us-east-1");
  });

  test("what the client signed for AWS arrives as it signed it", async () => {
    const { answer } = world.answer("amazon-bedrock/converse-plain");
    const { client, sent } = signedForAws(world);
    const result = await client.send(new ConverseCommand({ modelId, messages }));
    assert.deepEqual(plain(result.output), answer.output);
    const signature = Object.fromEntries(
      ["authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"]
        .map((name) => [name, sent[0]?.[name]]),
    );
    assert.ok(Object.values(signature).every(Boolean));
    const seen = world.saw({ target: `${model}/converse`, headers: signature, body: { messages } });
    assertSigned(seen, own, "us-east-1", awsHost);
  });

  test("a stream that the client signed for AWS", async () => {
    world.answer("amazon-bedrock/converse-stream-tool-call");
    const command = new ConverseStreamCommand({ modelId, messages });
    const { stream } = await signedForAws(world).client.send(command);
    assert.ok((await collect(stream!)).at(-1)?.metadata?.usage);
    const seen = world.saw({ target: `${model}/converse-stream` });
    assertSigned(seen, own, "us-east-1", awsHost);
  });

  test("secrets stay out of the gateway's output", () => {
    const output = world.gateway.output();
    for (const secret of [stored.secretAccessKey, stored.sessionToken, own.sessionToken]) {
      assert.ok(!output.includes(secret));
    }
    return Promise.resolve();
  });
});
