/** Conversations as OpenAI's format has them, which the unified API takes for every model. */
import type { Answer } from "../../read/answer.ts";
import type { Piece } from "../../read/pieces.ts";
import { object } from "../../../../core/formats/json.ts";

export interface Picture {
  name: string;
  /** A data URL. */
  url: string;
}

export type Message = { role: "system" | "user" | "assistant" | "tool" } & Record<string, unknown>;

export type Call = Extract<Piece, { kind: "call" }>;

export function userMessage(text: string, pictures: readonly Picture[]): Message {
  if (pictures.length === 0) return { role: "user", content: text };
  return {
    role: "user",
    content: [
      ...text === "" ? [] : [{ type: "text", text }],
      ...pictures.map(({ url }) => ({ type: "image_url", image_url: { url } })),
    ],
  };
}

export const piecesIn = ({ choices }: Answer): Piece[] => choices[0]?.pieces ?? [];

export const callsIn = (answer: Answer): Call[] =>
  piecesIn(answer).filter((piece) => piece.kind === "call");

/** The answer as the next request has it; thoughts stay behind. */
export function assistantMessage(answer: Answer): Message {
  const text = piecesIn(answer).flatMap((piece) => piece.kind === "text" ? [piece.text] : []);
  const calls = callsIn(answer).map(({ id, name, arguments: args }, i) => ({
    id: id || `call_${i}`,
    type: "function",
    function: { name, arguments: args },
  }));
  return {
    role: "assistant",
    content: text.join("\n\n") || null,
    ...calls.length > 0 && { tool_calls: calls },
  };
}

export const resultMessages = (answer: Answer, results: readonly string[]): Message[] =>
  callsIn(answer).map(({ id }, i) => ({
    role: "tool",
    tool_call_id: id || `call_${i}`,
    content: results[i] ?? "",
  }));

/**
 * Tools as they were typed: a list, or one of them, each a whole tool or only its function. Throws an `Error`
 * that says what is wrong.
 */
export function toolsFrom(text: string): unknown[] | undefined {
  if (text.trim() === "") return undefined;
  const given = [JSON.parse(text) as unknown].flat();
  return given.map((value) => {
    const tool = object(value);
    const declared = object(tool?.function) ?? tool;
    if (typeof declared?.name !== "string" && typeof tool?.type !== "string") {
      throw new Error("name?");
    }
    return typeof tool?.type === "string" ? tool : { type: "function", function: declared };
  });
}

/** What a tool looks like. */
export const exampleTools = JSON.stringify(
  [{
    type: "function",
    function: {
      name: "get_weather",
      description: "The weather in a city",
      parameters: {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
      },
    },
  }],
  null,
  2,
);
