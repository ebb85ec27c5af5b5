// Recorded provider traffic: reading a case, and replaying its answer.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";

export interface Fixture {
  name: string;
  /** The folder: the provider that the case was recorded from. */
  provider: string;
  method: string;
  url: string;
  status: number;
  requestHeaders: Record<string, string>;
  requestBody: Buffer | undefined;
  responseHeaders: Record<string, string>;
  responseBody: Buffer;
}

const folder = fileURLToPath(new URL("../fixtures/", import.meta.url));

// These describe the recorded connection, or a body that was decoded since.
const ofTheConnection = new Set([
  "date",
  "connection",
  "keep-alive",
  "transfer-encoding",
  "content-length",
  "content-encoding",
  "trailer",
  "upgrade",
]);

// For the few cases that were recorded without headers.
const typeOf: Record<string, string> = {
  bin: "application/octet-stream",
  html: "text/html",
  json: "application/json",
  ndjson: "application/x-ndjson",
  sse: "text/event-stream",
  txt: "text/plain",
};

const bodyFiles = [
  "response.eventstream.bin",
  ...["bin", "sse", "ndjson", "json", "txt", "html"].map((ending) => `response.${ending}`),
];

export function loadFixture(name: string): Fixture {
  const read = (file: string) => readFileSync(`${folder}${name}/${file}`);
  const has = (file: string) => existsSync(`${folder}${name}/${file}`);
  const meta = JSON.parse(read("meta.json").toString());
  const bodyFile = bodyFiles.find(has);
  if (!bodyFile) throw new Error(`"${name}" has no recorded bytes of an answer`);
  const requestFile = ["request.body", "request.json"].find(has);
  const ending = bodyFile.slice(bodyFile.lastIndexOf(".") + 1);
  return {
    name,
    provider: name.replace(/\/.*/, ""),
    method: meta.method,
    // Recorders put their placeholders in angle brackets.
    url: meta.url.replace("<AWS_REGION>", "us-east-1").replace("<GOOGLE_CLOUD_LOCATION>", "global")
      .replace(/\/locations\/(?:L|REDACTED)\//, "/locations/us-central1/").replace(/[<>]/g, ""),
    status: meta.status,
    requestHeaders: meta.request_headers ?? {},
    requestBody: requestFile === undefined ? undefined : read(requestFile),
    responseHeaders: { "content-type": typeOf[ending]!, ...meta.response_headers },
    responseBody: read(bodyFile),
  };
}

export function fixtureNames(): string[] {
  const folders = (path: string) =>
    readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return folders(folder).flatMap((provider) =>
    folders(`${folder}${provider.name}`).map((entry) => `${provider.name}/${entry.name}`)
  ).sort();
}

/** The recorded headers that an answer of any connection may carry. */
export function replayHeaders(fixture: Fixture): Record<string, string> {
  return Object.fromEntries(
    Object.entries(fixture.responseHeaders).filter(([name]) =>
      !ofTheConnection.has(name.toLowerCase())
    ),
  );
}

/** Answers with the recording, split at the byte offsets `cuts`; each piece is a write of its own. */
export async function replay(
  res: ServerResponse,
  fixture: Fixture,
  options: { cuts?: number[] } = {},
): Promise<void> {
  res.writeHead(fixture.status, replayHeaders(fixture));
  res.socket?.setNoDelay(true);
  const cuts = [0, ...(options.cuts ?? []), fixture.responseBody.length];
  for (let index = 1; index < cuts.length; index++) {
    const piece = fixture.responseBody.subarray(cuts[index - 1], cuts[index]);
    if (piece.length) await new Promise((resolve) => res.write(piece, resolve));
  }
  res.end();
}
