/**
 * A logged request for the unified API: there it is asked in its own format, so that nothing of it is lost
 * that the other model could take.
 */
import { object } from "../../../../core/formats/json.ts";
import type { Row } from "./row.ts";

export type Format = "chat" | "responses" | "messages" | "gemini" | "bedrock" | "cohere";

type Body = Record<string, unknown>;

/** The format of a chat; nothing for what is none. */
export function formatOf({ path, model_type }: Row, json: unknown): Format | undefined {
  const body = object(json);
  if (body === undefined) return undefined;
  if (/:(?:streamG|g)enerateContent$/.test(path)) return "gemini";
  if (/\/converse(?:-stream)?$/.test(path)) return "bedrock";
  if (/\/responses$/.test(path)) return "responses";
  if (/\/messages$/.test(path) || body["anthropic_version"] !== undefined) return "messages";
  if (/\/v2\/chat$/.test(path)) return "cohere";
  return model_type === "chat" && Array.isArray(body["messages"]) ? "chat" : undefined;
}

/** Path below the unified API, and body, for a stream of another model's answer. */
export function requestTo(
  model: string,
  format: Format,
  json: unknown,
): [path: string, body: Body] {
  const { anthropic_version: _, ...body } = object(json) ?? {};
  const name = encodeURIComponent(model);
  switch (format) {
    case "gemini":
      return [`v1beta/models/${name}:streamGenerateContent?alt=sse`, body];
    case "bedrock":
      return [`model/${name}/converse-stream`, body];
    case "chat":
      return ["chat/completions", {
        ...body,
        model,
        stream: true,
        stream_options: { include_usage: true },
      }];
    default:
      return [{ responses: "responses", messages: "messages", cohere: "v2/chat" }[format], {
        ...body,
        model,
        stream: true,
      }];
  }
}
