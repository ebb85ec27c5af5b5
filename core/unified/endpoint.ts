/**
 * What is asked of the unified API, and in whose format.
 *
 * @module
 */
import { Code, GatewayError } from "../error.ts";
import { shown } from "../nearest.ts";
import type { ChatFormat } from "./chat.ts";

/** In which shape a client reads errors. */
export type ErrorFormat = ChatFormat;

/** An endpoint of the unified API. */
export interface Endpoint {
  /** `chat`, or what else it does. */
  operation: Operation;
  /** Of the client: of its chats, and of its errors everywhere. */
  format: ChatFormat;
  /** Model in the path. */
  model?: string;
  /** A stream by the path. */
  stream?: boolean;
  /** What follows, such as the id of a stored response. */
  rest?: string;
}

/** What an endpoint does. */
export type Operation =
  | "chat"
  | "count_tokens"
  | "completions"
  | "embeddings"
  | "images/generations"
  | "images/edits"
  | "audio/speech"
  | "audio/transcriptions"
  | "audio/translations"
  | "rerank"
  | "moderations"
  | "models"
  | "stored_response";

const plain: Readonly<Record<string, Endpoint>> = {
  "chat/completions": { operation: "chat", format: "openai-chat" },
  "responses": { operation: "chat", format: "openai-responses" },
  "responses/input_tokens": { operation: "count_tokens", format: "openai-responses" },
  "messages": { operation: "chat", format: "anthropic-messages" },
  "messages/count_tokens": { operation: "count_tokens", format: "anthropic-messages" },
  "v2/chat": { operation: "chat", format: "cohere-v2" },
  "v2/embed": { operation: "embeddings", format: "cohere-v2" },
  "v2/rerank": { operation: "rerank", format: "cohere-v2" },
  "completions": { operation: "completions", format: "openai-chat" },
  "embeddings": { operation: "embeddings", format: "openai-chat" },
  "images/generations": { operation: "images/generations", format: "openai-chat" },
  "images/edits": { operation: "images/edits", format: "openai-chat" },
  "audio/speech": { operation: "audio/speech", format: "openai-chat" },
  "audio/transcriptions": { operation: "audio/transcriptions", format: "openai-chat" },
  "audio/translations": { operation: "audio/translations", format: "openai-chat" },
  "rerank": { operation: "rerank", format: "openai-chat" },
  "moderations": { operation: "moderations", format: "openai-chat" },
};

/** Methods of Google's models. */
export const methods: Readonly<Record<string, Pick<Endpoint, "operation" | "stream">>> = {
  generateContent: { operation: "chat", stream: false },
  streamGenerateContent: { operation: "chat", stream: true },
  countTokens: { operation: "count_tokens" },
  embedContent: { operation: "embeddings" },
  batchEmbedContents: { operation: "embeddings" },
};

/**
 * The endpoint of a path. Which of the shapes a list of models has, OpenAI's, Anthropic's or Google's, is
 * told by the headers and the path.
 */
export function endpointOf(path: string, headers: Headers): Endpoint | undefined {
  if (Object.hasOwn(plain, path)) return plain[path];
  const google = /^(v1beta|v1alpha)(?:\/|$)/.test(path);
  const rest = google ? path.slice(path.indexOf("/") + 1) : path;
  // The AI SDK leaves `models/` out before a name that has a slash.
  const named = google ? /^(?:models\/|tunedModels\/)?(.+):(\w+)$/ : /^models\/(.+):(\w+)$/;
  const [, model, method = ""] = named.exec(rest) ?? [];
  if (model !== undefined && Object.hasOwn(methods, method)) {
    return { ...methods[method]!, format: "gemini", model: decoded(model), rest: method };
  }
  const [, id, converse] = /^model\/([^/]+)\/(converse|converse-stream)$/.exec(path) ?? [];
  if (id !== undefined) {
    const stream = converse === "converse-stream";
    return { operation: "chat", format: "bedrock-converse", model: decoded(id), stream };
  }
  if (rest === "models" || rest.startsWith("models/")) {
    const format = google
      ? "gemini"
      : headers.has("anthropic-version")
      ? "anthropic-messages"
      : "openai-chat";
    const name = rest.slice("models/".length);
    return { operation: "models", format, ...name !== "" && { model: decoded(name) } };
  }
  if (path.startsWith("responses/")) {
    return { operation: "stored_response", format: "openai-responses", rest: path.slice(10) };
  }
  return undefined;
}

/** In whose format a client reads errors, also of a path that is no endpoint. */
export function errorFormatOf(path: string, headers: Headers): ErrorFormat {
  const format = endpointOf(path, headers)?.format;
  if (format !== undefined) return format;
  if (/^(?:upload\/)?v1(?:beta|alpha)\//.test(path)) return "gemini";
  return headers.has("anthropic-version") ? "anthropic-messages" : "openai-chat";
}

/** The endpoint, or a 404. */
export function endpointAt(path: string, headers: Headers): Endpoint {
  const endpoint = endpointOf(path, headers);
  if (endpoint === undefined) throw noEndpoint(path, headers);
  return endpoint;
}

/** Whose own API has what clients of a format ask for besides. */
const natives: Readonly<Record<ErrorFormat, string>> = {
  "openai-chat": "openai",
  "openai-responses": "openai",
  "anthropic-messages": "anthropic/v1",
  gemini: "google-ai-studio",
  "bedrock-converse": "aws-bedrock/bedrock-runtime/{region}",
  "cohere-v2": "cohere",
};

/** A 404 that says what there is, and where else it may be. */
export function noEndpoint(path: string, headers: Headers): GatewayError {
  const native = natives[errorFormatOf(path, headers)];
  return new GatewayError(
    404,
    Code.unknownRoute,
    `The unified API has no endpoint '${shown(path)}'; it has ${Object.keys(plain).join(", ")}, ` +
      "models, and v1beta/models/{model}:generateContent. What names no model, such as files and " +
      "batches, is for a provider's own API: " +
      `/v1/{account}/{gateway}/{provider}/..., such as /v1/default/default/${native}/${
        shown(path)
      }`,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
