// What the client says reaches the provider, and what the provider says reaches the client.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { it } from "node:test";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { send } from "../support/client.ts";
import { mockPath, onEachRuntime, toUpstream } from "../support/suite.ts";

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const json = { "content-type": "application/json" };

onEachRuntime(toUpstream, (bench, runtime) => {
  const ask = (path: string, options: Parameters<typeof send>[2] = {}) => {
    const headers = { ...options.headers };
    if (options.body !== undefined) headers["content-length"] = Buffer.byteLength(options.body);
    return send(bench.gateway.url, mockPath + path, { ...options, headers });
  };

  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    it(`${method} arrives as it is`, async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => res.writeHead(201, json).end(`{"ok":1}`));
      const body = /^P/.test(method) ? `{"a":"${method}"}` : undefined;
      const answer = await ask("/things/1?x=1", { method, body });
      assert.equal(answer.status, 201);
      assert.equal(answer.body.toString(), `{"ok":1}`);
      const seen = await bench.upstream.next();
      assert.equal(seen.method, method);
      assert.equal(seen.target, "/things/1?x=1");
      assert.equal(seen.body.toString(), body ?? "");
    });
  }

  it("a method that came after HTTP/1.1 arrives as it is", async () => {
    bench.upstream.reset();
    await ask("/search", { method: "QUERY", body: "q" });
    const seen = await bench.upstream.next();
    assert.equal(seen.method, "QUERY");
    assert.equal(seen.body.toString(), "q");
  });

  it("HEAD keeps the length of the body that it does not have", async () => {
    bench.upstream.reset();
    bench.upstream.handle((_req, res) => {
      res.writeHead(200, { "content-length": 1234, etag: `"a"` }).end();
    });
    const answer = await ask("/file", { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(answer.headers["content-length"], "1234");
    assert.equal(answer.headers.etag, `"a"`);
    assert.equal((await bench.upstream.next()).method, "HEAD");
  });

  it("a DELETE with a body keeps it", async () => {
    bench.upstream.reset();
    await ask("/things/1", { method: "DELETE", body: `{"why":"old"}`, headers: json });
    assert.equal((await bench.upstream.next()).body.toString(), `{"why":"old"}`);
  });

  for (const status of [204, 304]) {
    it(`${status} arrives without a body`, async () => {
      bench.upstream.handle((_req, res) => res.writeHead(status, { etag: `"b"` }).end());
      const answer = await ask("/thing");
      assert.equal(answer.status, status);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.headers.etag, `"b"`);
    });
  }

  for (const status of [200, 202, 400, 401, 404, 418, 429, 500, 503, 529]) {
    it(`${status} with a body arrives as it is`, async () => {
      bench.upstream.handle((_req, res) => {
        res.writeHead(status, { ...json, "retry-after": "7" }).end(`{"status":${status}}`);
      });
      const answer = await ask("/thing", { method: "POST", body: "{}", headers: json });
      assert.equal(answer.status, status);
      assert.equal(answer.body.toString(), `{"status":${status}}`);
      assert.equal(answer.headers["retry-after"], "7");
    });
  }

  it("bytes that are no text arrive as they are, both ways", async () => {
    bench.upstream.reset();
    bench.upstream.handle((_req, res, seen) => {
      res.writeHead(200, { "content-type": "application/octet-stream" }).end(seen.body);
    });
    const sent = Buffer.concat([everyByte, randomBytes(300_000)]);
    const headers = { "content-type": "audio/wav" };
    const answer = await ask("/audio", { method: "POST", body: sent, headers });
    assert.ok(answer.body.equals(sent));
    assert.equal((await bench.upstream.next()).headers["content-type"], "audio/wav");
  });

  it("a multipart form arrives with its boundary and every byte", async () => {
    bench.upstream.reset();
    const boundary = "----sluice'()+_,-./:=?";
    const body = Buffer.concat([
      Buffer.from(
        `--${boundary}\r\ncontent-disposition: form-data; name="model"\r\n\r\nwhisper\r\n`,
      ),
      Buffer.from(`--${boundary}\r\ncontent-disposition: form-data; name="file"; `),
      Buffer.from(`filename="ü.wav"\r\ncontent-type: audio/wav\r\n\r\n`),
      everyByte,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]);
    const type = `multipart/form-data; boundary="${boundary}"`;
    await ask("/audio", { method: "POST", body, headers: { "content-type": type } });
    const seen = await bench.upstream.next();
    assert.equal(seen.headers["content-type"], type);
    assert.ok(seen.body.equals(body));
  });

  it("a body that is not JSON, though it says so, is the provider's to judge", async () => {
    bench.upstream.reset();
    await ask("/chat", { method: "POST", body: `{"model": nope`, headers: json });
    assert.equal((await bench.upstream.next()).body.toString(), `{"model": nope`);
  });

  for (const [encoding, compress] of [["gzip", gzipSync], ["br", brotliCompressSync]] as const) {
    it(`${encoding} arrives still compressed`, async () => {
      bench.upstream.reset();
      const bytes = compress(Buffer.from(`{"text":"${"la ".repeat(5000)}"}`));
      bench.upstream.handle((_req, res) => {
        res.writeHead(200, {
          ...json,
          "content-encoding": encoding,
          "content-length": bytes.length,
        });
        res.end(bytes);
      });
      // The log asks for what it can read: that is gzip, or nothing compressed.
      const answer = await ask("/zip", {
        headers: { "accept-encoding": encoding, "cf-aig-collect-log": "false" },
      });
      assert.equal(answer.headers["content-encoding"], encoding);
      assert.equal(digest(answer.body), digest(bytes));
      // Deno decodes what its own `fetch` asked for compressed, so it asks for nothing.
      const asked = runtime === "deno" ? "identity" : encoding;
      assert.equal((await bench.upstream.next()).headers["accept-encoding"], asked);
    });
  }

  it("a client that did not ask for compression gets none", async () => {
    bench.upstream.reset();
    bench.upstream.handle((req, res) => {
      const zip = /gzip/.test(req.headers["accept-encoding"] ?? "");
      res.writeHead(200, { ...json, ...(zip && { "content-encoding": "gzip" }) });
      res.end(zip ? gzipSync(`{"a":1}`) : `{"a":1}`);
    });
    const answer = await ask("/plain");
    assert.equal(answer.headers["content-encoding"], undefined);
    assert.equal(answer.body.toString(), `{"a":1}`);
  });

  it("a compressed request body arrives still compressed", async () => {
    bench.upstream.reset();
    const body = gzipSync(`{"model":"x"}`);
    await ask("/zip", { method: "POST", body, headers: { ...json, "content-encoding": "gzip" } });
    const seen = await bench.upstream.next();
    assert.equal(seen.headers["content-encoding"], "gzip");
    assert.ok(seen.body.equals(body));
  });

  for (const status of [301, 302, 303, 307, 308]) {
    it(`${status} is the client's to follow`, async () => {
      bench.upstream.reset();
      bench.upstream.handle((_req, res) => {
        res.writeHead(status, { location: `${bench.upstream.url}/elsewhere?a=b` }).end("moved");
      });
      const answer = await ask("/file/content", { method: status === 307 ? "POST" : "GET" });
      assert.equal(answer.status, status);
      assert.equal(answer.headers.location, `${bench.upstream.url}/elsewhere?a=b`);
      assert.equal(answer.body.toString(), "moved");
      assert.equal(bench.upstream.requests.length, 1);
    });
  }

  for (
    const query of [
      "?",
      "?a=b&a=c&&=&d",
      "?q=%E2%9C%93+%20%2B&plain=~!*'()",
      "?$alt=json%3Benum-encoding%3Dint&%24x=1",
      "?url=https://example.com/a?b=c&d=%2f..%2F",
      "?bad=%zz%&x=%C3",
      "?json={%22a%22:[1,2]}|^`",
    ]
  ) {
    it(`the query ${query} arrives to the letter`, async () => {
      bench.upstream.reset();
      await ask(`/search${query}`);
      const { target } = await bench.upstream.next();
      // Two spellings that URL parsers themselves do not tell apart: an empty query, a single quote.
      const same = (text: string) => text.replace(/\?$/, "").replaceAll("%27", "'");
      assert.equal(same(target), `/search${query}`.replace(/\?$/, ""));
    });
  }

  for (
    const path of [
      "/@cf/meta/llama-3.1-8b-instruct",
      "/models/a%2Fb%3Ac:generateContent",
      "/a+b%20c/~tilde/!$&'()*,;=:@",
      "/%E2%9C%93/%c3%a9",
      "/v1/v1/x",
      "/trailing/",
    ]
  ) {
    it(`the path ${path} arrives to the letter`, async () => {
      bench.upstream.reset();
      await ask(path);
      assert.equal((await bench.upstream.next()).target, path);
    });
  }

  it("a repeated answer header keeps all its values", async () => {
    bench.upstream.handle((_req, res) => {
      res.writeHead(200, [
        ...["content-type", "text/plain", "link", "<a>; rel=next", "link", "<b>; rel=last"],
        ...["x-many", "1", "x-many", "2", "x-many", "3"],
      ]).end("x");
    });
    const answer = await ask("/many");
    const all = (name: string) =>
      answer.rawHeaders.filter((_, index) => answer.rawHeaders[index - 1]?.toLowerCase() === name)
        .join(", ");
    assert.equal(all("x-many"), "1, 2, 3");
    assert.equal(all("link"), "<a>; rel=next, <b>; rel=last");
  });
});

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");
