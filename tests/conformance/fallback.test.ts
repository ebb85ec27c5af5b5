// Retries, timeouts and fallback over real connections that fail in real ways.
import assert from "node:assert/strict";
import type { Socket } from "node:net";
import { after, before, it } from "node:test";
import { gzipSync } from "node:zlib";
import { type Answer, open, readAll, send, within } from "../support/client.ts";
import { assertGatewayError, mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";
import { closedPort, type RawUpstream, startRawUpstream } from "../support/upstream.ts";

const delta = (delta: object) =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta, finish_reason: null }] })}\n\n`;
const role = delta({ role: "assistant" });
const content = delta({ content: "Hi" });
const chunked = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const sse =
  "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

// A raw provider: `answerRaw` writes whatever the test wants to its connection.
let raw: RawUpstream;
let answerRaw: (socket: Socket) => void = () => {};
let gone: number;
before(async () => {
  raw = await startRawUpstream((socket) => answerRaw(socket));
  gone = await closedPort();
});
after(() => raw.close());

onEachRuntime(
  (upstream) => {
    const { providers } = toUpstream(upstream).config as { providers: Record<string, unknown> };
    return {
      config: {
        providers: {
          ...providers,
          "custom-raw": { base_url: raw.url },
          "custom-gone": { base_url: `http://127.0.0.1:${gone}` },
        },
      },
    };
  },
  (bench, runtime) => {
    const post = (path: string, body: string, headers: Record<string, string> = {}) =>
      send(bench.gateway.url, path, {
        method: "POST",
        body,
        headers: { "content-type": "application/json", "content-length": body.length, ...headers },
      });
    const twice = { "cf-aig-max-attempts": "2", "cf-aig-retry-delay": "0" };

    /** Two steps: one that fails as the test says, and one that answers. */
    const two = (provider: string, config = {}): Promise<Answer> => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.end(`${content}data: [DONE]\n\n`);
      });
      const steps = [provider, "custom-mock"].map((provider) => ({
        provider,
        endpoint: "chat/completions",
        query: { model: provider },
        config,
      }));
      return post("/v1/acc/default", JSON.stringify(steps));
    };
    const assertSecond = (answer: Answer) => {
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["cf-aig-step"], "1");
      assert.equal(answer.body.toString(), `${content}data: [DONE]\n\n`);
    };

    it("another step is tried when nobody listens", async () => {
      assertSecond(await two("custom-gone"));
    });

    const cuts: [what: string, (socket: Socket) => void][] = [
      ["hangs up on the request", (socket) => socket.destroy()],
      ["resets the connection", (socket) => socket.resetAndDestroy()],
      ["answers with something that is no HTTP", (socket) => socket.end("SSH-2.0\r\n")],
      ["hangs up behind its head", (socket) => socket.end(sse)],
      ["ends its stream before it began", (socket) => socket.write(`${sse}0\r\n\r\n`)],
      ["hangs up before its first content", (socket) => socket.end(sse + chunked(role))],
      ["resets the connection before its first content", (socket) => {
        socket.write(sse + chunked(role), () => socket.resetAndDestroy());
      }],
      [
        "begins with an error",
        (socket) => socket.write(sse + chunked('data: {"error":{"message":"m"}}\n\n')),
      ],
      ["begins with half an event", (socket) => socket.end(sse + chunked(content.slice(0, 30)))],
    ];
    for (const [what, answer] of cuts) {
      it(`another step is tried when a provider ${what}`, async () => {
        answerRaw = answer;
        assertSecond(await two("custom-raw"));
      });
    }

    for (
      const [what, begins] of [["says nothing at all", ""], [
        "says nothing but that it lives",
        sse + chunked(": wait\n\n"),
      ]] as const
    ) {
      it(`another step is tried, and the connection closed, when a provider ${what}`, async () => {
        const closed = Promise.withResolvers<void>();
        answerRaw = (socket) => {
          socket.on("close", closed.resolve);
          if (begins !== "") socket.write(begins);
        };
        assertSecond(await two("custom-raw", { requestTimeout: 100 }));
        await within(5000, "The end of the connection", closed.promise);
      });
    }

    it("a request is sent again, its whole body with it", async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        if (bench.upstream.requests.length === 1) return void res.writeHead(503).end("busy");
        res.end('{"ok":true}');
      });
      const body = JSON.stringify({ model: "m", text: "x".repeat(1_000_000) });
      const answer = await post(`${mockPath}/chat/completions`, body, twice);
      assert.equal(answer.body.toString(), '{"ok":true}');
      assert.deepEqual(bench.upstream.requests.map((seen) => seen.body.toString() === body), [
        true,
        true,
      ]);
    });

    it("a request whose length nobody said is sent again as well", async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(bench.upstream.requests.length === 1 ? 500 : 200).end("{}");
      });
      const answer = await send(bench.gateway.url, `${mockPath}/chat/completions`, {
        method: "POST",
        body: '{"model":"m"}',
        headers: { "transfer-encoding": "chunked", ...twice },
      });
      assert.equal(answer.status, 200);
      assert.deepEqual(
        bench.upstream.requests.map((seen) => seen.body.toString()),
        Array(2).fill('{"model":"m"}'),
      );
    });

    it("a stream that breaks off before its first content is asked for again", async () => {
      let turn = 0;
      answerRaw = (socket) =>
        turn++ === 0
          ? socket.end(sse + chunked(role))
          : socket.write(`${sse}${chunked(content)}${chunked("data: [DONE]\n\n")}0\r\n\r\n`);
      const answer = await post("/v1/acc/default/custom-raw/chat/completions", "{}", twice);
      assert.equal(answer.body.toString(), `${content}data: [DONE]\n\n`);
      assert.equal(turn, 2);
    });

    it("a request that takes too long is a 504, and closed upstream", async () => {
      bench.upstream.reset();
      bench.upstream.handle(() => {});
      const answer = post(`${mockPath}/slow`, "{}", { "cf-aig-request-timeout": "100" });
      const seen = await bench.upstream.next();
      assertGatewayError(await answer, 504, 2005);
      await within(5000, "The end upstream", seen.aborted);
    });

    it("a stream that stops is told so, and closed upstream", async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        res.write(content);
      });
      const answer = post(`${mockPath}/chat/completions`, "{}", { "x-sluice-timeout-idle": "100" });
      const seen = await bench.upstream.next();
      const text = (await answer).body.toString();
      assert.ok(text.startsWith(content));
      assert.match(text.slice(content.length), /^data: \{"error":.*upstream_stalled/);
      await within(5000, "The end upstream", seen.aborted);
    });

    it("a client that reads slowly is not taken for a provider that stops", async () => {
      const big = delta({ content: "x".repeat(100_000) });
      bench.upstream.handle((_req, res) => {
        res.writeHead(200, { "content-type": "text/event-stream" });
        for (let n = 0; n < 100; n++) res.write(big);
        res.end("data: [DONE]\n\n");
      });
      const answer = await open(bench.gateway.url, `${mockPath}/chat/completions`, {
        method: "POST",
        body: "{}",
        headers: { "content-length": 2, "x-sluice-timeout-idle": "150" },
      });
      await new Promise((resolve) => setTimeout(resolve, 700));
      const { body } = await readAll(answer);
      assert.equal(body.length, big.length * 100 + "data: [DONE]\n\n".length);
    });

    // Elsewhere the platform decodes it, or (workerd, locally) ends it as if it were whole.
    if (runtime !== "workers") {
      it("a compressed stream that is cut is not whole", async () => {
        answerRaw = (socket) => {
          const head = sse.replace("\r\n\r\n", "\r\ncontent-encoding: gzip\r\n\r\n");
          const part = gzipSync(content.repeat(100)).subarray(0, 60);
          socket.write(`${head}${part.length.toString(16)}\r\n`);
          socket.write(part);
          setTimeout(() => socket.resetAndDestroy(), 20);
        };
        const path = "/v1/acc/default/custom-raw/chat/completions";
        await post(path, "{}", { "accept-encoding": "gzip" }).then(
          ({ body }) => assert.match(body.toString(), /upstream_cut/),
          (error: Error) => assert.match(error.message, /aborted|cut short|hang up|reset/i),
        );
      });
    }

    it("a gateway goes on after all that", async () => {
      bench.upstream.reset();
      assert.equal((await send(bench.gateway.url, `${mockPath}/x`)).status, 200);
    });
  },
);
