/**
 * Where batches go: an S3-compatible store, an HTTP endpoint, a folder. A destination takes a batch whole
 * or rejects; the same batch delivered twice has the same name.
 *
 * @module
 */
import { type ExportConfig, type SecretConfig, secretOf, type WriteFile } from "./config.ts";

/** A batch on its way. */
export interface Parcel {
  /** `<day>/<time>_<id of the first row>`: for objects and files, and for who drops what came before. */
  name: string;
  rows: number;
  /** Gzipped NDJSON. */
  bytes: Uint8Array<ArrayBuffer>;
}

/** Takes a batch; rejects with a {@link DeliveryError}. */
export type Deliver = (parcel: Parcel, signal: AbortSignal) => Promise<void>;

/** What a {@link Deliver} needs. */
export interface DestinationOptions {
  env: Readonly<Record<string, unknown>>;
  fetch: typeof fetch;
  /** None where there is no disk. */
  writeFile: WriteFile | undefined;
}

/** A batch that was not taken; the message holds no secret. */
export class DeliveryError extends Error {
  /** The batch is too large for its destination. */
  readonly tooLarge: boolean;
  constructor(message: string, tooLarge = false) {
    super(message);
    this.tooLarge = tooLarge;
  }
}

/** Throws a {@link DeliveryError} where the destination cannot be used. */
export function destinationOf(config: ExportConfig, options: DestinationOptions): Deliver {
  const secret = (value: SecretConfig) => {
    const found = secretOf(value, options.env);
    if (found !== undefined) return found;
    const name = typeof value === "string" ? "a secret" : `environment variable '${value.env}'`;
    throw new DeliveryError(`Export '${config.name}' has no effect: ${name} is not set`);
  };
  if (config.to === "file") {
    const { writeFile } = options;
    if (writeFile === undefined) {
      throw new DeliveryError(`Export '${config.name}' has no effect: there is no disk here`);
    }
    const folder = config.path.replace(/\/+$/, "");
    return ({ name, bytes }) => writeFile(`${folder}/${name}.ndjson.gz`, bytes);
  }
  if (config.to === "http") {
    const headers = Object.entries(config.headers ?? {})
      .map(([name, value]): [string, string] => [name, secret(value)]);
    return async ({ name, bytes, rows }, signal) => {
      const response = await options.fetch(config.url, {
        method: "POST",
        redirect: "manual",
        headers: {
          "content-type": "application/x-ndjson",
          "content-encoding": "gzip",
          "idempotency-key": `${config.name}/${name}`,
          "sluice-rows": String(rows),
          ...Object.fromEntries(headers),
        },
        body: bytes,
        signal,
      });
      await assertTaken(response);
    };
  }
  return s3(config, options, {
    accessKeyId: secret(config.access_key_id),
    secretAccessKey: secret(config.secret_access_key),
    ...config.session_token !== undefined && { sessionToken: secret(config.session_token) },
  });
}

function s3(
  config: ExportConfig & { to: "s3" },
  { fetch }: DestinationOptions,
  credentials: { accessKeyId: string; secretAccessKey: string; sessionToken?: string },
): Deliver {
  const { bucket, prefix = "", region = "auto" } = config;
  const base = config.url.replace(/\/+$/, "") + (bucket === undefined ? "" : `/${bucket}`);
  return async ({ name, bytes }, signal) => {
    const { AwsV4Signer } = await import("aws4fetch");
    const key = `${prefix}${name}.ndjson.gz`.split("/").map(encodeURIComponent).join("/");
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    const signer = new AwsV4Signer({
      ...credentials,
      method: "PUT",
      url: `${base}/${key}`,
      service: "s3",
      region,
      headers: {
        "content-type": "application/gzip",
        "x-amz-content-sha256": Array.from(hash, (b) => b.toString(16).padStart(2, "0")).join(""),
      },
      body: bytes,
    });
    const { url, headers } = await signer.sign();
    headers.delete("host"); // is the client's to say
    const response = await fetch(String(url), {
      method: "PUT",
      redirect: "manual",
      headers: Object.fromEntries(headers),
      body: bytes,
      signal,
    });
    await assertTaken(response);
  };
}

async function assertTaken(response: Response): Promise<void> {
  const text = (await response.text().catch(() => "")).slice(0, 4096);
  if (response.ok) return;
  // S3's own word, which may say what a status does not: that the clock is wrong, or the signature.
  const code = /<Code>(\w{1,64})<\/Code>/.exec(text)?.[1];
  throw new DeliveryError(
    `status ${response.status}${code === undefined ? "" : ` (${code})`}`,
    response.status === 413 || code === "EntityTooLarge",
  );
}
