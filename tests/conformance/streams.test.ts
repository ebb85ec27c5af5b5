// Streams arrive as they come: event by event, byte for byte, and never shorter than they were.
import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";
import { after, before, it } from "node:test";
import { open, readAll, readBytes, send, within } from "../support/client.ts";
import { loadFixture, replay } from "../support/fixtures.ts";
import { mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";
import { type RawUpstream, startRawUpstream } from "../support/upstream.ts";

const sse = { "content-type": "text/event-stream" };
const event = (n: number) => `data: {"n":${n}}\n\n`;

// A raw provider: `answerRaw` writes whatever the test wants to its connection.
let raw: RawUpstream;
let answerRaw: (socket: Socket, head: string) => void = () => {};
before(async () => {
  raw = await startRawUpstream((socket, head) => answerRaw(socket, head));
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
          "aws-bedrock": { base_url: upstream.url },
        },
      },
    };
  },
  (bench, runtime) => {
    const rawPath = "/v1/acc/default/custom-raw";

    it("each event is with the client before the provider writes the next", async () => {
      let res!: ServerResponse;
      const started = Promise.withResolvers<void>();
      bench.upstream.handle((_req, answer) => {
        res = answer.writeHead(200, sse);
        res.write(event(0));
        started.resolve();
      });
      const answer = await open(bench.gateway.url, `${mockPath}/stream`, { method: "POST" });
      await started.promise;
      for (let n = 0; n < 20; n++) {
        const text = await within(5000, `Event ${n}`, readBytes(answer, event(n).length));
        assert.equal(text.toString(), event(n));
        if (n < 19) res.write(event(n + 1));
      }
      res.end();
      assert.equal((await readAll(answer)).body.length, 0);
    });

    // Bun's server holds the end of the head back until there is a first byte.
    if (runtime !== "bun") {
      it("headers are with the client before the first event", async () => {
        let res!: ServerResponse;
        bench.upstream.handle((_req, answer) => {
          res = answer;
          res.writeHead(200, { ...sse, "x-early": "1" }).flushHeaders();
        });
        const answer = await within(
          5000,
          "The head",
          open(bench.gateway.url, `${mockPath}/stream`),
        );
        assert.equal(answer.headers["x-early"], "1");
        res.end(event(0));
        assert.equal((await readAll(answer)).body.toString(), event(0));
      });
    }

    it("a body that is no event stream arrives piece by piece too", async () => {
      let res!: ServerResponse;
      bench.upstream.handle((_req, answer) => {
        res = answer;
        res.writeHead(200, { "content-type": "application/json", "content-length": 4 }).write("[1");
      });
      const answer = await open(bench.gateway.url, `${mockPath}/slow.json`);
      assert.equal((await within(5000, "The start", readBytes(answer, 2))).toString(), "[1");
      res.end("2]");
      assert.equal((await readAll(answer)).body.toString(), "2]");
    });

    it("a stream cut at every byte arrives whole", async () => {
      const fixture = loadFixture("openai/chat-stream-plain");
      const cuts = Array.from({ length: fixture.responseBody.length - 1 }, (_, index) => index + 1);
      bench.upstream.handle((_req, res) => void replay(res, fixture, { cuts }));
      const path = "/v1/acc/default/openai/chat/completions";
      const answer = await send(bench.gateway.url, path, {
        method: "POST",
        body: fixture.requestBody,
        headers: {
          "content-type": "application/json",
          "content-length": fixture.requestBody!.length,
        },
      });
      assert.equal(answer.body.toString(), fixture.responseBody.toString());
    });

    it("Bedrock's binary events arrive untouched, wherever they are cut", async () => {
      const fixture = loadFixture("amazon-bedrock/synthetic-converse-stream-midstream-throttling");
      const cuts = Array.from({ length: fixture.responseBody.length - 1 }, (_, index) => index + 1);
      bench.upstream.handle((_req, res) => void replay(res, fixture, { cuts }));
      const answer = await send(
        bench.gateway.url,
        "/v1/acc/default/aws-bedrock/bedrock-runtime/us-east-1/model/m/converse-stream",
        { method: "POST", headers: { authorization: "Bearer key" } },
      );
      assert.equal(answer.headers["content-type"], "application/vnd.amazon.eventstream");
      assert.ok(answer.body.equals(fixture.responseBody));
    });

    it("an empty event stream is a good answer", async () => {
      bench.upstream.handle((_req, res) => res.writeHead(200, sse).end());
      const answer = await send(bench.gateway.url, `${mockPath}/stream`);
      assert.equal(answer.status, 200);
      assert.equal(answer.body.length, 0);
    });

    it("a body that ends with the connection, as HTTP/1.0 has it, arrives whole", async () => {
      answerRaw = (socket) =>
        socket.end("HTTP/1.0 200 OK\r\ncontent-type: text/plain\r\n\r\nall of it");
      const answer = await send(bench.gateway.url, `${rawPath}/old`);
      assert.equal(answer.body.toString(), "all of it");
    });

    it("trailers do not end up in the body", async () => {
      // Closed behind it: workerd would take what it left unread for the next answer.
      answerRaw = (socket) =>
        socket.end(
          "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n" +
            "trailer: x-sum\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
        );
      const answer = await send(bench.gateway.url, `${rawPath}/trailers`);
      assert.equal(answer.body.toString(), "abc");
    });

    // workerd's own HTTP client reads neither; at the edge it never meets them.
    if (runtime !== "workers") {
      it("chunk extensions do not end up in the body", async () => {
        answerRaw = (socket) =>
          socket.write(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n0\r\n\r\n",
          );
        const answer = await send(bench.gateway.url, `${rawPath}/extensions`);
        assert.equal(answer.body.toString(), "abc");
      });

      it("an interim 103 answer is not taken for the answer", async () => {
        answerRaw = (socket) =>
          socket.write(
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" +
              "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
          );
        const answer = await send(bench.gateway.url, `${rawPath}/hints`);
        assert.equal(answer.status, 200);
        assert.equal(answer.body.toString(), "ok");
      });
    }

    for (
      const [how, head, part] of [
        [
          "without its last chunk",
          "content-type: text/event-stream\r\ntransfer-encoding: chunked",
          `${event(0).length.toString(16)}\r\n${event(0)}\r\n`,
        ],
        [
          "in the middle of a chunk",
          "content-type: text/event-stream\r\ntransfer-encoding: chunked",
          `ff\r\n${event(0)}`,
        ],
        [
          "short of its content-length",
          "content-type: application/json\r\ncontent-length: 1000",
          event(0),
        ],
      ]
    ) {
      for (const end of ["end", "resetAndDestroy"] as const) {
        it(`an answer that stops ${how} (${end}) is an error for the client`, async () => {
          const cut = Promise.withResolvers<void>();
          answerRaw = (socket) => {
            socket.write(`HTTP/1.1 200 OK\r\n${head}\r\n\r\n${part}`);
            void cut.promise.then(() => socket[end]());
          };
          const answer = await open(bench.gateway.url, `${rawPath}/cut`);
          const first = await within(5000, "The start", readBytes(answer, event(0).length));
          assert.equal(first.toString(), event(0));
          cut.resolve();
          const rest = await within(5000, "The end", readAll(answer)).then(
            ({ body }) => body.toString(),
            (error: Error) => {
              assert.match(error.message, /aborted|cut short|hang up|reset/i);
            },
          );
          // What has no length gets an event that says what happened.
          if (!head!.includes("length")) {
            assert.match(rest ?? "", /^event: error\ndata: .*upstream_cut/);
          } else assert.equal(rest, undefined, "The answer ended as if it were whole");
        });
      }
    }

    it("a provider that breaks off does not put the client's key on the console", async () => {
      answerRaw = (socket) => {
        socket.write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n");
        setImmediate(() => socket.resetAndDestroy());
      };
      const secret = `sk-${runtime}-on-the-console`;
      const headers = { authorization: `Bearer ${secret}` };
      await send(bench.gateway.url, `${rawPath}/cut?key=${secret}`, { headers }).catch(() => {});
      answerRaw = (socket) => socket.resetAndDestroy();
      await send(bench.gateway.url, `${rawPath}/cut?key=${secret}`, { headers });
      assert.doesNotMatch(bench.gateway.output(), new RegExp(secret));
    });

    it("an answer that is no HTTP is a 502", async () => {
      answerRaw = (socket) => socket.end("SSH-2.0-OpenSSH_9.6\r\n");
      assert.equal((await send(bench.gateway.url, `${rawPath}/ssh`)).status, 502);
    });

    it("a hundred streams at once keep to themselves", async () => {
      bench.upstream.handle(async (req, res) => {
        res.writeHead(200, sse);
        for (let n = 0; n < 5; n++) {
          res.write(`data: ${req.url} ${n}\n\n`);
          // Lets the other streams have a turn between two events.
          await new Promise(setImmediate);
        }
        res.end();
      });
      await Promise.all(Array.from({ length: 100 }, async (_, id) => {
        const answer = await send(bench.gateway.url, `${mockPath}/${id}`);
        const wanted = [0, 1, 2, 3, 4].map((n) => `data: /${id} ${n}\n\n`).join("");
        assert.equal(answer.body.toString(), wanted);
      }));
    });
  },
);
