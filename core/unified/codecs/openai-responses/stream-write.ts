/**
 * A stream for a client of Responses, and the response object that it comes to: a whole answer is written
 * by the same hands.
 *
 * Ids are made from the request's, so that a client may name the response and its items later. Of several
 * choices the first is told. Thoughts are told as a summary where they are one or one was asked for, else
 * as `reasoning_text`. Signatures of texts and calls (Gemini's) stand in reasoning items of their own, see
 * {@link marks}: clients of this format send all items back, in order.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type {
  ChatEvent,
  ChatFault,
  Citation,
  Finish,
  Part,
  ReasoningPart,
  Signature,
  TokenLogprob,
  ToolCallPart,
} from "../../chat.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import { writeFault } from "../openai-chat/fault.ts";
import { marks } from "./items-read.ts";
import { type Ending, endingOf, failure, headOf, usageTo } from "./response.ts";
import { callItem, messageItem, opening, type Said, sayPicture, Script } from "./script.ts";
import { beginThought, endThought, sayMark, sayNative } from "./thoughts.ts";
import { annotationOf, format, logprobsTo, responseId } from "./shape.ts";

type Start = Extract<ChatEvent, { type: "start" }>;

/** What an open part has come to. */
interface Open {
  value: Part;
  text: string;
  /** Base64 of a sound or an image. */
  data: string;
  citations: Citation[];
  logprobs: Json[];
  signature: Signature | undefined;
  /** How events that tell more of it begin; empty until its first was told. */
  prefix: string;
}

/** Writes one stream. */
export class ResponsesWriter implements StreamWriter {
  readonly #asked: Asked;
  readonly #script: Script;
  #head: Json | undefined;
  /** Its JSON without the closing brace. */
  #headJson = "";
  #tier: string | undefined;
  /** The message that more parts may go to. */
  #message: Said | undefined;
  #open: Open | undefined;
  #refused = false;
  #finish: Finish = "stop";
  #usage: Usage | undefined;
  #final: Json | undefined;

  /** @param silent Only the response is wanted, not its events. */
  constructor(asked: Asked, silent = false) {
    this.#asked = asked;
    this.#script = new Script(silent);
  }

  /** The whole response, once the stream has ended. */
  get response(): Json | undefined {
    return this.#final;
  }

  write(event: ChatEvent): string {
    if (this.#final !== undefined) return "";
    switch (event.type) {
      case "text":
        return event.choice === 0 ? this.#text(event.text, event.logprobs) : "";
      case "arguments":
        return event.choice === 0 ? this.#arguments(event.text) : "";
      case "start":
        return this.#start(event);
      case "usage":
        this.#usage = event.usage;
        return "";
      case "end":
        return this.#begin() + this.#end(endingOf(this.#finish, this.#refused));
      case "error":
        return this.#begin() + this.#fail(event.fault);
    }
    if (event.choice !== 0) return "";
    switch (event.type) {
      case "part_start":
        return this.#begin() + this.#close() + this.#begun(event.value);
      case "part_end":
        return this.#close();
      case "finish":
        this.#finish = event.finish;
        return this.#close();
      case "signature":
        if (this.#open !== undefined) this.#open.signature = event.signature;
        return "";
      case "citation":
        return this.#cite(event.citation);
      case "data":
        return this.#data(event.data);
    }
  }

  #start({ id: _, model, created, service_tier }: Omit<Start, "type">): string {
    if (this.#head !== undefined) return "";
    const asked = this.#asked;
    const id = this.#script.id = responseId(asked.requestId);
    const at = created || Math.floor(asked.now() / 1000);
    this.#head = headOf(asked, id, at, model || asked.model);
    this.#tier = service_tier;
    if (this.#script.silent) return "";
    this.#headJson = JSON.stringify(this.#head).slice(0, -1);
    const response = this.#responseWith({
      service_tier: asked.request.service_tier ?? "auto",
      completed_at: null,
      status: "in_progress",
      error: null,
      incomplete_details: null,
      output: [],
      usage: null,
    });
    return this.#script.say("response.created", response) +
      this.#script.say("response.in_progress", response);
  }

  #responseWith(tail: Json): string {
    return `"response":${this.#headJson},${JSON.stringify(tail).slice(1)}`;
  }

  #begin(): string {
    return this.#head === undefined ? this.#start({ id: "", model: "" }) : "";
  }

  #begun(value: Part): string {
    const open: Open = {
      value,
      text: "",
      data: "",
      citations: [],
      logprobs: [],
      prefix: "",
      signature: "signature" in value ? value.signature : undefined,
    };
    let out = "";
    if (open.signature !== undefined && value.type !== "reasoning") {
      // It is known before the item, so it goes before it.
      out = this.#endMessage() + sayMark(this.#script, marks.next, open.signature);
      open.signature = undefined;
    }
    this.#open = open;
    switch (value.type) {
      case "text":
        out += this.#openContent(open, "response.output_text") + this.#text(value.text);
        for (const citation of value.citations ?? []) out += this.#cite(citation);
        return out;
      case "refusal":
        return out + this.#openContent(open, "response.refusal") + this.#text(value.text);
      case "audio": {
        const { source, transcript = "" } = value;
        return out + this.#openContent(open, "response.audio") +
          this.#data(source.kind === "base64" ? source.data : "") + this.#text(transcript);
      }
      case "reasoning":
        return out + this.#endMessage() + this.#text(value.text);
      case "tool_call":
        return out + this.#endMessage() + this.#openCall(open, value) +
          this.#arguments(value.arguments);
      default:
        return out + this.#endMessage();
    }
  }

  /** A part of a message. */
  #openContent(open: Open, event: string): string {
    let out = "";
    if (this.#message === undefined) {
      this.#message = { id: this.#script.next("msg"), content: [] };
      out = this.#script.added(messageItem(this.#message, "in_progress"));
    }
    const at = this.#contentAt();
    open.prefix = `${opening(`${event}.delta`)}${at},"delta":`;
    const part = JSON.stringify(contentOf(open));
    return out + this.#script.say("response.content_part.added", `${at},"part":${part}`);
  }

  #contentAt(): string {
    const { id, content } = this.#message!;
    return `${this.#script.at(id)},"content_index":${content.length}`;
  }

  #isSummary(value: ReasoningPart): boolean {
    return value.summary === true || this.#asked.request.reasoning?.summary !== undefined;
  }

  #openCall(open: Open, value: ToolCallPart): string {
    const item = callItem(value, this.#callId(value), "", "in_progress");
    const what = value.custom ? "custom_tool_call_input" : "function_call_arguments";
    const at = this.#script.at(item.id as string);
    open.prefix = `${opening(`response.${what}.delta`)}${at},"delta":`;
    return this.#script.added(item);
  }

  #callId({ custom }: ToolCallPart): string {
    return this.#script.next(custom ? "ctc" : "fc");
  }

  #text(text: string, logprobs?: readonly TokenLogprob[]): string {
    const open = this.#open;
    if (open === undefined || (text === "" && logprobs === undefined)) return "";
    let out = "";
    switch (open.value.type) {
      case "text": {
        open.text += text;
        if (logprobs === undefined) {
          return this.#script.more(open.prefix, `${JSON.stringify(text)},"logprobs":[]`);
        }
        const scores = logprobsTo(logprobs);
        open.logprobs.push(...scores);
        const told = `${JSON.stringify(text)},"logprobs":${JSON.stringify(scores)}`;
        return this.#script.more(open.prefix, told);
      }
      case "reasoning":
        if (open.prefix === "") {
          const thought = beginThought(this.#script, this.#isSummary(open.value));
          [out, open.prefix] = thought;
        }
        open.text += text;
        return out + this.#script.more(open.prefix, JSON.stringify(text));
      case "refusal":
        open.text += text;
        return this.#script.more(open.prefix, JSON.stringify(text));
      case "audio":
        open.text += text;
        return this.#script.say(
          "response.audio.transcript.delta",
          `"delta":${JSON.stringify(text)}`,
        );
      default:
        return "";
    }
  }

  #arguments(text: string): string {
    const open = this.#open;
    if (open?.value.type !== "tool_call" || text === "") return "";
    open.text += text;
    return this.#script.more(open.prefix, JSON.stringify(text));
  }

  #data(data: string): string {
    const open = this.#open;
    if (open === undefined || data === "") return "";
    open.data += data;
    // An image is told once it is whole.
    return open.value.type === "audio" ? this.#script.more(open.prefix, JSON.stringify(data)) : "";
  }

  #cite(citation: Citation): string {
    const open = this.#open;
    if (open?.value.type !== "text") return "";
    const index = open.citations.push(citation) - 1;
    const annotation = JSON.stringify(annotationOf(citation, open.text.length));
    return this.#script.say(
      "response.output_text.annotation.added",
      `${this.#contentAt()},"annotation_index":${index},"annotation":${annotation}`,
    );
  }

  #close(): string {
    const open = this.#open;
    if (open === undefined) return "";
    const { value, signature } = open;
    let out = "";
    switch (value.type) {
      case "text":
      case "refusal":
      case "audio":
        out = this.#closeContent(open);
        break;
      case "reasoning":
        this.#open = undefined;
        return endThought(this.#script, open, value, this.#isSummary(value));
      case "tool_call":
        out = this.#closeCall(open, value);
        break;
      case "image":
        out = sayPicture(this.#script, value, open.data);
        break;
      case "native":
        if (value.format === format) {
          out = this.#script.added({ ...value.value, status: "in_progress" }) +
            this.#script.done(value.value);
        } else out = sayNative(this.#script, value);
    }
    this.#open = undefined;
    if (signature === undefined) return out;
    return out + this.#endMessage() + sayMark(this.#script, marks.previous, signature);
  }

  #closeContent(open: Open): string {
    const script = this.#script;
    const at = this.#contentAt();
    const part = contentOf(open);
    const { type } = open.value;
    if (type === "refusal") this.#refused = true;
    let out = "";
    if (!script.silent) {
      const text = JSON.stringify(open.text);
      const whole = `${at},"part":${JSON.stringify(part)}`;
      const scores = JSON.stringify(open.logprobs);
      out = (type === "text"
        ? script.say("response.output_text.done", `${at},"text":${text},"logprobs":${scores}`)
        : type === "refusal"
        ? script.say("response.refusal.done", `${at},"refusal":${text}`)
        : script.say("response.audio.done", at) +
          script.say("response.audio.transcript.done", at)) +
        script.say("response.content_part.done", whole);
    }
    this.#message!.content.push(part);
    return out;
  }

  #closeCall(open: Open, value: ToolCallPart): string {
    const script = this.#script;
    // Clients parse what they are given.
    let out = open.text === "" && !value.custom ? this.#arguments("{}") : "";
    const item = callItem(value, this.#callId(value), open.text, "completed");
    const at = script.at(item.id as string);
    const text = JSON.stringify(open.text);
    out += value.custom
      ? script.say("response.custom_tool_call_input.done", `${at},"input":${text}`)
      : script.say(
        "response.function_call_arguments.done",
        `${at},"name":${JSON.stringify(value.name)},"arguments":${text}`,
      );
    return out + script.done(item);
  }

  #endMessage(status = "completed"): string {
    const message = this.#message;
    if (message === undefined) return "";
    this.#message = undefined;
    return this.#script.done(messageItem(message, status));
  }

  #end(ending: Ending): string {
    const completed = ending.status === "completed";
    const out = this.#close() + this.#endMessage(completed ? "completed" : "incomplete");
    const tail = {
      service_tier: this.#tier ?? "default",
      completed_at: completed ? Math.floor(this.#asked.now() / 1000) : null,
      ...ending,
      output: this.#script.output,
      usage: usageTo(this.#usage),
    };
    this.#final = { ...this.#head, ...tail };
    if (this.#script.silent) return "";
    return out + this.#script.say(`response.${ending.status}`, this.#responseWith(tail));
  }

  #fail(fault: ChatFault): string {
    // Half a call is none.
    if (this.#open?.value.type === "tool_call") this.#open = undefined;
    const out = this.#close() + this.#endMessage("incomplete");
    // The SDK throws at `error`; its types have the members beside it.
    const { error } = writeFault(fault);
    const { code, message, param } = error as Json;
    const members = JSON.stringify({ code, message, param, error }).slice(1, -1);
    return out + this.#script.say("error", members) + this.#end(failure(fault));
  }
}

function contentOf({ value, text, data, citations, logprobs }: Open): Json {
  if (value.type === "refusal") return { type: "refusal", refusal: text };
  if (value.type === "audio") return { type: "output_audio", data, transcript: text };
  const annotations = citations.map((citation) => annotationOf(citation, text.length));
  return { type: "output_text", text, annotations, logprobs };
}
