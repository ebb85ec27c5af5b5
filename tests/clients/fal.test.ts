// The official fal client, whose `proxyUrl` sends the real target in a header.
import assert from "node:assert/strict";
import { ApiError, createFalClient } from "@fal-ai/client";
import { eachRuntime, gatewayHeaders, type Json, type World } from "./setup.ts";

const key = "fal-id:fal-secret";
const headers = { authorization: `Key ${key}`, "x-fal-target-url": undefined };

const clientOf = (world: World) =>
  createFalClient({
    credentials: key,
    proxyUrl: { url: world.base("fal"), when: "always" },
    requestMiddleware: (request) =>
      Promise.resolve({ ...request, headers: { ...request.headers, ...gatewayHeaders } }),
    retry: { maxRetries: 0 },
  });

const configure = (origin: string) => ({ providers: { fal: { base_url: origin } } });

eachRuntime("fal", configure, (world, test) => {
  test("run", async () => {
    const { request, answer } = world.answer("fal/run");
    const { data } = await clientOf(world).run("fal-ai/flux/schnell", { input: request });
    assert.deepEqual(data, answer);
    world.saw({ target: "/fal-ai/flux/schnell", headers, body: request });
  });

  test("run without the client, on the path", async () => {
    const { request, answer } = world.answer("fal/run");
    const response = await fetch(`${world.base("fal")}/fal-ai/flux/schnell`, {
      method: "POST",
      headers: {
        ...gatewayHeaders,
        authorization: `Key ${key}`,
        "content-type": "application/json",
      },
      body: JSON.stringify(request),
    });
    assert.deepEqual(await response.json(), answer);
    world.saw({ target: "/fal-ai/flux/schnell", headers, body: request });
  });

  test("queue: submit, status with a query, result", async () => {
    const [queued, , done] = world.answers(
      "fal/vercel-transcription-queue",
      "fal/vercel-transcription-queue",
      "fal/vercel-transcription-result",
    );
    const { queue } = clientOf(world);
    const input = { audio_url: "https://example.com/a.mp3" };
    const { request_id: requestId } = await queue.submit("fal-ai/wizper", { input });
    assert.equal(requestId, queued.answer.request_id);
    const status = await queue.status("fal-ai/wizper", { requestId, logs: true });
    assert.equal(status.status, "IN_QUEUE");
    const { data } = await queue.result("fal-ai/wizper", { requestId });
    assert.deepEqual(data, done.answer);
    assert.deepEqual(
      world.upstream.requests.map(({ method, target }) => `${method} ${target}`),
      [
        "POST /fal-ai/wizper",
        `GET /fal-ai/wizper/requests/${requestId}/status?logs=1`,
        `GET /fal-ai/wizper/requests/${requestId}`,
      ],
    );
  });

  for (const name of ["run-error-400", "run-error-422-2"]) {
    test(`${name} raises ApiError with the provider's status`, async () => {
      const { status } = world.answer(`fal/${name}`);
      const call = clientOf(world).run("fal-ai/flux/dev", { input: { prompt: "a corgi" } });
      await assert.rejects(call, (error: Json) => {
        assert.ok(error instanceof ApiError, String(error));
        assert.equal(error.status, status);
        return true;
      });
    });
  }

  for (
    const url of [
      "https://example.com/fal-ai/lora",
      "https://fal.run.example.com/fal-ai/lora",
      "https://fal.run@example.com/fal-ai/lora",
      "http://127.0.0.1:1/fal-ai/lora",
      "not a URL",
    ]
  ) {
    test(`a target that is not fal's is refused: ${url}`, async () => {
      const response = await fetch(world.base("fal"), {
        method: "POST",
        headers: { authorization: `Key ${key}`, "x-fal-target-url": url },
        body: "{}",
      });
      assert.equal(response.status, 400, await response.text());
      assert.deepEqual(world.upstream.requests, []);
    });
  }
});
