// Deno.serve and fetch, nothing between them.
declare const Deno: {
  env: { get(name: string): string | undefined };
  serve(options: object, handler: (request: Request) => Promise<Response>): unknown;
};

const origin = Deno.env.get("UPSTREAM")!;
const onListen = ({ port }: { port: number }): void => console.log(`http://127.0.0.1:${port}`);
Deno.serve({ port: 0, hostname: "127.0.0.1", onListen }, (request) => {
  const at = request.url.indexOf("/", 8);
  const { method, body, signal } = request;
  const headers = new Headers(request.headers);
  headers.delete("host");
  headers.delete("connection");
  return fetch(origin + request.url.slice(at), { method, headers, body, signal });
});

export {};
