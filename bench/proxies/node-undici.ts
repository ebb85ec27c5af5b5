// The fastest plain reverse proxy on Node: its http server and undici's dispatcher.
import { createServer } from "node:http";
import { Agent, type Dispatcher } from "undici";

const hop = /^(?:connection|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/;
const origin = process.env["UPSTREAM"]!;
const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });

const server = createServer((req, res) => {
  const headers: string[] = [];
  for (let i = 0; i < req.rawHeaders.length; i += 2) {
    const name = req.rawHeaders[i]!;
    if (!hop.test(name.toLowerCase())) headers.push(name, req.rawHeaders[i + 1]!);
  }
  let call: Dispatcher.DispatchController | undefined;
  const resume = (): void => call?.resume();
  res.on("close", () => {
    if (!res.writableFinished) call?.abort(new Error("The client left"));
  });
  const { method = "GET", url = "/" } = req;
  const body = method === "GET" || method === "HEAD" ? null : req;
  agent.dispatch({ origin, path: url, method, headers, body }, {
    onRequestStart(controller) {
      call = controller;
      if (res.destroyed) controller.abort(new Error("The client left"));
    },
    onResponseStart(_controller, status, head) {
      for (const name in head) if (hop.test(name)) delete head[name];
      res.writeHead(status, head);
    },
    onResponseData(controller, chunk) {
      if (res.write(chunk)) return;
      controller.pause();
      res.once("drain", resume);
    },
    onResponseEnd() {
      res.end();
    },
    onResponseError() {
      if (res.headersSent) res.destroy();
      else res.writeHead(502).end();
    },
  });
});
server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
  const address = server.address();
  if (address && typeof address === "object") console.log(`http://127.0.0.1:${address.port}`);
});
