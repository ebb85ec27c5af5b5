/** The body of an answer that is not a stream, as people see it. */
import { type Json, list, object, string } from "../../../core/formats/json.ts";
import { messagePieces, type Piece, piecesOf, textOf, thoughtApart } from "./pieces.ts";

/** One of the answers; most requests ask for one. */
export interface Choice {
  pieces: Piece[];
  /** The provider's own word for why it ended. */
  finish?: string | undefined;
}

export interface Answer {
  model?: string | undefined;
  choices: Choice[];
  /** What went wrong, in the provider's words. */
  error?: string | undefined;
}

/** Reads a body that has been parsed. */
export function answerOf(body: unknown): Answer {
  if (Array.isArray(body)) return listed(body);
  const json = object(body) ?? {};
  const error = faultOf(json);
  return {
    model: string(json.model ?? json.modelVersion),
    choices: choicesOf(json).filter(({ pieces, finish }) => pieces.length > 0 || finish)
      .map(({ pieces, finish }) => ({ pieces: thoughtApart(pieces), finish })),
    ...error !== undefined && { error },
  };
}

/** Google's streams may be one list; some providers answer with a list of texts. */
function listed(body: readonly unknown[]): Answer {
  const answers = body.filter((one) => object(one) !== undefined).map(answerOf);
  const joined: Answer = { choices: [] };
  for (const { model, choices, error } of answers) {
    joined.model ??= model;
    joined.error ??= error;
    for (const [i, choice] of choices.entries()) {
      const into = joined.choices[i] ??= { pieces: [] };
      into.pieces = grown(into.pieces, choice.pieces);
      into.finish = choice.finish ?? into.finish;
    }
  }
  return joined;
}

/** Pieces with more behind them: text goes on in the same piece. */
export function grown(pieces: readonly Piece[], more: readonly Piece[]): Piece[] {
  const all = [...pieces];
  for (const piece of more) {
    const last = all.at(-1);
    if (last !== undefined && "text" in last && "text" in piece && last.kind === piece.kind) {
      all[all.length - 1] = { ...last, text: last.text + piece.text };
    } else all.push(piece);
  }
  return all;
}

/** The message of an error in any of the formats. */
export function faultOf(json: Json): string | undefined {
  const error = json.error ?? list(json.errors)[0];
  if (error !== undefined && error !== null) {
    return typeof error === "string" ? error : string(object(error)?.message) ?? textOf(error);
  }
  const isMessage = json.type !== "message" && json.choices === undefined;
  return isMessage && typeof json.message === "string" ? json.message : undefined;
}

function choicesOf(json: Json): Choice[] {
  const candidates = list(json.candidates); // Gemini
  if (candidates.length > 0) {
    return candidates.map((value) => {
      const one = object(value) ?? {};
      const pieces = piecesOf(object(one.content)?.parts);
      return { pieces: grown([], pieces), finish: string(one.finishReason) };
    });
  }
  const choices = list(json.choices);
  if (choices.length > 0) {
    return choices.map((value) => {
      const one = object(value) ?? {};
      const message = object(one.message) ?? object(one.delta);
      const pieces = message === undefined ? piecesOf(one.text) : messagePieces(message);
      return { pieces, finish: string(one.finish_reason) };
    });
  }
  const output = object(json.output);
  if (object(output?.message) !== undefined) { // Bedrock
    return [{
      pieces: piecesOf(object(output!.message)!.content),
      finish: string(json.stopReason),
    }];
  }
  if (Array.isArray(json.output)) { // Responses; Replicate has text or addresses
    const finish = string(object(json.incomplete_details)?.reason) ?? string(json.status);
    return [{ pieces: grown([], piecesOf(json.output)), finish }];
  }
  if (Array.isArray(json.outputs)) { // Gemini's interactions
    return [{ pieces: grown([], piecesOf(json.outputs)), finish: string(json.status) }];
  }
  const message = object(json.message); // Cohere, Ollama
  if (message !== undefined) {
    const finish = string(json.finish_reason ?? json.done_reason);
    return [{ pieces: messagePieces(message), finish }];
  }
  if (json.content !== undefined) {
    return [{ pieces: piecesOf(json.content), finish: string(json.stop_reason) }];
  }
  const data = list(json.data ?? json.images);
  if (data.length > 0) return [{ pieces: data.flatMap(datum) }];
  const result = object(json.result) ?? object(json.response); // Workers AI
  if (result !== undefined) return choicesOf(result);
  const vectors = object(json.embeddings) ?? object(json.embedding) ?? json.embeddings;
  if (vectors !== undefined) {
    return [{ pieces: [{ kind: "other", name: "embeddings", value: vectors }] }];
  }
  const text = json.response ?? json.text ?? json.output ?? json.generated_text ??
    object(list(json.generations)[0])?.text ?? list(json.results);
  return [{ pieces: piecesOf(text), finish: string(json.finish_reason) }];
}

/** Of a list of images, vectors, whatever. */
function datum(value: unknown): Piece[] {
  const one = object(value) ?? {};
  const bytes = string(one.b64_json);
  if (bytes !== undefined) {
    return [{ kind: "media", media: "image", url: `data:image/png;base64,${bytes}` }];
  }
  if (typeof one.url === "string") return [{ kind: "media", media: "image", url: one.url }];
  return [{ kind: "other", name: string(one.object ?? one.id) ?? "data", value }];
}
