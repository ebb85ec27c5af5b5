// AWS Signature Version 4 from the specification, to check what arrives at a provider.
import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import type { UpstreamRequest } from "../support/upstream.ts";

interface Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

const sha256 = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
const hmac = (key: string | Uint8Array, text: string) =>
  createHmac("sha256", key).update(text).digest();

/** `encodeURIComponent` plus the characters that it leaves and AWS does not. */
const encode = (text: string) =>
  encodeURIComponent(text).replace(
    /[!'()*]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
  );

/**
 * Checks the signature of a request against what truly arrived.
 *
 * @param host The host that was signed for, when it is another than the one that got the request.
 */
export function assertSigned(
  seen: UpstreamRequest,
  { accessKeyId, secretAccessKey, sessionToken }: Credentials,
  region: string,
  host = String(seen.headers.host),
): void {
  const one = (name: string): string =>
    name === "host" ? host : String(seen.headers[name] ?? `(no ${name})`);
  const [, credential = "", signedHeaders = "", signature] = one("authorization").match(
    /^AWS4-HMAC-SHA256 Credential=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/,
  ) ?? assert.fail(`Not a signature: ${one("authorization")}`);
  const time = one("x-amz-date");
  const scope = `${time.slice(0, 8)}/${region}/bedrock/aws4_request`;
  assert.equal(credential, `${accessKeyId}/${scope}`);
  assert.ok(Math.abs(timeOf(time) - Date.now()) < 60_000, `Signed at ${time}`);
  assert.equal(seen.headers["x-amz-security-token"], sessionToken);

  const names = signedHeaders.split(";");
  const required = Object.keys(seen.headers).filter((name) => name.startsWith("x-amz-"));
  for (const name of ["host", ...required]) {
    assert.ok(names.includes(name), `${name} is not signed`);
  }
  const payload = sha256(seen.body);
  assert.ok([payload, "(no x-amz-content-sha256)"].includes(one("x-amz-content-sha256")));

  const [path = "", query = ""] = seen.target.split("?");
  const canonical = [
    seen.method,
    path.split("/").map(encode).join("/"),
    [...new URLSearchParams(query)].map((pair) => pair.map(encode).join("=")).sort().join("&"),
    ...names.map((name) => `${name}:${one(name).trim().replace(/ +/g, " ")}`),
    "",
    signedHeaders,
    payload,
  ].join("\n");
  const text = ["AWS4-HMAC-SHA256", time, scope, sha256(canonical)].join("\n");
  const signing = scope.split("/").reduce<string | Buffer>(hmac, `AWS4${secretAccessKey}`);
  assert.equal(hmac(signing, text).toString("hex"), signature, `Signature of\n${canonical}`);
}

function timeOf(basic: string): number {
  return Date.parse(basic.replace(/(....)(..)(..)T(..)(..)(..)Z/, "$1-$2-$3T$4:$5:$6Z"));
}
