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
  Finish,
  MediaPart,
  Part,
  ReasoningPart,
  Signature,
  ToolCallPart,
} from "../../chat.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import { sealed } from "../../signature.ts";
import { writeFault } from "../openai-chat/fault.ts";
import { marks } from "./items-read.ts";
import { type Ending, endingOf, failure, headOf, usageTo } from "./response.ts";
import { annotationOf, format, itemId, logprobsTo, responseId } from "./shape.ts";

type Start = Extract<ChatEvent, { type: "start" }>;

/** What an open part has come to. */
interface Open {
  value: Part;
  text: string;
  annotations: Json[];
  logprobs: Json[];
  signature?: Signature | undefined;
  /** Events that tell more of it, as far as they are always the same. */
  prefix: string;
  /** Events of it were told. */
  told: boolean;
}

/** Writes one stream. */
export class ResponsesWriter implements StreamWriter {
  readonly #asked: Asked;
  readonly #silent: boolean;
  #id = "";
  #head: Json | undefined;
  /** Its JSON without the closing brace. */
  #headJson = "";
  #tier: string | undefined;
  #sequence = 0;
  readonly #output: Json[] = [];
  /** The message that more parts may go to. */
  #message: { id: string; content: Json[] } | undefined;
  #open: Open | undefined;
  #refused = false;
  #finish: Finish = "stop";
  #usage: Usage | undefined;
  #final: Json | undefined;

  /** @param silent Only the response is wanted, not its events. */
  constructor(asked: Asked, silent = false) {
    this.#asked = asked;
    this.#silent = silent;
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
    const open = this.#open;
    switch (event.type) {
      case "part_start":
        return this.#begin() + this.#close() + this.#start_part(event.value);
      case "part_end":
        return this.#close();
      case "finish":
        this.#finish = event.finish;
        return this.#close() + this.#endMessage();
      case "signature":
        if (open !== undefined) open.signature = event.signature;
        return "";
      case "citation":
        return open?.value.type === "text" ? this.#cite(open, event.citation) : "";
      case "data":
        return this.#data(event.data);
    }
  }

  #start({ id: _, model, created, service_tier }: Omit<Start, "type">): string {
    if (this.#head !== undefined) return "";
    const asked = this.#asked;
    this.#id = responseId(asked.requestId);
    const at = created || Math.floor(asked.now() / 1000);
    this.#head = headOf(asked, this.#id, at, model || asked.model);
    this.#headJson = JSON.stringify(this.#head).slice(0, -1);
    this.#tier = service_tier;
    const response =
      `"response":${this.#headJson},"service_tier":"${
        asked.request.service_tier ?? "auto"
      }","status":"in_progress","completed_at":null,"error":null,"incomplete_details":null,` +
      `"output":[],"usage":null}`;
    return this.#say("response.created", response) + this.#say("response.in_progress", response);
  }

  #begin(): string {
    return this.#head === undefined ? this.#start({ id: "", model: "" }) : "";
  }

  /** One event. @param members JSON of the members beside `type` and `sequence_number`. */
  #say(type: string, members: string): string {
    if (this.#silent) return "";
    return `event: ${type}\ndata: {"type":"${type}",${members},"sequence_number":${this
      .#sequence++}}\n\n`;
  }

  /** An event that opens or ends an item. */
  #sayItem(type: "added" | "done", item: Json): string {
    if (this.#silent) return "";
    const at = `"output_index":${this.#output.length}`;
    return this.#say(`response.output_item.${type}`, `${at},"item":${JSON.stringify(item)}`);
  }

  /** The item that comes next. */
  #next(kind: string): string {
    return itemId(kind, this.#id, this.#output.length);
  }

  #at(id: string): string {
    return `"item_id":"${id}","output_index":${this.#output.length}`;
  }

  #done(item: Json): string {
    const out = this.#sayItem("done", item);
    this.#output.push(item);
    return out;
  }

  #start_part(value: Part): string {
    const open: Open = {
      value,
      text: "",
      annotations: [],
      logprobs: [],
      prefix: "",
      told: false,
      signature: "signature" in value ? value.signature : undefined,
    };
    let out = "";
    if (open.signature !== undefined && value.type !== "reasoning") {
      // It is known before the item, so it goes before it.
      out += this.#endMessage() + this.#mark(marks.next, open.signature);
      open.signature = undefined;
    }
    this.#open = open;
    switch (value.type) {
      case "text":
      case "refusal":
        out += this.#openContent(open, value.type === "text" ? "output_text" : "refusal");
        if (value.text !== "") out += this.#text(value.text);
        if (value.type === "text") {
          for (const citation of value.citations ?? []) out += this.#cite(open, citation);
        }
        return out;
      case "reasoning":
        out += this.#endMessage();
        return value.text === "" ? out : out + this.#text(value.text);
      case "tool_call":
        out += this.#endMessage() + this.#openCall(open, value);
        return value.arguments === "" ? out : out + this.#arguments(value.arguments);
      case "audio":
        return out + this.#openContent(open, "output_audio") +
          (value.source.kind === "base64" && value.source.data !== ""
            ? this.#data(value.source.data)
            : "") +
          (value.transcript ? this.#text(value.transcript) : "");
      default:
        return out + this.#endMessage();
    }
  }

  /** A part of a message. */
  #openContent(open: Open, type: "output_text" | "refusal" | "output_audio"): string {
    let out = "";
    let message = this.#message;
    if (message === undefined) {
      message = this.#message = { id: this.#next("msg"), content: [] };
      out = this.#sayItem("added", messageItem(message, "in_progress"));
    }
    const at = `${this.#at(message.id)},"content_index":${message.content.length}`;
    const event = type === "output_audio" ? "response.audio" : `response.${type}`;
    open.prefix = `event: ${event}.delta\ndata: {"type":"${event}.delta",${at},"delta":`;
    open.told = true;
    const part = JSON.stringify(contentOf(open));
    return out + this.#say("response.content_part.added", `${at},"part":${part}`);
  }

  #openThought(open: Open, value: ReasoningPart): string {
    const id = this.#next("rs");
    const summary = this.#isSummary(value);
    const item = { id, type: "reasoning", summary: [], ...!summary && { content: [] } };
    const at = `${this.#at(id)},"${summary ? "summary" : "content"}_index":0`;
    const event = `response.reasoning_${summary ? "summary_text" : "text"}.delta`;
    open.prefix = `event: ${event}\ndata: {"type":"${event}",${at},"delta":`;
    open.told = true;
    const part = `${at},"part":${JSON.stringify(thought("", summary))}`;
    return this.#sayItem("added", item) +
      this.#say(`response.${summary ? "reasoning_summary" : "content"}_part.added`, part);
  }

  #isSummary(value: ReasoningPart): boolean {
    return value.summary === true || this.#asked.request.reasoning?.summary !== undefined;
  }

  #openCall(open: Open, value: ToolCallPart): string {
    const item = callOf(value, this.#next(value.custom ? "ctc" : "fc"), "", "in_progress");
    const event = `response.${value.custom ? "custom_tool_call_input" : "function_call_arguments"}`;
    open.prefix = `event: ${event}.delta\ndata: {"type":"${event}.delta",${
      this.#at(item.id as string)
    },"delta":`;
    return this.#sayItem("added", item);
  }

  #text(text: string, logprobs?: Parameters<typeof logprobsTo>[0]): string {
    const open = this.#open;
    if (open === undefined || (text === "" && logprobs === undefined)) return "";
    const { type } = open.value;
    let out = "";
    if (type === "reasoning" && !open.told) out = this.#openThought(open, open.value);
    open.text += text;
    if (type === "text") {
      const scores = logprobs === undefined ? [] : logprobsTo(logprobs);
      if (scores.length > 0) open.logprobs.push(...scores);
      if (this.#silent) return "";
      const told = scores.length > 0 ? JSON.stringify(scores) : "[]";
      return `${open.prefix}${JSON.stringify(text)},"logprobs":${told},"sequence_number":${this
        .#sequence++}}\n\n`;
    }
    if (type === "audio") {
      return this.#say("response.audio.transcript.delta", `"delta":${JSON.stringify(text)}`);
    }
    return out + this.#more(open, text);
  }

  #arguments(text: string): string {
    const open = this.#open;
    if (open?.value.type !== "tool_call" || text === "") return "";
    open.text += text;
    return this.#more(open, text);
  }

  #more(open: Open, text: string): string {
    if (this.#silent) return "";
    return `${open.prefix}${JSON.stringify(text)},"sequence_number":${this.#sequence++}}\n\n`;
  }

  #data(data: string): string {
    const open = this.#open;
    if (open === undefined) return "";
    const { value } = open;
    if (value.type === "image") open.text += data;
    if (value.type !== "audio") return "";
    open.value = heard(value, data);
    return this.#more(open, data);
  }

  #cite(open: Open, citation: Parameters<typeof annotationOf>[0]): string {
    const annotation = annotationOf(citation, open.text.length);
    const index = open.annotations.push(annotation) - 1;
    return this.#say(
      "response.output_text.annotation.added",
      `${this.#contentAt()},"annotation_index":${index},"annotation":${JSON.stringify(annotation)}`,
    );
  }

  #contentAt(): string {
    const { id, content } = this.#message!;
    return `${this.#at(id)},"content_index":${content.length}`;
  }

  #close(): string {
    const open = this.#open;
    if (open === undefined) return "";
    const { value } = open;
    let out = "";
    switch (value.type) {
      case "text":
      case "refusal":
      case "audio":
        out = this.#closeContent(open);
        break;
      case "reasoning":
        this.#open = undefined;
        return this.#closeThought(open, value);
      case "tool_call":
        out = this.#closeCall(open, value);
        break;
      case "image":
        out = this.#picture(open, value);
        break;
      case "native":
        if (value.format === format) {
          out = this.#sayItem("added", { ...value.value, status: "in_progress" }) +
            this.#done(value.value);
        }
    }
    this.#open = undefined;
    if (open.signature === undefined) return out;
    return out + this.#endMessage() + this.#mark(marks.previous, open.signature);
  }

  #closeContent(open: Open): string {
    const at = this.#contentAt();
    const { value } = open;
    const part = contentOf(open);
    this.#message!.content.push(part);
    if (value.type === "refusal") this.#refused = true;
    if (this.#silent) return "";
    const text = JSON.stringify(open.text);
    const over = value.type === "text"
      ? this.#say(
        "response.output_text.done",
        `${at},"text":${text},"logprobs":${JSON.stringify(open.logprobs)}`,
      )
      : value.type === "refusal"
      ? this.#say("response.refusal.done", `${at},"refusal":${text}`)
      : this.#say("response.audio.done", at) + this.#say("response.audio.transcript.done", at);
    return over + this.#say("response.content_part.done", `${at},"part":${JSON.stringify(part)}`);
  }

  #closeThought(open: Open, value: ReasoningPart): string {
    const { text, signature, told } = open;
    if (!told && signature === undefined) return ""; // nothing was thought
    const id = this.#next("rs");
    const summary = this.#isSummary(value) || !told;
    const part = thought(text, summary);
    let out = "";
    if (told) {
      const at = `${this.#at(id)},"${summary ? "summary" : "content"}_index":0`;
      const whole = `${at},"text":${JSON.stringify(text)}`;
      out = this.#say(`response.reasoning_${summary ? "summary_text" : "text"}.done`, whole) +
        this.#say(
          `response.${summary ? "reasoning_summary" : "content"}_part.done`,
          `${at},"part":${JSON.stringify(part)}`,
        );
    } else out = this.#sayItem("added", { id, type: "reasoning", summary: [] });
    const mark = value.redacted && signature?.format !== format ? marks.redacted : "";
    return out + this.#done({
      id,
      type: "reasoning",
      summary: told && summary ? [part] : [],
      ...!summary && { content: [part] },
      ...signature !== undefined && {
        encrypted_content: sealed({ ...signature, value: mark + signature.value }, format),
      },
    });
  }

  #closeCall(open: Open, value: ToolCallPart): string {
    let out = "";
    // Clients parse what they are given.
    if (open.text === "" && !value.custom) out = this.#arguments("{}");
    const item = callOf(value, this.#next(value.custom ? "ctc" : "fc"), open.text, "completed");
    if (this.#silent) return this.#done(item);
    const at = this.#at(item.id as string);
    const text = JSON.stringify(open.text);
    out += value.custom
      ? this.#say("response.custom_tool_call_input.done", `${at},"input":${text}`)
      : this.#say(
        "response.function_call_arguments.done",
        `${at},"name":${JSON.stringify(value.name)},"arguments":${text}`,
      );
    return out + this.#done(item);
  }

  #picture(open: Open, { source }: MediaPart): string {
    const begun = source.kind === "base64" ? source.data : source.kind === "url" ? source.url : "";
    const id = this.#next("ig");
    const item = {
      id,
      type: "image_generation_call",
      status: "completed",
      result: begun + open.text,
    };
    const at = this.#at(id);
    return this.#sayItem("added", { ...item, status: "in_progress", result: null }) +
      this.#say("response.image_generation_call.in_progress", at) +
      this.#say("response.image_generation_call.generating", at) +
      this.#say("response.image_generation_call.completed", at) + this.#done(item);
  }

  /** A signature of what stands before or after. */
  #mark(mark: string, signature: Signature): string {
    const id = this.#next("rs");
    const encrypted_content = sealed({ ...signature, value: mark + signature.value }, format);
    const item = { id, type: "reasoning", summary: [], encrypted_content };
    return this.#sayItem("added", { id, type: "reasoning", summary: [] }) + this.#done(item);
  }

  #endMessage(status = "completed"): string {
    const message = this.#message;
    if (message === undefined) return "";
    this.#message = undefined;
    return this.#done(messageItem(message, status));
  }

  #end(ending: Ending): string {
    const status = ending.status === "completed" ? "completed" : "incomplete";
    const out = this.#close() + this.#endMessage(status);
    const completed_at = ending.status === "completed"
      ? Math.floor(this.#asked.now() / 1000)
      : null;
    const tail = {
      service_tier: this.#tier ?? "default",
      completed_at,
      ...ending,
      output: this.#output,
      usage: usageTo(this.#usage),
    };
    this.#final = { ...this.#head, ...tail };
    if (this.#silent) return "";
    const response = `"response":${this.#headJson},${JSON.stringify(tail).slice(1)}`;
    return out + this.#say(`response.${ending.status}`, response);
  }

  #fail(fault: ChatFault): string {
    // The SDK throws at `error`; its types have the members beside it.
    const { error } = writeFault(fault);
    const { code, message, param } = error as Json;
    const members = JSON.stringify({ code, message, param, error }).slice(1, -1);
    const out = this.#close() + this.#endMessage("incomplete") + this.#say("error", members);
    return out + this.#end(failure(fault));
  }
}

function messageItem({ id, content }: { id: string; content: Json[] }, status: string): Json {
  return { id, type: "message", status, role: "assistant", content };
}

function contentOf({ value, text, annotations, logprobs }: Open): Json {
  if (value.type === "refusal") return { type: "refusal", refusal: text };
  if (value.type !== "audio") return { type: "output_text", text, annotations, logprobs };
  return {
    type: "output_audio",
    data: value.source.kind === "base64" ? value.source.data : "",
    transcript: text,
  };
}

function heard(value: MediaPart, data: string): MediaPart {
  const { source } = value;
  if (source.kind !== "base64") return value;
  return { ...value, source: { ...source, data: source.data + data } };
}

function thought(text: string, summary: boolean): Json {
  return { type: summary ? "summary_text" : "reasoning_text", text };
}

function callOf(value: ToolCallPart, id: string, text: string, status: string): Json {
  const { custom, id: call_id, name } = value;
  return {
    id,
    type: custom ? "custom_tool_call" : "function_call",
    status,
    ...custom ? { input: text } : { arguments: text },
    call_id,
    name,
  };
}
