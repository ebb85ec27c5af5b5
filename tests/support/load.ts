// A steady load: clients that ask one request after the other, and remember what became of each.
import { createHash } from "node:crypto";
import http from "node:http";
import { type Exchange, exchangeOf } from "./exchanges.ts";

/** What became of one request. */
export interface Answer {
  n: number;
  /** `cf-aig-event-id` of its rows. */
  event: string;
  /** 0 when the connection broke. */
  status: number;
  /** When it ended, in milliseconds since 1970, and how long it took. */
  at: number;
  took: number;
  body: string;
}

export interface LoadOptions {
  /** Of a gateway. */
  url: string;
  /** Virtual key. */
  token: string;
  /** Of the first request; the next ones follow. Two loads share no number. */
  from: number;
  clients: number;
  /** Milliseconds between an answer and the client's next request. */
  pause?: number;
  /** Milliseconds after which a request hangs. */
  hang?: number;
}

export interface Load {
  answers: Answer[];
  /** Requests that have got no end within the time. */
  hung: Answer[];
  /** No more requests; resolves once those under way have ended. */
  stop(): Promise<void>;
}

/** Requests to a provider without faults; small ones, so that many fit into a second. */
export const plain = (n: number): Exchange =>
  exchangeOf(1, n, { fault: "none", large: false, chunked: false });

export const eventOf = (n: number): string => `load-${n}`;

export function startLoad(options: LoadOptions): Load {
  const { url, token, from, clients, pause = 0 } = options;
  const answers: Answer[] = [];
  const hung: Answer[] = [];
  let next = from;
  let stopped = false;
  const client = async () => {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    while (!stopped) {
      const answer = await askOnce(url, token, next++, { agent, hang: options.hang ?? 20_000 });
      if (answer === undefined) continue;
      answers.push(answer);
      if (answer.status === -1) hung.push(answer);
      // A gateway that is away is not to be asked a thousand times a second.
      const wait = answer.status <= 0 ? Math.max(pause, 20) : pause;
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
    }
    agent.destroy();
  };
  const all = Promise.all(Array.from({ length: clients }, client));
  return {
    answers,
    hung,
    async stop() {
      stopped = true;
      await all;
    },
  };
}

/** Sends request `n`; the status is 0 when the connection broke, and -1 when nothing came in time. */
export function askOnce(
  url: string,
  token: string,
  n: number,
  { agent, hang = 20_000 }: { agent?: http.Agent; hang?: number } = {},
): Promise<Answer> {
  const exchange = plain(n);
  const { hostname, port } = new URL(url);
  const began = performance.now();
  return new Promise((resolve) => {
    const req = http.request({
      host: hostname,
      port,
      path: `/v1/acc/default/${exchange.path}`,
      method: "POST",
      agent: agent ?? false,
      headers: {
        ...exchange.headers,
        "content-length": Buffer.byteLength(exchange.body),
        "cf-aig-authorization": `Bearer ${token}`,
        "cf-aig-event-id": eventOf(n),
      },
    });
    let body = "";
    const end = (status: number) => {
      clearTimeout(timer);
      const took = performance.now() - began;
      resolve({ n, event: eventOf(n), status, at: Date.now(), took, body });
    };
    const timer = setTimeout(() => (end(-1), req.destroy()), hang);
    req.on("response", (res) => {
      res.setEncoding("utf8").on("data", (text) => body += text);
      res.on("end", () => end(res.complete ? res.statusCode! : 0));
      res.on("error", () => end(0));
    });
    req.on("error", () => end(0));
    req.end(exchange.body);
  });
}

/** By slug, as the gateway has to show them. */
export const providerKeys: Record<string, string> = Object.fromEntries(
  ["openai", "anthropic", "google-ai-studio", "aws-bedrock", "cohere"]
    .map((slug) => [slug, `provider-key-of-${slug}`]),
);

/** A configuration in which all providers of {@link plain} are at `url`, and `token` opens the gateway. */
export function loadConfig(url: string, token: string): unknown {
  const hash = createHash("sha256").update(token).digest("hex");
  return {
    gateways: {
      default: { authentication: true, tokens: [{ name: "test", hash: `sha256:${hash}` }] },
    },
    providers: Object.fromEntries(
      Object.keys(providerKeys).map((slug) => [
        slug,
        { base_url: slug === "openai" ? `${url}/v1` : url },
      ]),
    ),
    keys: Object.fromEntries(
      Object.entries(providerKeys).map(([slug, value]) => [slug, { default: { value } }]),
    ),
  };
}
