/**
 * A conversation as Google's `contents`. What one side says in a row is one content, since results of calls
 * have to come together and in the order of the calls.
 *
 * @module
 */
import { type Json, object } from "../../../formats/json.ts";
import { exactly } from "../../exact.ts";
import type {
  ChatRequest,
  MediaPart,
  Message,
  Part,
  Signature,
  ToolCallPart,
  ToolResultPart,
} from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { callId } from "../../ids.ts";
import type { Lost } from "../../lost.ts";
import { argsOf, nameOf, writeMedia } from "./parts-write.ts";
import { madeUp } from "./request-read.ts";
import { generationOf } from "./thinking.ts";

/**
 * Instead of the signature of a call that Google's model did not make: Gemini 3 refuses a call without one
 * ("Thought signatures" in the docs of the Gemini API names this word).
 */
const unsigned = "skip_thought_signature_validator";

/** What has to be known of a call to write its result. */
interface Call {
  name: string;
  place: number;
}

/** Writes the messages of one request. */
export class Contents {
  /** Parts of `systemInstruction`. */
  readonly system: Json[] = [];
  readonly contents: { role: string; parts: Json[] }[] = [];
  readonly #own: boolean;
  readonly #lost: Lost;
  readonly #strict: boolean;
  readonly #vertex: boolean;
  readonly #calls = new Map<string, Call>();
  /** Of a result, the place of its call. */
  readonly #places = new Map<Json, number>();
  readonly #drop: (name: string) => void;

  constructor(request: ChatRequest, target: Target, lost: Lost) {
    this.#own = request.format === "gemini";
    this.#lost = lost;
    this.#drop = (name) => lost.drop(name);
    const { version, foreign } = generationOf(target.model);
    this.#strict = version >= 300 && !foreign;
    this.#vertex = target.provider === "google-vertex-ai";
    for (const message of request.messages) this.#message(message);
    if (this.contents.length === 0 && this.system.length > 0) {
      // Instructions alone are no conversation.
      this.contents.push({ role: "user", parts: this.system.splice(0) });
    }
    if (this.#own) return;
    for (const content of this.contents) this.#order(content);
    // A call may only follow what a user said.
    if (this.contents[0]?.role !== "user") {
      this.contents.unshift({ role: "user", parts: [{ text: "." }] });
    }
  }

  #message(message: Message): void {
    const { role, parts, extra } = message;
    if (message.name !== undefined) this.#lost.drop("messages.name");
    if (!this.#own) { for (const key in extra) this.#lost.drop(`messages.${key}`); }
    const own = role === "assistant" ? "model" : "user";
    if (role === "system" || role === "developer") {
      for (const part of parts) this.system.push(...this.#part(part));
      return;
    }
    const written = role === "assistant" ? this.#assistant(parts) : this.#user(parts);
    if (written.length === 0 && !(this.#own && parts.length === 0)) return;
    const last = this.contents.at(-1);
    if (last?.role === own && !this.#own) last.parts.push(...written);
    else this.contents.push({ role: own, parts: written });
  }

  #user(parts: readonly Part[]): Json[] {
    const written: Json[] = [];
    const later: Json[] = [];
    for (const part of parts) {
      if (part.type === "tool_result") written.push(this.#result(part, later));
      else written.push(...this.#part(part));
    }
    return later.length === 0 ? written : [...written, ...later];
  }

  #assistant(parts: readonly Part[]): Json[] {
    const written: Json[] = [];
    let signature: Signature | undefined; // of a thought, for what follows it
    let called = false;
    for (const part of parts) {
      if (part.type === "reasoning") {
        if (this.#own && (part.signature?.format ?? "gemini") === "gemini") {
          written.push(signed({ text: part.text, thought: true }, part.signature));
        } else if (part.signature?.format === "gemini") signature = part.signature;
        continue;
      }
      if (part.type !== "tool_call") {
        const pieces = this.#part(part, signature);
        if (pieces.some((one) => one.thoughtSignature !== undefined)) signature = undefined;
        written.push(...pieces);
        continue;
      }
      const one = this.#call(part, signature);
      // Of calls side by side only the first has one.
      if (one.thoughtSignature !== undefined) signature = undefined;
      else if (this.#strict && !called) one.thoughtSignature = unsigned;
      called = true;
      written.push(one);
    }
    if (signature !== undefined) written.push(signed({ text: "" }, signature));
    return written;
  }

  /** @param before The signature of a thought in front of it. */
  #part(part: Part, before?: Signature): Json[] {
    let written: Json[];
    switch (part.type) {
      case "text":
      case "refusal": {
        const signature = (part.type === "text" ? part.signature : undefined) ?? before;
        const isOwn = signature?.format === "gemini";
        // Google refuses an empty one without a signature.
        written = part.text === "" && !isOwn ? [] : [signed({ text: part.text }, signature)];
        break;
      }
      case "native":
        if (part.format === "gemini") return [part.value];
        this.#lost.drop(`messages.${nameOf(part)}`);
        return [];
      case "tool_call":
      case "tool_result":
      case "reasoning":
        return [];
      default:
        written = this.#media(part);
        if (part.detail !== undefined && part.detail !== "auto") this.#lost.drop("messages.detail");
        if (this.#own && part.name !== undefined) {
          for (const one of written) {
            const inside = object(one.inlineData) ?? object(one.fileData);
            if (inside !== undefined) inside.displayName = part.name;
          }
        }
        if (written.length > 0) signed(written[0]!, part.signature);
    }
    this.#marks(part);
    const [first] = written;
    if (first !== undefined) this.#extend(first, part.extra, "messages.");
    return written;
  }

  #media(part: MediaPart): Json[] {
    const { source, type } = part;
    if (this.#vertex && source.kind === "file" && !source.id.startsWith("gs:")) {
      this.#drop(`messages.${type}.file`);
      return [];
    }
    return writeMedia(part, this.#drop);
  }

  #marks(part: Part): void {
    if ("cache" in part && part.cache !== undefined) this.#lost.drop("cache");
  }

  /** Adds what Google alone knows. */
  #extend(on: Json, extra: Json | undefined, at: string): void {
    for (const key in extra) {
      if (this.#own) on[key] = extra[key];
      else this.#lost.drop(at + key);
    }
  }

  #call(part: ToolCallPart, before: Signature | undefined): Json {
    const { id, name } = part;
    this.#calls.set(id, { name, place: this.#calls.size });
    this.#marks(part);
    const functionCall: Json = { name, args: argsOf(part.arguments, part.custom) };
    if (this.#tells(id)) functionCall.id = id;
    const inside = { ...part.extra };
    const written = signed({ functionCall }, part.signature ?? before);
    this.#extend(functionCall, inside, "messages.tool_call.");
    return written;
  }

  /** Vertex AI knows calls by their names and order. */
  #tells(id: string): boolean {
    return !this.#vertex && !id.startsWith(callId(madeUp, 0).slice(0, -1));
  }

  /** @param later Takes the media that a result cannot hold. */
  #result(part: ToolResultPart, later: Json[]): Json {
    const { call_id: id, content } = part;
    this.#marks(part);
    const texts: string[] = [];
    const media: Json[] = [];
    for (const one of content) {
      if (one.type === "text" || one.type === "refusal" || one.type === "reasoning") {
        texts.push(one.text);
      } else if ("source" in one) {
        for (const piece of this.#media(one)) {
          if (typeof piece.text === "string") texts.push(piece.text);
          else media.push(piece);
        }
      } else this.#lost.drop(`messages.tool_result.${nameOf(one)}`);
    }
    const text = texts.join("\n");
    const functionResponse: Json = {
      name: part.name ?? this.#calls.get(id)?.name ?? id,
      response: responseOf(text, part.is_error === true),
    };
    if (this.#tells(id)) functionResponse.id = id;
    // Only Gemini 3 and later see what is in a result.
    if (media.length > 0 && this.#strict) functionResponse.parts = media;
    else later.push(...media);
    this.#extend(functionResponse, part.extra, "messages.tool_result.");
    this.#places.set(functionResponse, this.#calls.get(id)?.place ?? 0);
    return { functionResponse };
  }

  /** Results first, in the order of their calls. */
  #order(content: { parts: Json[] }): void {
    const results = content.parts.filter((part) => part.functionResponse !== undefined);
    if (results.length === 0) return;
    const others = content.parts.filter((part) => part.functionResponse === undefined);
    const place = (part: Json) => this.#places.get(part.functionResponse as Json) ?? 0;
    results.sort((a, b) => place(a) - place(b));
    content.parts = [...results, ...others];
  }
}

/** Google reads a failure from a member `error`. */
function responseOf(text: string, failed: boolean): Json {
  const told = object(exactly(text));
  if (failed) return told?.error !== undefined ? told : { error: told ?? text };
  return told ?? { output: text };
}

function signed(part: Json, signature: Signature | undefined): Json {
  if (signature?.format === "gemini") part.thoughtSignature = signature.value;
  return part;
}
