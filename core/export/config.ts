/**
 * Where rows of the log are exported to, as the configuration says it.
 *
 * @module
 */

/** A secret, or the name of the environment variable that holds it. */
export type SecretConfig = string | { env: string };

/** What all exports have. */
export interface AnyExport {
  /** Of lower-case letters, digits, `-` and `_`; an export with another name begins anew. */
  name: string;
  /** Globs over gateway ids; the gateways with `logpush` unless given. */
  gateways?: string[];
  /** Bodies of requests and answers go along, as far as the log kept them; false unless given. */
  bodies?: boolean;
  /** Most bytes of each body; 400,000 unless given, so that a row stays under 1 MB. */
  body_bytes?: number;
  /** Seconds between two looks for new rows; 30 unless given. */
  interval?: number;
  /** Most rows of one batch; 1000 unless given. */
  batch_rows?: number;
  /** Most bytes of one batch before it is compressed, give or take a row; 5 MiB unless given. */
  batch_bytes?: number;
  /** Seconds that one batch may take to be delivered; 15 unless given. */
  timeout?: number;
}

/** One of `exports`. */
export type ExportConfig =
  | AnyExport & {
    to: "s3";
    /** Of the service: `https://s3.eu-central-1.amazonaws.com`; or of the bucket, without `bucket`. */
    url: string;
    /** First segment of the path. */
    bucket?: string;
    /** What keys of objects begin with, such as `sluice/`. */
    prefix?: string;
    /** `auto` unless given, as Cloudflare R2 has it. */
    region?: string;
    /** As in AWS' console, or that of the store. */
    access_key_id: SecretConfig;
    /** Goes with it. */
    secret_access_key: SecretConfig;
    /** Of credentials that end. */
    session_token?: SecretConfig;
  }
  | AnyExport & {
    to: "http";
    /** Takes a POST of gzipped NDJSON. */
    url: string;
    /** Sent with each batch. */
    headers?: Record<string, SecretConfig>;
  }
  | AnyExport & {
    to: "file";
    /** A folder; made where it is not there. */
    path: string;
  };

/** Writes a file whole or not at all, and makes its folder; only where the runtime has a disk. */
export type WriteFile = (path: string, bytes: Uint8Array) => Promise<void>;

/** The secret, without the blanks that files leave around it; nothing where its variable is not set. */
export function secretOf(
  secret: SecretConfig,
  env: Readonly<Record<string, unknown>>,
): string | undefined {
  const value = typeof secret === "string" ? secret : env[secret.env];
  return typeof value === "string" && value.trim() !== "" ? value.trim() : undefined;
}
