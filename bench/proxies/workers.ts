// A worker that only forwards.
const worker: { fetch(request: Request, env: { UPSTREAM: string }): Promise<Response> } = {
  fetch(request, env) {
    const at = request.url.indexOf("/", 8);
    const { method, body, signal } = request;
    const headers = new Headers(request.headers);
    headers.delete("host");
    return fetch(env.UPSTREAM + request.url.slice(at), { method, headers, body, signal });
  },
};

export default worker;
