/**
 * A stream for a client. Its last delta waits for the end, since usage may come after the reason to stop.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatEvent, Part, ReasoningPart, Signature } from "../../chat.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import {
  callOf,
  detailsOf,
  isNative,
  mediaEnd,
  mediaStart,
  ofChoice,
  reasonOf,
  writeUsage,
} from "./answer.ts";
import { writeCitation } from "./blocks-write.ts";
import { writeFault } from "./fault.ts";
import { besideBlock, own, signatureText } from "./marks.ts";

type Of<Type extends ChatEvent["type"]> = Extract<ChatEvent, { type: Type }>;

/** One event, framed. */
function framed(name: string, data: Json): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A piece of a JSON string. */
function quoted(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Writes one stream. */
export class Writer implements StreamWriter {
  readonly #asked: Asked;
  /** Of the block that is open, or of the last. */
  #index = -1;
  #part: Part | undefined;
  #signature: Signature | undefined;
  /** Before and after the text of a delta of the open block. */
  #before = "";
  #calls = false;
  #refusal = "";
  #details: Json | undefined;
  #finish: Of<"finish"> | undefined;
  #usage: Usage | undefined;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  write(event: ChatEvent): string {
    if ("choice" in event && event.choice !== 0) return ""; // this format asks for one
    switch (event.type) {
      case "start":
        return this.#start(event);
      case "part_start":
        return this.#close() + this.#open(event.value);
      case "text":
        if (this.#part?.type === "refusal") this.#refusal += event.text;
        return event.text === "" || this.#before === "" ? "" : this.#delta(event.text);
      case "arguments":
        return event.text === "" || this.#part?.type !== "tool_call"
          ? ""
          : this.#delta(this.#part.custom ? quoted(event.text) : event.text);
      case "data":
        return this.#part === undefined || this.#part.type === "audio" || this.#before === ""
          ? ""
          : this.#delta(event.data);
      case "signature":
        this.#signature = event.signature;
        return "";
      case "citation":
        return this.#part?.type === "text"
          ? this.#deltaOf({ type: "citations_delta", citation: writeCitation(event.citation) })
          : "";
      case "part_end":
        return this.#close();
      case "finish":
        this.#finish = event;
        return this.#close();
      case "usage":
        this.#usage = event.usage;
        return "";
      case "error":
        return framed("error", writeFault(event.fault, this.#asked.requestId));
      case "end":
        return this.#close() + this.#end();
    }
  }

  #start({ id, model, usage, service_tier }: Of<"start">): string {
    this.#usage = usage;
    const message = {
      id: id || `msg_${this.#asked.requestId.replaceAll("-", "")}`,
      type: "message",
      role: "assistant",
      model: model || this.#asked.model,
      content: [],
      stop_reason: null,
      stop_sequence: null,
      usage: writeUsage(usage, service_tier),
    };
    return framed("message_start", { type: "message_start", message });
  }

  #open(part: Part): string {
    this.#part = part;
    switch (part.type) {
      case "text": {
        const first = part.signature === undefined ? "" : this.#beside(part.signature, ">");
        const citations = part.citations ?? [];
        return first + this.#block({ type: "text", text: "" }, "text_delta", "text", part.text) +
          citations.map((citation) =>
            this.#deltaOf({ type: "citations_delta", citation: writeCitation(citation) })
          ).join("");
      }
      case "tool_call": {
        this.#calls ||= !isNative(part.extra);
        const first = part.signature === undefined ? "" : this.#beside(part.signature, ">");
        // Free text is an object here as well.
        const text = part.custom ? `{"input":"${quoted(part.arguments)}` : part.arguments;
        return first + this.#block(callOf(part), "input_json_delta", "partial_json", text);
      }
      case "reasoning": {
        this.#signature = part.signature;
        if (part.redacted === true) return ""; // is one block, with its signature
        const block = { type: "thinking", thinking: "", signature: "" };
        return this.#block(block, "thinking_delta", "thinking", part.text);
      }
      case "refusal":
        this.#refusal += part.text;
        this.#details = part.extra?.stop_details as Json | undefined;
        if (this.#details !== undefined) return "";
        return this.#block({ type: "text", text: "" }, "text_delta", "text", part.text);
      case "native":
        return part.format === own ? this.#whole(part.value) : "";
      case "tool_result":
        return "";
      default:
        return this.#block({ type: "text", text: "" }, "text_delta", "text", mediaStart(part));
    }
  }

  #block(block: Json, type: string, member: string, beginning: string): string {
    const opened = this.#opened(block);
    this.#before = `event: content_block_delta\ndata: {"type":"content_block_delta","index":` +
      `${this.#index},"delta":{"type":"${type}","${member}":`;
    return beginning === "" ? opened : opened + this.#delta(beginning);
  }

  #opened(content_block: Json): string {
    const index = ++this.#index;
    return framed("content_block_start", { type: "content_block_start", index, content_block });
  }

  #whole(block: Json): string {
    return this.#opened(block) + this.#closed();
  }

  #closed(): string {
    const index = this.#index;
    return framed("content_block_stop", { type: "content_block_stop", index });
  }

  #beside(signature: Signature, where: "<" | ">"): string {
    return this.#whole(besideBlock(signature, where));
  }

  #delta(text: string): string {
    return `${this.#before}${JSON.stringify(text)}}}\n\n`;
  }

  #deltaOf(delta: Json): string {
    const index = this.#index;
    return framed("content_block_delta", { type: "content_block_delta", index, delta });
  }

  #close(): string {
    const part = this.#part;
    if (part === undefined) return "";
    const signature = this.#signature;
    const open = this.#before !== "";
    let text = "";
    if (part.type === "reasoning") text = this.#sign(part, signature);
    else if (open && part.type === "tool_call" && part.custom) text = this.#delta('"}');
    else if (open && "source" in part && mediaEnd(part) !== "") text = this.#delta(mediaEnd(part));
    this.#part = this.#signature = undefined;
    this.#before = "";
    if (open) text += this.#closed();
    if (signature === undefined || part.type === "reasoning") return text;
    return text + this.#beside(signature, "<");
  }

  #sign(part: ReasoningPart, signature: Signature | undefined): string {
    const text = signatureText(part, signature);
    if (part.redacted === true) return this.#whole({ type: "redacted_thinking", data: text });
    return text === "" ? "" : this.#deltaOf({ type: "signature_delta", signature: text });
  }

  #end(): string {
    const { finish = "other", stop_sequence = null, extra } = this.#finish ?? {};
    const refused = this.#refusal !== "" || this.#details !== undefined;
    const delta = {
      stop_reason: reasonOf(finish, this.#calls, extra),
      stop_sequence,
      ...refused && { stop_details: this.#details ?? detailsOf(undefined, this.#refusal) },
      ...ofChoice({ container: extra?.container }, "stop"),
    };
    const { service_tier: _, cache_creation: __, ...usage } = writeUsage(this.#usage, undefined);
    return framed("message_delta", { type: "message_delta", delta, usage }) +
      framed("message_stop", { type: "message_stop" });
  }
}
