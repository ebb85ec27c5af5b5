/**
 * A stream for a client.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatEvent, Citation, Part, Signature, TokenLogprob } from "../../chat.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import { reasonOf, signed, thoughtSigned, writeLogprob, writeUsage } from "./answer.ts";
import { writeCitations } from "./documents.ts";
import { own } from "./message-read.ts";

/** Writes one stream. Only the first choice: this format asks for one. */
export class Writer implements StreamWriter {
  readonly #asked: Asked;
  #started = false;
  #part: Part | undefined;
  /** `content-`, `tool-plan-` or `tool-call-`; empty for a part that is not told. */
  #kind: "content" | "plan" | "call" | "" = "";
  #content = -1;
  #calls = -1;
  #citations = 0;
  #said = "";
  /** Citations of a whole text, told once it is there. */
  #later: Citation[] = [];
  #reason = "COMPLETE";
  #usage: Usage | undefined;

  constructor(asked: Asked) {
    this.#asked = asked;
  }

  write(event: ChatEvent): string {
    if ("choice" in event && event.choice !== 0) return "";
    switch (event.type) {
      case "text":
        return this.#text(event.text, event.logprobs);
      case "arguments":
        return this.#grow(event.text);
      case "start":
        this.#usage = event.usage;
        return this.#start(event.id);
      case "part_start":
        return this.#start("") + this.#open(event.value);
      case "signature":
        return this.#sign(event.signature);
      case "citation":
        if (event.citation.end === undefined) this.#later.push(event.citation);
        else return this.#cite([event.citation]);
        return "";
      case "part_end":
        return this.#close();
      case "data":
        return "";
      case "finish":
        this.#reason = reasonOf(event.finish, this.#calls >= 0, event.extra);
        return "";
      case "usage":
        this.#usage = event.usage;
        return "";
      case "error": {
        const { message, code } = event.fault;
        const reason = event.fault.kind === "timeout" ? "TIMEOUT" : "ERROR";
        return this.#start("") +
          this.#end({
            finish_reason: reason,
            error: message,
            ...code != null && { error_type: code },
          });
      }
      case "end":
        return this.#start("") +
          this.#end({
            finish_reason: this.#reason,
            ...this.#usage !== undefined && { usage: writeUsage(this.#usage) },
          });
    }
  }

  #start(id: string): string {
    if (this.#started) return "";
    this.#started = true;
    const message = {
      role: "assistant",
      content: [],
      tool_plan: "",
      tool_calls: [],
      citations: [],
    };
    return line("message-start", {
      id: id || this.#asked.requestId,
      type: "message-start",
      delta: { message },
    });
  }

  #end(delta: Json): string {
    return `${line("message-end", { type: "message-end", delta })}data: [DONE]\n\n`;
  }

  #open(value: Part): string {
    this.#part = value;
    this.#said = "";
    this.#kind = "";
    let out = "";
    switch (value.type) {
      case "text":
        if (value.extra?.tool_plan === true) {
          this.#kind = "plan";
          break;
        }
        out = this.#begin({ type: "text", text: "" });
        break;
      case "refusal":
        out = this.#begin({ type: "text", text: "" });
        break;
      case "audio":
        out = this.#begin({ type: "text", text: "" });
        if (value.transcript) out += this.#text(value.transcript);
        break;
      case "reasoning":
        out = this.#begin({ type: "thinking", thinking: "" });
        break;
      case "tool_call":
        this.#kind = "call";
        this.#calls++;
        out = line("tool-call-start", {
          type: "tool-call-start",
          index: this.#calls,
          delta: {
            message: {
              tool_calls: {
                id: value.id,
                type: "function",
                function: { name: value.name, arguments: "" },
              },
            },
          },
        });
        out += this.#grow(value.arguments);
    }
    if ("text" in value) out += this.#text(value.text);
    if (value.type === "text" && value.citations !== undefined) out += this.#cite(value.citations);
    if ("signature" in value && value.signature !== undefined) out += this.#sign(value.signature);
    return out;
  }

  #begin(content: Json): string {
    this.#kind = "content";
    const index = ++this.#content;
    return line("content-start", { type: "content-start", index, delta: { message: { content } } });
  }

  #text(text: string, logprobs?: readonly TokenLogprob[]): string {
    if (text === "" || this.#kind === "" || this.#kind === "call") return "";
    if (this.#kind === "plan") {
      this.#said += text;
      return line("tool-plan-delta", {
        type: "tool-plan-delta",
        delta: { message: { tool_plan: text } },
      });
    }
    if (this.#part?.type === "reasoning") return this.#more({ thinking: text });
    this.#said += text;
    if (logprobs === undefined || logprobs.length === 0) return this.#more({ text });
    // An event has one.
    return logprobs.length === 1 || logprobs.map(({ token }) => token).join("") !== text
      ? this.#more({ text }, writeLogprob(logprobs[0]!))
      : logprobs.map((one) => this.#more({ text: one.token }, writeLogprob(one))).join("");
  }

  #more(content: Json, logprobs?: Json): string {
    return line("content-delta", {
      type: "content-delta",
      index: this.#content,
      delta: { message: { content } },
      ...logprobs !== undefined && { logprobs },
    });
  }

  #grow(text: string): string {
    if (text === "" || this.#kind !== "call") return "";
    return line("tool-call-delta", {
      type: "tool-call-delta",
      index: this.#calls,
      delta: { message: { tool_calls: { function: { arguments: text } } } },
    });
  }

  #sign(signature: Signature): string {
    if (signature.format === own) return "";
    const part = this.#part;
    if (part?.type === "reasoning") return this.#more(thoughtSigned(part, signature));
    if (part?.type === "text" && this.#kind === "content") return this.#more(signed(signature));
    if (part?.type !== "tool_call") return "";
    return line("tool-call-delta", {
      type: "tool-call-delta",
      index: this.#calls,
      delta: { message: { tool_calls: { ...signed(signature), function: { arguments: "" } } } },
    });
  }

  #cite(citations: readonly Citation[]): string {
    return writeCitations(citations, this.#said, Math.max(0, this.#content)).map((one) => {
      const index = this.#citations++;
      const delta = { message: { citations: one } };
      return line("citation-start", { type: "citation-start", index, delta }) +
        line("citation-end", { type: "citation-end", index });
    }).join("");
  }

  #close(): string {
    const kind = this.#kind;
    const cited = this.#cite(this.#later);
    this.#later = [];
    this.#kind = "";
    this.#part = undefined;
    if (kind === "content") {
      return cited + line("content-end", { type: "content-end", index: this.#content });
    }
    if (kind !== "call") return "";
    return line("tool-call-end", { type: "tool-call-end", index: this.#calls });
  }
}

function line(name: string, data: Json): string {
  return `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
