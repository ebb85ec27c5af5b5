// The straightforward reverse proxy on Node: its http server and its own global fetch.
import { createServer } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

const hop = /^(?:connection|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/;
const origin = process.env["UPSTREAM"]!;

const server = createServer(async (req, res) => {
  const abort = new AbortController();
  res.on("close", () => abort.abort());
  try {
    const headers = new Headers();
    for (const [name, value] of Object.entries(req.headers)) {
      if (!hop.test(name)) headers.set(name, String(value));
    }
    const hasBody = req.method !== "GET" && req.method !== "HEAD";
    const answer = await fetch(origin + req.url, {
      method: req.method ?? "GET",
      headers,
      signal: abort.signal,
      ...(hasBody ? { body: Readable.toWeb(req) as ReadableStream, duplex: "half" } : {}),
    } as RequestInit);
    for (const [name, value] of answer.headers) if (!hop.test(name)) res.setHeader(name, value);
    res.writeHead(answer.status);
    // The head must not wait for a body that may be slow to begin.
    res.flushHeaders();
    if (answer.body) await pipeline(Readable.fromWeb(answer.body as never), res);
    else res.end();
  } catch {
    if (res.headersSent) res.destroy();
    else res.writeHead(502).end();
  }
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const address = server.address();
  if (address && typeof address === "object") console.log(`http://127.0.0.1:${address.port}`);
});
