// Whether a client's stream ends as its format says: an end that was told silently is no end.
import type { ChatFormat } from "../../core/unified/chat.ts";
import { eventsIn, type Json } from "./unified-told.ts";

export type End = "whole" | "error" | "silent";

/** How the bytes that a client got end. */
export function endOf(format: ChatFormat, type: string, bytes: Uint8Array): End {
  const text = new TextDecoder().decode(bytes);
  const events = type.includes("amazon") ? [] : eventsIn(type, bytes);
  const last: Json = events.at(-1);
  switch (format) {
    case "openai-chat":
      if (last?.error !== undefined) return "error";
      return /data: \[DONE\]\s*$/.test(text) ? "whole" : "silent";
    case "openai-responses":
      if (last?.type === "error" || last?.type === "response.failed") return "error";
      return /^response\.(?:completed|incomplete)$/.test(last?.type) ? "whole" : "silent";
    case "anthropic-messages":
      if (last?.type === "error") return "error";
      return last?.type === "message_stop" ? "whole" : "silent";
    case "gemini": {
      if (last?.error !== undefined) return "error";
      const ended = events.some((chunk) =>
        chunk.promptFeedback?.blockReason !== undefined ||
        chunk.candidates?.some((one: Json) => one.finishReason !== undefined)
      );
      return ended ? "whole" : "silent";
    }
    case "cohere-v2":
      if (last?.type !== "message-end") return "silent";
      return last.delta?.finish_reason === "ERROR" || last.delta?.error !== undefined
        ? "error"
        : "whole";
    case "bedrock-converse": {
      // deno-lint-ignore no-control-regex
      const names = [...text.matchAll(/:(event|exception)-type\x07\0.(\w+)/g)];
      if (names.at(-1)?.[1] === "exception") return "error";
      return names.some(([, , name]) => name === "messageStop") ? "whole" : "silent";
    }
  }
}

/** Whether a body is an error as a format has it. */
export function isError(format: ChatFormat, body: Json): boolean {
  switch (format) {
    case "openai-chat":
    case "openai-responses":
      return typeof body?.error?.message === "string" && typeof body.error.type === "string";
    case "anthropic-messages":
      return body?.type === "error" && typeof body.error?.type === "string" &&
        typeof body.error.message === "string";
    case "gemini":
      return typeof body?.error?.code === "number" && typeof body.error.message === "string" &&
        typeof body.error.status === "string";
    default:
      return typeof body?.message === "string";
  }
}

/** A plain request of each format, and where it goes. */
export function plainRequest(format: ChatFormat, model: string, stream: boolean): Request {
  const user = { role: "user", content: "Hi" };
  const bodies: Record<ChatFormat, [path: string, body: Json]> = {
    "openai-chat": ["v1/chat/completions", { model, messages: [user], stream }],
    "openai-responses": ["v1/responses", { model, input: "Hi", stream }],
    "anthropic-messages": ["v1/messages", { model, max_tokens: 100, messages: [user], stream }],
    gemini: [
      `v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
      { contents: [{ role: "user", parts: [{ text: "Hi" }] }] },
    ],
    "cohere-v2": ["v1/acc/default/compat/v2/chat", { model, messages: [user], stream }],
    "bedrock-converse": [
      `v1/acc/default/compat/model/${encodeURIComponent(model)}/converse${stream ? "-stream" : ""}`,
      { messages: [{ role: "user", content: [{ text: "Hi" }] }] },
    ],
  };
  const [path, body] = bodies[format];
  return new Request(`http://gateway.test/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: "Bearer k" },
    body: JSON.stringify(body),
  });
}
