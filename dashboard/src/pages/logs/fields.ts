/** What rows can be filtered by, and with what. */
import type { Operator } from "./query.ts";
import type { Row } from "./row.ts";
import type { Name } from "./words.ts";

export type FieldKind = "text" | "number" | "yes" | "choice" | "key" | "entry";

export interface Field {
  key: string;
  kind: FieldKind;
  group: "what" | "how" | "cost" | "who" | "more";
  /** Of `choice`; what is said of each is in the words, below the field's name. */
  choices?: readonly string[];
  /** Where values to suggest are. */
  from?: keyof Row;
  /** What is counted. */
  unit?: Name;
}

const yes = (key: string, group: Field["group"]): Field => ({ key, kind: "yes", group });
const number = (key: string, group: Field["group"], unit?: Name): Field => ({
  key,
  kind: "number",
  group,
  ...unit && { unit },
});
const text = (key: string, group: Field["group"], from?: keyof Row): Field => ({
  key,
  kind: "text",
  group,
  ...from && { from },
});
const choice = (key: string, group: Field["group"], choices: readonly string[]): Field => ({
  key,
  kind: "choice",
  group,
  choices,
});

/** All that the API knows but `wholesale` and `dlp_action`, which are the same on every row. */
export const fields: readonly Field[] = [
  text("provider", "what", "provider"),
  text("model", "what", "model"),
  choice("model_type", "what", [
    ...["chat", "completion", "embeddings", "image", "audio", "video", "rerank", "moderation"],
    ...["count_tokens", "other"],
  ]),
  choice("request_type", "what", ["native", "compat", "universal", "binding", "websocket"]),
  text("path", "what", "path"),
  yes("success", "how"),
  number("status_code", "how"),
  choice("end", "how", [
    ...["complete", "upstream_cut", "stalled", "client_abort", "guard_stop", "error"],
  ]),
  yes("cached", "how"),
  number("duration", "how", "unit.ms"),
  number("step", "how"),
  choice("feedback", "how", ["1", "-1", ""]),
  number("cost", "cost", "unit.dollars"),
  number("tokens", "cost"),
  number("tokens_in", "cost"),
  number("tokens_out", "cost"),
  choice("usage_quality", "cost", ["reported", "estimated"]),
  { key: "metadata", kind: "entry", group: "who" },
  { key: "key_id", kind: "key", group: "who" },
  yes("authentication", "who"),
  text("user_agent", "who", "user_agent"),
  text("event_id", "more", "event_id"),
  text("id", "more"),
  yes("compatibilityMode", "more"),
  text("request_content_type", "more", "request_content_type"),
  text("response_content_type", "more", "response_content_type"),
];

/** The field of a chip; one that the page has no words for is shown by its own name. */
export function fieldOf(key: string): Field {
  const name = key.startsWith("metadata.") ? "metadata" : key;
  return fields.find((field) => field.key === name) ?? { key, kind: "text", group: "more" };
}

export function operatorsOf({ kind }: Field): readonly Operator[] {
  switch (kind) {
    case "number":
      return ["gt", "lt", "eq", "neq"];
    case "yes":
    case "key":
    case "choice":
      return ["eq", "neq"];
    default:
      return ["eq", "contains", "neq"];
  }
}
