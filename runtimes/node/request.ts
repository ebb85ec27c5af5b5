/**
 * A Web `Request` over Node's own, made of the parts that somebody asks for.
 *
 * @module
 */
import type { IncomingMessage, ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { NodeHeaders } from "./headers.ts";

/** The client's request. `incoming` and `outgoing` let the transport work on Node's streams. */
export class NodeRequest {
  readonly incoming: IncomingMessage;
  readonly outgoing: ServerResponse;
  readonly method: string;
  readonly url: string;
  #headers: NodeHeaders | undefined;
  #abort: AbortController | undefined;
  #web: Request | undefined;

  constructor(incoming: IncomingMessage, outgoing: ServerResponse) {
    this.incoming = incoming;
    this.outgoing = outgoing;
    this.method = incoming.method ?? "GET";
    // The raw target: a parsed URL would hide dot segments from the check that refuses them.
    const target = incoming.url ?? "/";
    this.url = target.startsWith("/") ? `http://${hostOf(incoming)}${target}` : target;
  }

  get headers(): Headers {
    return this.#headers ??= new NodeHeaders(this.incoming.headers);
  }

  /** Aborted when the client leaves before the answer is out. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = this.#abort = new AbortController();
      const { outgoing } = this;
      const gone = () => outgoing.writableFinished || abort.abort();
      if (outgoing.closed) gone();
      else outgoing.once("close", gone);
    }
    return this.#abort.signal;
  }

  get body(): ReadableStream<Uint8Array<ArrayBuffer>> | null {
    return this.#native.body;
  }

  get bodyUsed(): boolean {
    return this.#web?.bodyUsed ?? this.incoming.readableDidRead;
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const { buffer, byteOffset, byteLength } = await this.bytes();
    return buffer.slice(byteOffset, byteOffset + byteLength);
  }

  bytes(): Promise<Uint8Array<ArrayBuffer>> {
    if (this.#web !== undefined) return this.#web.bytes();
    if (this.bodyUsed) return Promise.reject(new TypeError("The body has already been read"));
    const { incoming } = this;
    // Not `for await`: its iterator costs more than the rest of the reading.
    return new Promise((resolve, reject) => {
      const chunks: Buffer<ArrayBuffer>[] = [];
      incoming.on("data", (chunk) => chunks.push(chunk));
      incoming.once("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)));
      incoming.once("error", reject);
      incoming.once("close", () => incoming.complete || reject(new Error("The client left")));
    });
  }

  async text(): Promise<string> {
    return new TextDecoder().decode(await this.bytes());
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text());
  }

  blob(): Promise<Blob> {
    return this.#native.blob();
  }

  formData(): Promise<FormData> {
    return this.#native.formData();
  }

  clone(): Request {
    return this.#native.clone();
  }

  /** What `console.log` shows; headers and query may hold keys. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return `NodeRequest { method: ${this.method} }`;
  }

  /** The platform's own, for what is not worth writing twice. */
  get #native(): Request {
    if (this.#web === undefined) {
      if (this.incoming.readableDidRead) throw new TypeError("The body has already been read");
      const hasBody = this.method !== "GET" && this.method !== "HEAD";
      const init: RequestInit & { duplex: "half" } = {
        method: this.method,
        headers: [...this.headers],
        signal: this.signal,
        duplex: "half",
        ...hasBody && { body: Readable.toWeb(this.incoming) as ReadableStream },
      };
      this.#web = new Request(this.url, init);
    }
    return this.#web;
  }
}

// `instanceof Request` holds. The constructor `Request` wants a platform's own: give it `clone()`.
Object.setPrototypeOf(NodeRequest.prototype, Request.prototype);

/** The `Host` header where it is one; with a slash in it, it would become part of the path. */
function hostOf(incoming: IncomingMessage): string {
  const { host } = incoming.headers;
  return host !== undefined && /^[\w.:[\]-]+$/.test(host) ? host : "gateway";
}
