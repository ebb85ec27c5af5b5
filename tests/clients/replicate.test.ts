// The official Replicate client.
import assert from "node:assert/strict";
import Replicate from "replicate";
import { eachRuntime, gatewayHeaders, type Json, plain, type World } from "./setup.ts";

const key = "r8_test";
const headers = { authorization: `Bearer ${key}` };

const clientOf = (world: World, suffix = "") =>
  new Replicate({
    auth: key,
    baseUrl: world.base("replicate") + suffix,
    useFileOutput: false,
    fetch: (input: Json, init: Json) =>
      fetch(input, { ...init, headers: { ...init.headers, ...gatewayHeaders } }),
  });

const configure = (origin: string) => ({ providers: { replicate: { base_url: `${origin}/v1` } } });

eachRuntime("replicate", configure, (world, test) => {
  for (const suffix of ["", "/v1"]) {
    test(`create a prediction and wait, base URL with "${suffix}" at its end`, async () => {
      const { request, answer, status } = world.answer("replicate/predictions-create-2");
      assert.equal(status, 201);
      const client = clientOf(world, suffix);
      assert.deepEqual(plain(await client.predictions.create({ ...request, wait: true })), answer);
      const target = "/v1/predictions";
      world.saw({ target, headers: { ...headers, prefer: "wait" }, body: request });
    });
  }

  test("create a prediction of an official model, waiting some seconds", async () => {
    const { answer } = world.answer("replicate/predictions-create-2");
    const input = { prompt: "robots" };
    const call = { model: "meta/meta-llama-3-8b-instruct", input, wait: 7 };
    assert.deepEqual(plain(await clientOf(world).predictions.create(call)), answer);
    const target = "/v1/models/meta/meta-llama-3-8b-instruct/predictions";
    world.saw({ target, headers: { ...headers, prefer: "wait=7" }, body: { input } });
  });

  test("get a prediction", async () => {
    const { answer } = world.answer("replicate/predictions-get-2");
    assert.deepEqual(plain(await clientOf(world).predictions.get(answer.id)), answer);
    world.saw({ method: "GET", target: `/v1/predictions/${answer.id}`, headers });
  });

  test("run: create, then ask until it is done", async () => {
    const [created, , done] = world.answers(
      "replicate/predictions-create-2",
      "replicate/predictions-get-2",
      "replicate/predictions-get-4",
    );
    const { version, input } = created.request;
    const output = await clientOf(world).run(`kvfrans/clipdraw:${version}`, {
      input,
      wait: { mode: "poll", interval: 5 },
    });
    assert.deepEqual(plain(output), done.answer.output);
    const poll = `GET /v1/predictions/${created.answer.id}`;
    assert.deepEqual(
      world.upstream.requests.map(({ method, target }) => `${method} ${target}`),
      ["POST /v1/predictions", poll, poll],
    );
  });

  test("an error carries the provider's status and body", async () => {
    const { status, responseBody } = world.answer("replicate/predictions-create-error-422");
    const call = clientOf(world).predictions.create({ version: "x", input: {} });
    await assert.rejects(call, (error: Json) => {
      assert.equal(error.name, "ApiError");
      assert.equal(error.response.status, status);
      assert.ok(error.message.includes(responseBody.toString()));
      return true;
    });
  });
});
