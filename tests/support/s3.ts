// A stand-in for an S3-compatible store: checks each signature by the specification of AWS Signature
// Version 4 against what truly arrived, and keeps the objects.
import { createHash, createHmac } from "node:crypto";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { gunzipSync } from "node:zlib";

export const s3Keys = {
  accessKeyId: "AKIDEXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRf",
};
export const s3Region = "eu-central-1";

// deno-lint-ignore no-explicit-any
export type Line = any;

export interface S3Double {
  url: string;
  /** By path, in the order of the first arrival. */
  objects: Map<string, Uint8Array>;
  /** Paths of all objects that came, also again. */
  puts: string[];
  /** Why requests were refused. */
  refused: string[];
  /** While set, what is answered instead; the object is not kept. */
  answer: { status: number; body?: string } | undefined;
  /** All lines of all objects. */
  lines(): Line[];
  /** Resolves when the next object was kept. */
  next(): Promise<void>;
  close(): Promise<void>;
}

export async function startS3(): Promise<S3Double> {
  let waiting: (() => void)[] = [];
  const server = http.createServer((req, res) => {
    const parts: Uint8Array[] = [];
    req.on("data", (part: Uint8Array) => parts.push(part));
    req.on("end", () => {
      const body = new Uint8Array(Buffer.concat(parts));
      const wrong = wrongWith(req, body);
      if (wrong !== undefined) {
        double.refused.push(wrong);
        res.statusCode = 403;
        return res.end("<Error><Code>SignatureDoesNotMatch</Code></Error>");
      }
      if (double.answer !== undefined) {
        res.statusCode = double.answer.status;
        return res.end(double.answer.body ?? "");
      }
      double.objects.set(req.url!, body);
      double.puts.push(req.url!);
      res.end();
      for (const wake of waiting.splice(0)) wake();
    });
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const double: S3Double = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects: new Map(),
    puts: [],
    refused: [],
    answer: undefined,
    lines: () => [...double.objects.values()].flatMap(linesOf),
    next: () => new Promise((done) => waiting.push(done)),
    close: () =>
      new Promise((done) => {
        waiting = [];
        server.close(() => done());
        server.closeAllConnections?.();
      }),
  };
  return double;
}

/** Lines of gzipped NDJSON. */
export function linesOf(bytes: Uint8Array): Line[] {
  const text = gunzipSync(bytes).toString("utf8");
  if (!text.endsWith("\n")) throw new Error("The last line has no end");
  return text.slice(0, -1).split("\n").map((line) => JSON.parse(line));
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Uint8Array, text: string): Uint8Array =>
  new Uint8Array(createHmac("sha256", key).update(text).digest());

function wrongWith(req: http.IncomingMessage, body: Uint8Array): string | undefined {
  const { headers, method, url = "" } = req;
  const one = (name: string) => String(headers[name] ?? "");
  if (method !== "PUT") return `${method} is not PUT`;
  const [, credential = "", signedHeaders = "", signature] = one("authorization").match(
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/,
  ) ?? [];
  if (signature === undefined) return `'${one("authorization")}' is no signature`;
  const time = one("x-amz-date");
  const scope = `${time.slice(0, 8)}/${s3Region}/s3/aws4_request`;
  if (credential !== `${s3Keys.accessKeyId}/${scope}`) return `Credential ${credential}`;
  const at = Date.parse(time.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(at - Date.now()) < 900_000)) return `Signed at ${time}`;
  const names = signedHeaders.split(";");
  const required = Object.keys(headers).filter((name) => name.startsWith("x-amz-"));
  for (const name of ["host", ...required]) {
    if (!names.includes(name)) return `${name} is not signed`;
  }
  const hash = one("x-amz-content-sha256");
  if (hash !== sha256(body)) return `The hash of the body is not ${hash}`;
  const [path = "", query = ""] = url.split("?");
  if (query !== "") return "A query";
  const canonical = [
    method,
    path, // as it came: S3 encodes once
    "",
    ...names.map((name) => `${name}:${one(name).trim().replace(/ +/g, " ")}`),
    "",
    signedHeaders,
    hash,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const key = scope.split("/").reduce<string | Uint8Array>(hmac, `AWS4${s3Keys.secretAccessKey}`);
  const expected = createHmac("sha256", key).update(text).digest("hex");
  return expected === signature ? undefined : `Signature of\n${canonical}`;
}
