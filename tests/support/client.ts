// A client that shows what was on the wire: nothing decoded, followed or normalised.
import http from "node:http";
import net from "node:net";

export interface Answer {
  status: number;
  headers: http.IncomingHttpHeaders;
  rawHeaders: string[];
  body: Buffer;
}

export interface SendOptions {
  method?: string;
  headers?: http.OutgoingHttpHeaders;
  body?: Buffer | string;
  signal?: AbortSignal;
}

const idleLimit = 30_000;

/** Sends a request; `path` goes out as it is written. */
export function request(base: string, path: string, options: SendOptions = {}): http.ClientRequest {
  const { hostname, port } = new URL(base);
  const req = http.request({
    host: hostname,
    port,
    path,
    method: options.method ?? "GET",
    headers: options.headers,
    signal: options.signal,
    // A connection per request: no test can disturb the next one.
    agent: false,
  });
  // A test that waits for nothing fails by name, not by the runner's limit.
  req.setTimeout(idleLimit, () => req.destroy(new Error(`Nothing came for ${idleLimit} ms`)));
  return req;
}

/** The answer once its headers came; the body is left to the caller. */
export function open(
  base: string,
  path: string,
  options: SendOptions = {},
): Promise<http.IncomingMessage> {
  const req = request(base, path, options);
  const answer = answerOf(req);
  req.end(options.body);
  return answer;
}

export function answerOf(req: http.ClientRequest): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    req.on("response", resolve);
    req.on("error", reject);
  });
}

/** The whole answer; rejects when it was cut short. */
export async function send(base: string, path: string, options: SendOptions = {}): Promise<Answer> {
  return await readAll(await open(base, path, options));
}

export async function readAll(answer: http.IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  for await (const part of answer) parts.push(part);
  if (!answer.complete) throw new Error("The answer was cut short");
  return {
    status: answer.statusCode!,
    headers: answer.headers,
    rawHeaders: answer.rawHeaders,
    body: Buffer.concat(parts),
  };
}

/** Reads on until `count` bytes came. */
export async function readBytes(answer: http.IncomingMessage, count: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  while (length < count) {
    const part: Buffer | null = answer.read(Math.min(count - length, answer.readableLength) || 1);
    if (part) {
      parts.push(part);
      length += part.length;
      continue;
    }
    await new Promise<void>((resolve, reject) => {
      const off = () => {
        answer.off("readable", onReadable).off("end", onEnd).off("error", onError);
      };
      const onReadable = () => (off(), resolve());
      const onEnd = () => (off(), reject(new Error(`The answer ended after ${length} bytes`)));
      const onError = (error: Error) => (off(), reject(error));
      answer.on("readable", onReadable).on("end", onEnd).on("error", onError);
    });
  }
  return Buffer.concat(parts);
}

export interface RawAnswer {
  /** 0 when the connection closed without an answer. */
  status: number;
  text: string;
}

/** Writes bytes to a fresh connection and reads until the first answer is whole or it closes. */
export function sendRaw(base: string, bytes: string | Buffer): Promise<RawAnswer> {
  const { hostname, port } = new URL(base);
  return new Promise((resolve) => {
    const socket = net.connect(Number(port), hostname);
    let text = "";
    const done = () => {
      socket.destroy();
      resolve({ status: Number(text.match(/^HTTP\/1\.[01] (\d{3})/)?.[1] ?? 0), text });
    };
    socket.on("connect", () => socket.write(bytes));
    socket.on("data", (part) => {
      text += part.toString("latin1");
      if (isWhole(text)) done();
    });
    socket.on("end", done);
    socket.on("error", done);
  });
}

/** Enough of HTTP/1.1 to know that a short answer is complete. */
function isWhole(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = text.slice(0, end);
  const body = text.slice(end + 4);
  const length = head.match(/\r\ncontent-length: *(\d+)/i)?.[1];
  if (length !== undefined) return body.length >= Number(length);
  if (/\r\ntransfer-encoding: *chunked/i.test(head)) {
    return /(?:^|\r\n)0\r\n(?:[^\r\n]+\r\n)*\r\n$/.test(body);
  }
  return /^HTTP\/1\.[01] (204|304)/.test(head);
}

/** Rejects when `promise` takes longer than any working gateway would. */
export async function within<T>(
  milliseconds: number,
  what: string,
  promise: Promise<T>,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(new Error(`${what} took over ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
