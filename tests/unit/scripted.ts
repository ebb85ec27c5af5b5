/** A gateway whose providers answer from a script, one answer a request, as a real `fetch` would. */
import { createGateway, type Gateway, type GatewayOptions } from "../../mod.ts";
import type { LogRow } from "../../core/log/row.ts";
import { memoryLogs } from "../../core/storage/logs-memory.ts";

/** What a provider was sent. */
export interface Seen {
  url: string;
  headers: Record<string, string>;
  body: string;
  /** By `performance.now()`. */
  at: number;
  signal: AbortSignal;
}

export type Answer = (seen: Seen) => Response | Promise<Response>;

export interface Scripted {
  gateway: Gateway;
  seen: Seen[];
  reports: string[];
  /** Sends a POST; an object as JSON, with its length. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>;
  /** The same to the universal endpoint. */
  universal(steps: unknown, headers?: Record<string, string>): Promise<Response>;
  /** All rows of the log, in order. */
  rows(): Promise<LogRow[]>;
}

export const native = "/v1/acc/default/openai/chat/completions";

/**
 * @param script The answers, in order; a request without one is a failure of the test.
 * @param aside Answers requests to others than providers.
 */
export function scripted(
  options: GatewayOptions,
  script: Answer[],
  aside: (url: string, init: RequestInit) => Promise<Response> | undefined = () => undefined,
): Scripted {
  const seen: Seen[] = [];
  const reports: string[] = [];
  const logs = memoryLogs();
  const gateway = createGateway({
    report: (message) => reports.push(message),
    stores: { logs },
    ...options,
    fetch: (async (input: string, init: RequestInit) => {
      const other = aside(input, init);
      if (other !== undefined) return await other;
      const signal = init.signal!;
      const request: Seen = {
        url: input,
        headers: init.headers as Record<string, string>,
        body: init.body ? await new Response(init.body).text() : "",
        at: performance.now(),
        signal,
      };
      seen.push(request);
      const answer = script.shift();
      if (answer === undefined) throw new Error("No answer is left");
      const response = await Promise.race([answer(request), aborted(signal)]);
      return response.body === null ? response : followed(response, signal);
    }) as typeof fetch,
  });
  const post: Scripted["post"] = (path, body, headers = {}) => {
    const text = typeof body === "string" ? body : JSON.stringify(body);
    const length = String(new TextEncoder().encode(text).length);
    return gateway.fetch(
      new Request(`http://gateway.test${path}`, {
        method: "POST",
        body: text,
        headers: { "content-type": "application/json", "content-length": length, ...headers },
      }),
    );
  };
  return {
    gateway,
    seen,
    reports,
    post,
    universal: (steps, headers) => post("/v1/acc/default", steps, headers),
    async rows() {
      await gateway.flush();
      return logs.list({ direction: "asc" }, { offset: 0, limit: 100 });
    },
  };
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason));
  });
}

/** The body of a `fetch` fails with its signal. */
function followed(response: Response, signal: AbortSignal): Response {
  const reader = response.body!.getReader();
  const abort = aborted(signal);
  abort.catch(() => {});
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      signal.throwIfAborted();
      const { done, value } = await Promise.race([reader.read(), abort]);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  return new Response(body as BodyInit, response);
}

/** JSON with its length, as most providers send it. */
export function json(body: unknown, init: ResponseInit = {}): Answer {
  const text = JSON.stringify(body);
  const length = String(new TextEncoder().encode(text).length);
  return () => {
    const headers = new Headers(init.headers);
    headers.set("content-type", "application/json");
    headers.set("content-length", length);
    return new Response(text, { ...init, headers });
  };
}

/** An error of a provider. */
export const failing = (status: number, headers: Record<string, string> = {}): Answer =>
  json({ error: { message: `Status ${status}` } }, { status, headers });

/** No connection. */
export const unreachable: Answer = () => {
  throw Object.assign(new TypeError("fetch failed"), { code: "ECONNREFUSED" });
};

/** Never answers. */
export const silent: Answer = () => new Promise(() => {});

/** Ends a stream: it breaks off, or nothing more comes. */
export const cut = Symbol("cut");
export const stall = Symbol("stall");

export interface Streamed {
  contentType?: string;
  /** Told when the body is cancelled. */
  onCancel?: () => void;
}

/** A stream of these chunks. */
export function stream(
  parts: readonly (string | Uint8Array | Promise<unknown> | typeof cut | typeof stall)[],
  { contentType = "text/event-stream", onCancel }: Streamed = {},
): Answer {
  return () => {
    let at = 0;
    const body = new ReadableStream<Uint8Array>({
      async pull(controller) {
        for (;;) {
          const part = parts[at++];
          if (part === undefined) return controller.close();
          if (part === cut) return controller.error(new TypeError("terminated"));
          if (part === stall) return new Promise(() => {});
          if (part instanceof Promise) {
            await part;
            continue;
          }
          const bytes = typeof part === "string" ? new TextEncoder().encode(part) : part;
          return controller.enqueue(bytes as Uint8Array<ArrayBuffer>);
        }
      },
      cancel: onCancel,
    }, { highWaterMark: 0 });
    return new Response(body as BodyInit, { headers: { "content-type": contentType } });
  };
}

const event = (data: unknown) =>
  `data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;

/** Events of OpenAI's chat format. */
export const chat = {
  role: event({ choices: [{ index: 0, delta: { role: "assistant" }, finish_reason: null }] }),
  text: (content: string) =>
    event({ choices: [{ index: 0, delta: { content }, finish_reason: null }] }),
  stop: event({ choices: [{ index: 0, delta: {}, finish_reason: "stop" }] }),
  done: event("[DONE]"),
  error: (error: unknown) => event({ error }),
};

/** A whole stream of them. */
export const whole = [chat.role, chat.text("Hel"), chat.text("lo"), chat.stop, chat.done];
