/**
 * A stream for a client of Chat Completions. What its SDKs put together by assignment (`reasoning_details`,
 * `annotations`, `extra_content`) is sent once and whole, right before a choice finishes.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatEvent, Citation, Part, ReasoningPart, ToolCallPart } from "../../chat.ts";
import { placed } from "../../cited.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import {
  finishWord,
  writeCitations,
  writeImage,
  writeLogprobs,
  writeUsage,
} from "./answer-write.ts";
import { writeFault } from "./fault.ts";
import { writeDetail, writeGoogle } from "./thoughts.ts";

/** One choice. */
interface State {
  /** All of a chunk up to its delta. */
  head: string;
  /** Around the text of the open part. */
  before: string;
  after: string;
  part: Part | undefined;
  /** Something was sent of its arguments. */
  argued: boolean;
  calls: number;
  refused: boolean;
  thoughts: ReasoningPart[];
  /** Reasoning was shown, so that more of it stands apart. */
  thought: boolean;
  citations: Citation[];
  /** Characters of its text so far, and before the open part. */
  said: number;
  from: number;
  extra: Json | undefined;
}

/** See `ChatCodec.writeStream`. */
export class ChatStreamWriter implements StreamWriter {
  readonly #asked: Asked;
  readonly #old: boolean;
  readonly #usageToo: boolean;
  readonly #states: Map<number, State> = new Map();
  /** Begins every chunk. */
  #base = "";
  #tail = "";
  #usage: Usage | undefined;
  #over = false;

  constructor(asked: Asked) {
    this.#asked = asked;
    this.#old = asked.request.legacy_functions === true;
    this.#usageToo = asked.request.include_usage === true;
  }

  write(event: ChatEvent): string {
    if (this.#over) return "";
    switch (event.type) {
      case "start":
        this.#begin(event.id, event.model, event.created, event.fingerprint, event.service_tier);
        this.#usage = event.usage;
        // Clients learn at once that there is an answer.
        return this.#role(this.#state(0));
      case "usage":
        this.#usage = event.usage;
        return "";
      case "error":
        this.#over = true;
        return `data: ${JSON.stringify(writeFault(event.fault))}\n\ndata: [DONE]\n\n`;
      case "end":
        this.#over = true;
        return `${this.#lastChunk()}data: [DONE]\n\n`;
    }
    const known = this.#states.get(event.choice);
    const state = known ?? this.#state(event.choice);
    const role = known === undefined ? this.#role(state) : "";
    switch (event.type) {
      case "text":
        if (state.part?.type === "text") state.said += event.text.length;
        else if (state.part?.type === "reasoning") state.part.text += event.text;
        if (event.logprobs === undefined && role === "") {
          return event.text === "" ? "" : state.before + JSON.stringify(event.text) + state.after;
        }
        return role + this.#scored(state, event);
      case "arguments":
        if (event.text === "") return role;
        state.argued = true;
        return role + state.before + JSON.stringify(event.text) + state.after;
      case "part_start":
        return role + this.#open(state, event.value);
      case "part_end":
        return role + this.#close(state);
      case "data": {
        const { part } = state;
        if (part?.type === "audio") {
          return role + this.#chunk(state, { audio: { data: event.data } });
        }
        if (part !== undefined && "source" in part && part.source.kind === "base64") {
          part.source.data += event.data;
        }
        return role;
      }
      case "signature": {
        const { part } = state;
        if (part?.type === "tool_call") {
          if (this.#old) return role;
          const call: Json = { index: state.calls - 1 };
          // The AI SDK insists on it.
          if (!part.custom) call.function = {};
          call.extra_content = writeGoogle(event.signature);
          return role + this.#chunk(state, { tool_calls: [call] });
        }
        if (part !== undefined) (part as ReasoningPart).signature = event.signature;
        return role;
      }
      case "citation":
        state.citations.push(
          state.part?.type === "text"
            ? event.citation
            : placed(event.citation, state.from, state.said),
        );
        return role;
      case "finish": {
        const word = finishWord(event.finish, state.refused, this.#old);
        const native = word === event.finish
          ? ""
          : `,"native_finish_reason":${JSON.stringify(event.finish)}`;
        return `${role}${this.#close(state)}${this.#whole(state)}${state.head}{},"logprobs":null,` +
          `"finish_reason":"${word}"${native}}]${this.#tail}`;
      }
    }
  }

  #begin(id: string, model: string, created?: number, fingerprint?: string, tier?: string): void {
    const { requestId, now, model: asked } = this.#asked;
    const base = JSON.stringify({
      id: id || `chatcmpl-${requestId}`,
      object: "chat.completion.chunk",
      created: created ?? Math.floor(now() / 1000),
      model: model || asked,
      ...tier !== undefined && { service_tier: tier },
      ...fingerprint !== undefined && { system_fingerprint: fingerprint },
    });
    this.#base = `data: ${base.slice(0, -1)},"choices":[`;
    this.#tail = this.#usageToo ? ',"usage":null}\n\n' : "}\n\n";
  }

  #state(choice: number): State {
    if (this.#base === "") this.#begin("", "");
    const state: State = {
      head: `${this.#base}{"index":${choice},"delta":`,
      before: "",
      after: "",
      part: undefined,
      argued: false,
      calls: 0,
      refused: false,
      thoughts: [],
      thought: false,
      citations: [],
      said: 0,
      from: 0,
      extra: undefined,
    };
    this.#states.set(choice, state);
    return state;
  }

  #role(state: State): string {
    return this.#chunk(state, { role: "assistant", content: "" });
  }

  #chunk(state: State, delta: Json): string {
    return `${state.head}${
      JSON.stringify(delta)
    },"logprobs":null,"finish_reason":null}]${this.#tail}`;
  }

  /** Text of the open part goes between the two. */
  #around(state: State, before: string, after: string): void {
    state.before = state.head + before;
    state.after = `${after},"logprobs":null,"finish_reason":null}]${this.#tail}`;
  }

  #open(state: State, value: Part): string {
    const written = this.#close(state);
    state.argued = false;
    // Some of it is kept until its end; the event's own value stays as it is.
    const part = { ...value };
    if ("source" in part) part.source = { ...part.source };
    state.part = part;
    switch (part.type) {
      case "text":
        this.#around(state, '{"content":', "}");
        state.from = state.said;
        state.said += part.text.length;
        return written + this.#first(state, part.text);
      case "refusal":
        state.refused = true;
        this.#around(state, '{"refusal":', "}");
        return written + this.#first(state, part.text);
      case "reasoning": {
        this.#around(state, '{"reasoning_content":', "}");
        state.thoughts.push(part);
        const gap = state.thought && !part.redacted ? "\n\n" : "";
        if (!part.redacted) state.thought = true;
        return written + this.#first(state, gap + part.text);
      }
      case "audio": {
        this.#around(state, '{"audio":{"transcript":', "}}");
        const { source, transcript = "", id = `audio_${this.#asked.requestId}` } = part;
        const data = source.kind === "base64" ? source.data : "";
        return written + this.#chunk(state, {
          audio: { id, ...data !== "" && { data }, ...transcript !== "" && { transcript } },
        });
      }
      case "tool_call":
        return written + this.#call(state, part);
      default:
        return written;
    }
  }

  #first(state: State, text: string): string {
    return text === "" ? "" : state.before + JSON.stringify(text) + state.after;
  }

  #call(state: State, { id, name, custom, signature, arguments: text }: ToolCallPart): string {
    const index = state.calls++;
    if (text !== "") state.argued = true;
    if (this.#old) {
      // Only one can be told.
      if (index > 0) this.#around(state, '{"function_call":', "}");
      else this.#around(state, '{"function_call":{"arguments":', "}}");
      return index > 0 ? "" : this.#chunk(state, { function_call: { name, arguments: text } });
    }
    const type = custom ? "custom" : "function";
    const member = custom ? "input" : "arguments";
    this.#around(state, `{"tool_calls":[{"index":${index},"${type}":{"${member}":`, "}}]}");
    const call: Json = { index, id, type, [type]: { name, [member]: text } };
    if (signature !== undefined) call.extra_content = writeGoogle(signature);
    return this.#chunk(state, { tool_calls: [call] });
  }

  #close(state: State): string {
    const { part } = state;
    state.part = undefined;
    if (part === undefined) return "";
    if (part.type === "image") return this.#chunk(state, { images: [writeImage(part)] });
    if (part.type === "text") {
      const { citations, from, said } = state;
      state.citations = citations.map((citation) => placed(citation, from, said));
      if (part.signature !== undefined) state.extra = writeGoogle(part.signature);
    }
    if (part.type === "tool_call" && !part.custom && !state.argued) {
      return `${state.before}"{}"${state.after}`;
    }
    return "";
  }

  /** What comes once and whole. */
  #whole({ thoughts, citations, extra, ...state }: State): string {
    const delta: Json = {};
    if (thoughts.some(({ signature }) => signature !== undefined)) {
      delta.reasoning_details = thoughts.map(writeDetail);
    }
    Object.assign(delta, writeCitations(citations));
    if (extra !== undefined) delta.extra_content = extra;
    if (Object.keys(delta).length === 0) return "";
    return this.#chunk({ thoughts, citations, extra, ...state }, delta);
  }

  #scored(state: State, { text, logprobs }: ChatEvent & { type: "text" }): string {
    const { before, after } = state;
    if (logprobs === undefined) return text === "" ? "" : before + JSON.stringify(text) + after;
    const scores = JSON.stringify(writeLogprobs(logprobs));
    return before + JSON.stringify(text) + after.replace("null", () => scores);
  }

  #lastChunk(): string {
    if (!this.#usageToo || this.#usage === undefined) return "";
    return `${this.#base}],"usage":${JSON.stringify(writeUsage(this.#usage))}}\n\n`;
  }
}
