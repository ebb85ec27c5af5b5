// Vertex AI: the official client with an access token, and service accounts that the gateway uses.
import assert from "node:assert/strict";
import { createPublicKey, generateKeyPairSync, verify } from "node:crypto";
import type { ServerResponse } from "node:http";
import { GoogleGenAI } from "@google/genai";
import {
  collect,
  eachRuntime,
  gatewayHeaders,
  type Json,
  plain,
  recordingOf,
  type World,
} from "./setup.ts";

const project = "projects/my-project/locations/us-central1";
const model = `${project}/publishers/google/models/gemini-2.5-flash`;
const token = "ya29.a0-test";
const headers = { authorization: `Bearer ${token}`, "x-goog-api-key": undefined };

/** Answers `getAccessToken` the way the auth library does, without asking anyone. */
const signedIn = {
  authClient: {
    getRequestHeaders: () => Promise.resolve(new Headers({ authorization: `Bearer ${token}` })),
  },
} as Json;

const clientOf = (world: World) =>
  new GoogleGenAI({
    vertexai: true,
    project: "my-project",
    location: "us-central1",
    googleAuthOptions: signedIn,
    httpOptions: { baseUrl: world.base("google-vertex-ai"), headers: gatewayHeaders },
  });

const configure = (origin: string) => ({
  providers: { "google-vertex-ai": { base_url: origin, token_url: `${origin}/oauth2/token` } },
});

const pair = generateKeyPairSync("rsa", {
  modulusLength: 2048,
  publicKeyEncoding: { type: "spki", format: "pem" },
  privateKeyEncoding: { type: "pkcs8", format: "pem" },
});

/** A service account as Google's console hands it out, plus the region. */
const accountOf = (world: World, name: string) => ({
  type: "service_account",
  project_id: "my-project",
  private_key_id: `key-of-${name}`,
  private_key: pair.privateKey,
  client_email: `${name}@my-project.iam.gserviceaccount.com`,
  client_id: "1",
  // A key file comes from the caller, so it may not say where a signed assertion is sent.
  token_uri: `${world.upstream.url}/stolen`,
  region: "us-central1",
});

const bearerOf = (account: unknown) =>
  `Bearer ${Buffer.from(JSON.stringify(account)).toString("base64")}`;

const exchanged = recordingOf("google-vertex-ai/synthetic-token-exchange");
const answered = recordingOf("google-vertex-ai/stream-generate-content-sse-plain");

/** Google's token endpoint and Vertex AI on one host. */
function serve(world: World, accessToken: string, expiresIn = 3600): void {
  world.upstream.handle((req, res) => {
    if (req.url === "/oauth2/token") {
      const answer = { ...exchanged.answer, access_token: accessToken, expires_in: expiresIn };
      setTimeout(() => json(res, answer), 30);
    } else json(res, answered.events[0]);
  });
}

function json(res: ServerResponse, value: unknown): void {
  res.setHeader("content-type", "application/json");
  res.end(JSON.stringify(value));
}

function generate(world: World, authorization: string): Promise<Json> {
  const client = new GoogleGenAI({
    vertexai: true,
    project: "my-project",
    location: "us-central1",
    googleAuthOptions: signedIn,
    httpOptions: {
      baseUrl: world.base("google-vertex-ai"),
      headers: { ...gatewayHeaders, authorization },
    },
  });
  return client.models.generateContent({ model: "gemini-2.5-flash", contents: "Hi" });
}

const tokenRequests = (world: World) =>
  world.upstream.requests.filter(({ target }) => target === "/oauth2/token");
const modelRequests = (world: World) =>
  world.upstream.requests.filter(({ target }) => target.startsWith("/v1beta1/"));
const decode = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString());

eachRuntime("google vertex", configure, (world, test) => {
  test("generateContent with an access token", async () => {
    const { answer } = world.answer("google-vertex-ai/generate-content-tool-call");
    const result = await clientOf(world).models.generateContent({
      model: "gemini-2.5-flash",
      contents: "Weather?",
    });
    assert.deepEqual(plain(result.usageMetadata), answer.usageMetadata);
    assert.deepEqual(plain(result.candidates), answer.candidates);
    const body = { contents: [{ role: "user", parts: [{ text: "Weather?" }] }] };
    world.saw({ target: `/v1beta1/${model}:generateContent`, headers, body });
  });

  test("generateContentStream", async () => {
    const { events } = world.answer("google-vertex-ai/stream-generate-content-sse-reasoning");
    const stream = await clientOf(world).models.generateContentStream({
      model: "gemini-2.5-flash",
      contents: "Think",
    });
    const chunks = await collect<Json>(stream);
    assert.deepEqual(
      plain(chunks.map(({ candidates }) => candidates)),
      events.map(({ candidates }) => candidates),
    );
    assert.deepEqual(plain(chunks.at(-1).usageMetadata), events.at(-1).usageMetadata);
    world.saw({ target: `/v1beta1/${model}:streamGenerateContent?alt=sse`, headers });
  });

  test("countTokens", async () => {
    const { answer } = world.answer("google-vertex-ai/count-tokens");
    const call = { model: "gemini-2.5-flash", contents: "Capital?" };
    assert.equal((await clientOf(world).models.countTokens(call)).totalTokens, answer.totalTokens);
    world.saw({ target: `/v1beta1/${model}:countTokens`, headers });
  });

  test("embedContent", async () => {
    const { answer } = world.answer("google-vertex-ai/predict");
    const call = { model: "text-embedding-004", contents: "Ruby" };
    const { embeddings } = await clientOf(world).models.embedContent(call);
    assert.deepEqual(embeddings?.[0]?.values, answer.predictions[0].embeddings.values);
    const body = { instances: [{ content: "Ruby" }], parameters: {} };
    const target = `/v1beta1/${project}/publishers/google/models/text-embedding-004:predict`;
    assert.deepEqual(
      JSON.parse(world.saw({ target, headers }).body.toString()).instances,
      body.instances,
    );
  });

  test("a service account as bearer: signed assertion, minted token, model call", async () => {
    serve(world, "ya29.minted-1");
    const account = accountOf(world, "robot");
    const before = Math.floor(Date.now() / 1000);
    const result = await generate(world, bearerOf(account));
    assert.deepEqual(plain(result.usageMetadata), answered.events[0].usageMetadata);

    const exchange = tokenRequests(world)[0]!;
    assert.equal(exchange.method, "POST");
    assert.match(exchange.headers["content-type"] as string, /^application\/x-www-form-urlencoded/);
    const form = new URLSearchParams(exchange.body.toString());
    assert.equal(form.get("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    const [head = "", claims = "", signature = ""] = form.get("assertion")!.split(".");
    const signed = Buffer.from(`${head}.${claims}`);
    const publicKey = createPublicKey(pair.publicKey);
    assert.ok(verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64url")));
    assert.equal(decode(head).alg, "RS256");
    const { iss, scope, aud, iat, exp } = decode(claims);
    assert.equal(iss, account.client_email);
    assert.equal(scope, "https://www.googleapis.com/auth/cloud-platform");
    assert.ok(
      ["https://oauth2.googleapis.com/token", `${world.upstream.url}/oauth2/token`].includes(aud),
      aud,
    );
    assert.ok(Math.abs(iat - before) < 60 && exp > iat && exp - iat <= 3600);

    const call = modelRequests(world)[0]!;
    assert.equal(call.target, `/v1beta1/${model}:generateContent`);
    assert.equal(call.headers.authorization, "Bearer ya29.minted-1");
    assert.equal(world.upstream.requests.length, 2, "Only the two endpoints were asked");
  });

  test("one token serves concurrent and later calls", async () => {
    serve(world, "ya29.minted-2");
    const bearer = bearerOf(accountOf(world, "busy-robot"));
    await Promise.all(Array.from({ length: 8 }, () => generate(world, bearer)));
    await generate(world, bearer);
    assert.equal(tokenRequests(world).length, 1);
    assert.deepEqual(
      modelRequests(world).map(({ headers }) => headers.authorization),
      Array(9).fill("Bearer ya29.minted-2"),
    );
    assert.ok(world.upstream.requests.every(({ target }) => target !== "/stolen"));
  });

  test("two service accounts never share a token", async () => {
    serve(world, "ya29.minted-3");
    await generate(world, bearerOf(accountOf(world, "left")));
    serve(world, "ya29.minted-4");
    await generate(world, bearerOf(accountOf(world, "right")));
    assert.deepEqual(
      modelRequests(world).map(({ headers }) => headers.authorization),
      ["Bearer ya29.minted-3", "Bearer ya29.minted-4"],
    );
  });

  test("a token that is about to expire is minted again", async () => {
    serve(world, "ya29.minted-5", 5);
    const bearer = bearerOf(accountOf(world, "short-lived"));
    await generate(world, bearer);
    await generate(world, bearer);
    assert.equal(tokenRequests(world).length, 2);
  });

  test("a refused service account is an error that says so, and nothing reaches the model", async () => {
    world.upstream.handle((_req, res) => {
      res.statusCode = 400;
      json(res, { error: "invalid_grant", error_description: "Invalid JWT Signature." });
    });
    const account = accountOf(world, "fired");
    const url = `${world.base("google-vertex-ai")}/v1/${model}:generateContent`;
    const response = await fetch(url, {
      method: "POST",
      headers: { authorization: bearerOf(account), "content-type": "application/json" },
      body: "{}",
    });
    const text = await response.text();
    assert.ok(response.status >= 400, String(response.status));
    assert.ok(!text.includes("PRIVATE KEY"));
    assert.ok(world.upstream.requests.every(({ target }) => target === "/oauth2/token"));
    assert.ok(!world.gateway.output().includes("PRIVATE KEY"));
  });
});
