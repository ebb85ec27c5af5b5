// Bun.serve and fetch, nothing between them.
declare const Bun: {
  env: Record<string, string>;
  serve(options: object): { port: number };
};

const origin = Bun.env["UPSTREAM"]!;
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  // Bun ends an answer after 10 s of silence otherwise.
  idleTimeout: 0,
  fetch(request: Request): Promise<Response> {
    const at = request.url.indexOf("/", 8);
    const { method, headers, body, signal } = request;
    headers.delete("host");
    headers.delete("connection");
    return fetch(origin + request.url.slice(at), { method, headers, body, signal });
  },
});
console.log(`http://127.0.0.1:${server.port}`);

export {};
