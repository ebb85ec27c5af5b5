// The Node server and transport as a library: plugins meet lookalikes of Request, Response and Headers.
import assert from "node:assert/strict";
import { type AddressInfo, connect } from "node:net";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { after, before, describe, it } from "node:test";
import { createGateway, type Gateway, type Plugin } from "../../mod.ts";
import { nodeServer, nodeTransport } from "../../runtimes/node/mod.ts";
import { send } from "../support/client.ts";
import { startRawUpstream } from "../support/upstream.ts";

let plugin: Plugin = (_ctx, next) => next();
let answer: string | Buffer = "";
let heads: string[] = [];
let url = "";
let gateway: Gateway;
let stop: () => Promise<void>;
let upstream: Awaited<ReturnType<typeof startRawUpstream>>;

before(async () => {
  upstream = await startRawUpstream((socket, head) => {
    heads.push(head);
    socket.end(answer);
  });
  gateway = createGateway({
    transport: nodeTransport(),
    providers: { openai: { base_url: `${upstream.url}/v1` } },
    plugins: [(ctx, next) => plugin(ctx, next)],
  });
  const node = nodeServer(gateway);
  stop = node.stop;
  await new Promise<void>((done) => node.server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(node.server.address() as AddressInfo).port}`;
});
after(async () => {
  await stop();
  await upstream.close();
});

it("serves a platform's own Request too, body and departure included", async () => {
  answer = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi";
  const init = { method: "POST", body: new Blob(["one two"]).stream(), duplex: "half" };
  const target = "http://any.test/v1/a/default/openai/x";
  const response = await gateway.fetch(new Request(target, init as RequestInit));
  assert.equal(await response.text(), "hi");
  assert.match(heads.at(-1)!, /^POST \/v1\/x [^]*transfer-encoding: chunked/i);
  const gone = new Request(target, { signal: AbortSignal.abort() });
  assert.equal((await gateway.fetch(gone)).status, 499);
});

it("over the platform's fetch hands on what that has decoded, and says so", async () => {
  const zipped = gzipSync("hello");
  const head = `HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-encoding: gzip\r\n` +
    `content-length: ${zipped.length}\r\n\r\n`;
  answer = Buffer.concat([Buffer.from(head), zipped]);
  const plain = createGateway({ providers: { openai: { base_url: `${upstream.url}/v1` } } });
  const headers = { "accept-encoding": "gzip" };
  const response = await plain.fetch(new Request("http://any.test/openai/x", { headers }));
  assert.equal(await response.text(), "hello");
  assert.equal(response.headers.get("content-encoding"), null);
  assert.match(heads.at(-1)!, /accept-encoding: identity/i);
});

const ok =
  "HTTP/1.1 200 OK\r\nconnection: close\r\nx-a: 1\r\nx-a: 2\r\ncontent-length: 5\r\n\r\nhello";

async function ask(run: Plugin, raw = ok, options: Parameters<typeof send>[2] = {}) {
  [plugin, answer, heads] = [run, raw, []];
  return await send(url, "/v1/a/default/openai/x?key=sk-secret", options);
}

/** The whole answer to a request written by hand. */
function raw(line: string, host = "x"): Promise<string> {
  heads = [];
  return new Promise((resolve) => {
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.write(`${line} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
    let all = "";
    socket.on("data", (chunk) => all += chunk).on("close", () => resolve(all));
  });
}

describe("a plugin on Node", () => {
  it("reads and replaces the body of an answer", async () => {
    const { status, body } = await ask(async (_ctx, next) => {
      const response = await next();
      assert.ok(response instanceof Response);
      return new Response((await response.text()).toUpperCase(), response);
    });
    assert.deepEqual([status, body.toString()], [200, "HELLO"]);
  });

  it("clones an answer, reads the clone and passes on the answer", async () => {
    const seen: string[] = [];
    const { body, headers } = await ask(async (_ctx, next) => {
      const response = await next();
      seen.push(await response.clone().text());
      return response;
    });
    assert.deepEqual([seen, body.toString(), headers["x-a"]], [["hello"], "hello", "1, 2"]);
  });

  it("reads the request as a platform's own: headers, JSON, clone, signal", async () => {
    const options = { method: "POST", body: `{"a":1}`, headers: { "content-length": "7" } };
    const { status } = await ask(
      async (ctx, next) => {
        assert.ok(ctx.request instanceof Request);
        assert.equal(new Headers(ctx.request.headers).get("content-length"), "7");
        assert.equal(ctx.request.signal.aborted, false);
        const copy = new Request(ctx.request.clone());
        assert.deepEqual(await copy.json(), { a: 1 });
        assert.throws(() => ctx.request.headers.append("bad name", "x"), TypeError);
        return next(ctx.with({ body: new TextEncoder().encode("{}") }));
      },
      ok,
      options,
    );
    assert.equal(status, 200);
  });

  it("prints what it has without failing and without keys", async () => {
    let text = "";
    await ask(
      async (ctx, next) => {
        const response = await next();
        text = inspect([ctx.request, ctx.request.headers, response, response.headers], {
          depth: 5,
        });
        return response;
      },
      ok,
      { headers: { authorization: "Bearer sk-secret" } },
    );
    assert.match(text, /NodeRequest[^]*NodeHeaders[^]*UpstreamResponse/);
    assert.doesNotMatch(text, /sk-secret/);
  });

  it("cannot set a header that would split the answer", async () => {
    const { status } = await ask(async (_ctx, next) => {
      const response = await next();
      for (const value of ["a\r\nb", "\u4f60", "a\0"]) {
        assert.throws(() => response.headers.set("x", value), TypeError);
      }
      return response;
    });
    assert.equal(status, 200);
  });

  it("ends an attempt with a signal, also one that is over already", async () => {
    const aborted = AbortSignal.abort(new Error("over"));
    const { status } = await ask((ctx, next) => next(ctx.with({ signal: aborted })));
    assert.equal(status, 500);
    assert.deepEqual(heads, []);
  });
});

describe("an answer on Node", () => {
  const pass: Plugin = (_ctx, next) => next();

  it("with a reason phrase that Node cannot write arrives without it", async () => {
    const { status, body } = await ask(pass, ok.replace("OK", "\u6210\u529f"));
    assert.deepEqual([status, body.toString()], [200, "hello"]);
  });

  for (const code of ["099", "600", "999"]) {
    it(`with status ${code} is 502`, async () => {
      assert.equal((await ask(pass, ok.replace("200", code))).status, 502);
    });
  }

  it("keeps its trailers, but for those that are not for clients", async () => {
    plugin = pass;
    answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n" +
      "1\r\na\r\n0\r\nx-sum: 1\r\nset-cookie: a=b\r\nx-accel-redirect: /\r\n\r\n";
    assert.match(await raw("GET /v1/a/default/openai/x"), /\r\n0\r\nx-sum: 1\r\n\r\n$/);
  });
});

describe("a request on Node", () => {
  it("cannot smuggle a path in its Host header", async () => {
    assert.match(await raw("GET /health", "e/openai/x?y="), /"status":"ok"/);
    assert.deepEqual(heads, []);
  });

  it("of method TRACE is refused", async () => {
    assert.match(await raw("TRACE /v1/a/default/openai/x"), /^HTTP\/1\.1 405 /);
    assert.deepEqual(heads, []);
  });
});
