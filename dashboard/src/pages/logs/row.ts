/** A row of the log as the API has it, and what is said of it in a line. */

export interface Row {
  id: string;
  event_id: string;
  request_id: string;
  /** RFC 3339. */
  created_at: string;
  provider: string;
  model: string;
  model_type: string;
  path: string;
  method: string;
  request_type: string;
  request_content_type: string;
  response_content_type: string;
  status_code: number;
  success: boolean;
  cached: boolean;
  step: number;
  attempt: number;
  /** Milliseconds. */
  duration: number;
  timings: {
    total: number;
    latency: number;
    first_byte: number | null;
    first_token: number | null;
  };
  streamed: boolean;
  end: string;
  finish_reason: string | null;
  tokens_in: number | null;
  tokens_out: number | null;
  usage_metadata: Record<string, number | Record<string, number> | null> | null;
  usage_quality: "reported" | "estimated" | null;
  cost: number | null;
  cost_parts: (Record<string, number> & { source: string }) | null;
  custom_cost: boolean;
  /** JSON. */
  metadata: string | null;
  feedback: -1 | 1 | null;
  score: number | null;
  authentication: boolean;
  byok_alias: string | null;
  compatibilityMode: boolean;
  dropped?: string[] | null;
  user_agent: string;
  key_id: string | null;
  error: { code: number | string | null; message: string } | null;
  /** Bytes; only of a row alone. */
  request_size?: number | null;
  response_size?: number | null;
}

/** The row's path in the API, behind `ai-gateway`. */
export function logsPath(gateway: string, id = ""): string {
  return `/gateways/${encodeURIComponent(gateway)}/logs${id && `/${encodeURIComponent(id)}`}`;
}

/** The entries of the metadata. */
export function metadataOf({ metadata }: Row): [string, string][] {
  try {
    const found = JSON.parse(metadata ?? "{}") as Record<string, unknown>;
    return Object.entries(found).map(([name, value]) => [name, String(value)]);
  } catch {
    return [];
  }
}

/** Without the provider in front, which stands beside it. */
export function modelName({ model, provider }: Pick<Row, "model" | "provider">): string {
  return model.startsWith(`${provider}/`) ? model.slice(provider.length + 1) : model;
}

/** Tokens of output in a second of streaming; nothing where it cannot be told. */
export function speedOf({ tokens_out, timings: { total, first_token } }: Row): number | undefined {
  const ms = total - (first_token ?? total);
  return tokens_out !== null && ms > 50 ? tokens_out / ms * 1000 : undefined;
}

/** How it went, for a colour: `warn` is a 2xx whose answer did not come to its end. */
export function outcomeOf({ success, status_code, end }: Row): "good" | "warn" | "bad" {
  if (success) return "good";
  return status_code >= 200 && status_code < 300 && end !== "error" ? "warn" : "bad";
}
