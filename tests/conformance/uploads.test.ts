// Request bodies stream: the provider sees each piece as the client sends it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { it } from "node:test";
import { answerOf, readAll, request, send, within } from "../support/client.ts";
import { mockPath, onEachRuntime } from "../support/suite.ts";

const MB = 1024 * 1024;
// Large enough that no gateway would wait for ten of them.
const piece = Buffer.alloc(100_000, "p");

onEachRuntime(
  (upstream) => ({
    config: { providers: { "custom-mock": { base_url: upstream.url } } },
  }),
  (bench) => {
    const path = `${mockPath}/upload`;

    for (const declared of [true, false]) {
      const how = declared ? "with a content-length" : "in chunks";
      it(`an upload ${how} arrives piece by piece`, async () => {
        bench.upstream.reset();
        let arrived = 0;
        let waiting: (() => void) | undefined;
        bench.upstream.handle((req, res) => {
          req.on("data", (part) => {
            arrived += part.length;
            waiting?.();
          });
          req.on("end", () => res.end(String(arrived)));
        }, { stream: true });
        const req = request(bench.gateway.url, path, {
          method: "POST",
          headers: {
            "content-type": "application/octet-stream",
            ...(declared && { "content-length": 10 * piece.length }),
          },
        });
        const answer = answerOf(req);
        let sent = 0;
        for (let n = 0; n < 10; n++) {
          req.write(piece);
          sent += piece.length;
          await within(
            5000,
            `Piece ${n}`,
            new Promise<void>((resolve) => {
              waiting = () => arrived === sent && resolve();
              waiting();
            }),
          );
        }
        req.end();
        assert.equal((await readAll(await answer)).body.toString(), String(sent));
      });

      it(`64 MB ${how} arrive whole`, { timeout: 60_000 }, async () => {
        bench.upstream.reset();
        bench.upstream.handle((req, res) => void hashOf(req).then((text) => res.end(text)), {
          stream: true,
        });
        const hash = createHash("sha256");
        const size = 64 * MB;
        const req = request(bench.gateway.url, path, {
          method: "POST",
          headers: {
            "content-type": "application/octet-stream",
            ...(declared && { "content-length": size }),
          },
        });
        const answer = answerOf(req);
        for (let n = 0; n < 64; n++) {
          const piece = Buffer.alloc(MB, n);
          hash.update(piece);
          if (!req.write(piece)) await new Promise((resolve) => req.once("drain", resolve));
        }
        req.end();
        const got = (await readAll(await answer)).body.toString();
        assert.equal(got, `${size} ${hash.digest("hex")}`);
      });
    }

    it("a declared length is passed on, not turned into chunks", async () => {
      bench.upstream.reset();
      const headers = { "content-type": "application/json", "content-length": 7 };
      await send(bench.gateway.url, path, { method: "POST", headers, body: `{"a":1}` });
      const seen = await bench.upstream.next();
      assert.equal(seen.headers["content-length"], "7");
      assert.equal(seen.headers["transfer-encoding"], undefined);
    });

    it("a POST without a body has none upstream", async () => {
      bench.upstream.reset();
      await send(bench.gateway.url, path, { method: "POST", headers: { "content-length": 0 } });
      const seen = await bench.upstream.next();
      assert.equal(seen.body.length, 0);
    });

    it("an answer that comes before the upload ended reaches the client", async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(413, { "content-type": "application/json" }).end(`{"error":"too large"}`);
      }, { stream: true });
      const req = request(bench.gateway.url, path, {
        method: "POST",
        headers: { "content-length": MB, "content-type": "application/octet-stream" },
      });
      req.write("first piece");
      const answer = await within(5000, "The answer", answerOf(req));
      assert.equal(answer.statusCode, 413);
      req.on("error", () => {});
      req.destroy();
    });

    it("a client that leaves in the middle of an upload closes the upstream", async () => {
      bench.upstream.reset();
      bench.upstream.handle((req) => req.resume(), { stream: true });
      const req = request(bench.gateway.url, path, {
        method: "POST",
        headers: { "content-length": MB },
      });
      req.on("error", () => {});
      req.write("first piece");
      const seen = await within(5000, "The request", bench.upstream.next());
      req.destroy();
      await within(5000, "Closing the upstream", seen.aborted);
    });
  },
);

async function hashOf(req: IncomingMessage): Promise<string> {
  const hash = createHash("sha256");
  let length = 0;
  for await (const part of req) {
    hash.update(part);
    length += part.length;
  }
  return `${length} ${hash.digest("hex")}`;
}
