/**
 * What people said and models answered, in one form for all formats. The gateway's own readers
 * (`core/unified/codecs`) are exact and forty times as large; here it is enough to show what is there, so
 * each piece is told by its shape, whichever format it is of.
 */
import { type Json, list, object, string, written } from "../../../core/formats/json.ts";

/** A piece of a message. */
export type Piece =
  | { kind: "text" | "reasoning" | "refusal"; text: string }
  /** `arguments` is text, JSON as a rule. */
  | { kind: "call"; id: string; name: string; arguments: string }
  | { kind: "result"; id: string; name: string; pieces: Piece[]; failed: boolean }
  /** `url` is a data URL or an address; `name` what the file is called, or its id at the provider. */
  | {
    kind: "media";
    media: "image" | "audio" | "video" | "document";
    url?: string | undefined;
    name?: string | undefined;
  }
  /** Whatever has no other name. */
  | { kind: "other"; name: string; value: unknown };

type Media = Extract<Piece, { kind: "media" }>["media"];

/** The value as text: JSON unless it is text already. */
export const textOf = (value: unknown): string =>
  typeof value === "string" ? value : written(value);

const text = (kind: "text" | "reasoning" | "refusal", value: unknown): Piece[] =>
  typeof value === "string" && value !== "" ? [{ kind, text: value }] : [];

const call = (id: unknown, name: unknown, args: unknown): Piece[] => [{
  kind: "call",
  id: string(id) ?? "",
  name: string(name) ?? "",
  arguments: args === undefined ? "" : textOf(args),
}];

const result = (id: unknown, name: unknown, content: unknown, failed: boolean): Piece[] => [{
  kind: "result",
  id: string(id) ?? "",
  name: string(name) ?? "",
  pieces: piecesOf(content),
  failed,
}];

/** Pieces of any content: text, a list, one part. */
export function piecesOf(content: unknown): Piece[] {
  if (content === null || content === undefined) return [];
  if (typeof content === "string") return text("text", content);
  if (Array.isArray(content)) return content.flatMap(piecesOf);
  const part = object(content);
  return part === undefined ? text("text", String(content)) : pieceOf(part);
}

/** Pieces of one part, by its type where it has one, else by its members. */
function pieceOf(part: Json): Piece[] {
  const type = string(part.type) ?? "";
  switch (type) {
    case "text":
    case "input_text":
    case "output_text":
    case "summary_text":
      return text("text", part.text);
    case "refusal":
      return text("refusal", part.refusal);
    case "thinking":
      // Mistral has parts in it.
      return Array.isArray(part.thinking)
        ? asReasoning(piecesOf(part.thinking))
        : text("reasoning", part.thinking);
    case "redacted_thinking":
      return [{ kind: "reasoning", text: "…" }];
    case "reasoning":
      return asReasoning([...piecesOf(part.summary), ...piecesOf(part.content)]);
    case "reasoning_text":
      return text("reasoning", part.text);
    case "message":
      return messagePieces(part);
    case "tool_use":
    case "server_tool_use":
    case "mcp_tool_use":
      return call(part.id, part.name, part.input);
    case "function_call":
      return call(part.call_id ?? part.id, part.name, part.arguments);
    case "custom_tool_call":
      return call(part.call_id ?? part.id, part.name, part.input);
    case "function_call_output":
    case "custom_tool_call_output":
      return result(part.call_id, part.name, part.output, false);
    case "function_result":
      return result(part.call_id, part.name, part.result, part.is_error === true);
    case "image_generation_call":
      return typeof part.result === "string"
        ? [{ kind: "media", media: "image", url: `data:image/png;base64,${part.result}` }]
        : [];
  }
  if (type.endsWith("tool_result")) {
    return result(part.tool_use_id, "", part.content, part.is_error === true);
  }
  const media = mediaOf(part, type);
  return media !== undefined ? [media] : untyped(part, type);
}

function untyped(part: Json, type: string): Piece[] {
  if (typeof part.text === "string") {
    return text(part.thought === true ? "reasoning" : "text", part.text);
  }
  const called = object(part.functionCall ?? part.function_call);
  if (called !== undefined) return call(called.id, called.name, called.args ?? {});
  const back = object(part.functionResponse ?? part.function_response);
  if (back !== undefined) return result(back.id, back.name, textOf(back.response), false);
  const use = object(part.toolUse);
  if (use !== undefined) return call(use.toolUseId, use.name, use.input);
  const done = object(part.toolResult);
  if (done !== undefined) return result(done.toolUseId, "", done.content, done.status === "error");
  const thought = object(part.reasoningContent);
  if (thought !== undefined) return text("reasoning", object(thought.reasoningText)?.text ?? "…");
  const code = object(part.executableCode);
  if (code !== undefined) return call("", "code", code.code);
  const outcome = object(part.codeExecutionResult);
  if (outcome !== undefined) return result("", "code", outcome.output, false);
  if (part.json !== undefined) return text("text", textOf(part.json));
  const cited = object(part.citationsContent);
  if (cited !== undefined) return piecesOf(cited.content);
  const names = Object.keys(part);
  if (part.cachePoint !== undefined || names.every((name) => /signature/i.test(name))) return [];
  return [{ kind: "other", name: type || names[0]!, value: part }];
}

/** A message of the formats that put calls and thoughts beside the content. */
export function messagePieces(message: Json): Piece[] {
  const thoughts = message.reasoning_content ?? message.reasoning ?? message.thinking;
  const calls = [...list(message.tool_calls), ...list([message.function_call].filter(Boolean))];
  const audio = object(message.audio);
  return [
    ...typeof thoughts === "string" ? text("reasoning", thoughts) : [],
    ...text("text", message.tool_plan),
    ...piecesOf(message.content),
    ...text("refusal", message.refusal),
    ...piecesOf(message.images),
    ...audio === undefined ? [] : [
      ...typeof audio.data === "string"
        ? [media("audio", `data:audio/wav;base64,${audio.data}`)]
        : [],
      ...text("text", audio.transcript),
    ],
    ...calls.flatMap((value) => {
      const one = object(value) ?? {};
      const told = object(one.function) ?? object(one.custom) ?? one;
      return call(one.id, told.name, told.arguments ?? told.input ?? told.parameters);
    }),
  ];
}

/** Models without a place of their own for thoughts put them in front of the text. */
export function thoughtApart(pieces: readonly Piece[]): Piece[] {
  return pieces.flatMap((piece): Piece[] => {
    const [whole, thought = ""] = piece.kind === "text"
      ? /^\s*<think>([^]*?)(?:<\/think>|$)/.exec(piece.text) ?? []
      : [];
    if (whole === undefined || piece.kind !== "text") return [piece];
    const rest = piece.text.slice(whole.length);
    return [...text("reasoning", thought), ...text("text", rest.trimStart())];
  });
}

function asReasoning(pieces: readonly Piece[]): Piece[] {
  return pieces.map((piece) => piece.kind === "text" ? { ...piece, kind: "reasoning" } : piece);
}

const media = (
  kind: Media,
  url: string | undefined,
  name?: unknown,
): Extract<Piece, { kind: "media" }> => ({ kind: "media", media: kind, url, name: string(name) });

function mediaOf(part: Json, type: string): Piece | undefined {
  const inline = object(part.inlineData ?? part.inline_data);
  if (inline !== undefined) {
    const mime = string(inline.mimeType ?? inline.mime_type) ?? "application/octet-stream";
    return media(kindOf(mime), `data:${mime};base64,${textOf(inline.data)}`);
  }
  const stored = object(part.fileData ?? part.file_data);
  if (stored !== undefined) {
    const mime = string(stored.mimeType ?? stored.mime_type) ?? "";
    return media(kindOf(mime), undefined, stored.fileUri ?? stored.file_uri);
  }
  for (const kind of ["image", "document", "video", "audio"] as const) {
    const found = object(part[kind]); // Bedrock
    if (type !== "" || found === undefined) continue;
    const bytes = object(found.source)?.bytes;
    const mime = kind === "document" ? `application/${found.format}` : `${kind}/${found.format}`;
    return media(
      kind,
      typeof bytes === "string" ? `data:${mime};base64,${bytes}` : undefined,
      found.name,
    );
  }
  if (/image_url|input_image/.test(type)) {
    const url = object(part.image_url)?.url ?? part.image_url;
    return media("image", string(url), part.file_id);
  }
  const audio = object(part.input_audio);
  if (audio !== undefined) {
    const url = string(audio.url) ?? `data:audio/${audio.format ?? "wav"};base64,${audio.data}`;
    return media("audio", url);
  }
  if (type === "video_url") return media("video", string(object(part.video_url)?.url));
  if (type === "file" || type === "input_file") {
    const file = object(part.file) ?? part;
    const url = string(file.file_data ?? file.file_url);
    return media("document", url, file.filename ?? file.file_id);
  }
  const source = object(part.source);
  if (source !== undefined && /^(?:image|document|video|audio)$/.test(type)) {
    const mime = string(source.media_type) ?? "application/octet-stream";
    const url = source.type === "base64"
      ? `data:${mime};base64,${textOf(source.data)}`
      : string(source.url) ??
        (source.type === "text"
          ? `data:text/plain,${encodeURIComponent(textOf(source.data))}`
          : undefined);
    return media(type as Media, url, part.title ?? source.file_id);
  }
  if (/^(?:image|document|video|audio)$/.test(type) && typeof part.data === "string") {
    const mime = string(part.mime_type) ?? `${type}/png`;
    return media(type as Media, `data:${mime};base64,${part.data}`);
  }
  return undefined;
}

function kindOf(mime: string): Media {
  return /^(image|audio|video)\//.exec(mime)?.[1] as Media | undefined ?? "document";
}
