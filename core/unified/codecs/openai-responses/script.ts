/**
 * The events of a stream for a client as they are said, and the items that they come to.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { MediaPart, ToolCallPart } from "../../chat.ts";
import { itemId } from "./shape.ts";

/** Numbers events and items. */
export class Script {
  /** Items that are done. */
  readonly output: Json[] = [];
  /** Of the response. */
  id = "";
  /** Only the items are wanted, no events. */
  readonly silent: boolean;
  #sequence = 0;

  constructor(silent: boolean) {
    this.silent = silent;
  }

  /** One event. @param members JSON of the members beside `type` and `sequence_number`. */
  say(type: string, members: string): string {
    return this.more(`${opening(type)}${members}`, "");
  }

  /** One event of many that begin alike. */
  more(prefix: string, rest: string): string {
    if (this.silent) return "";
    return `${prefix}${rest},"sequence_number":${this.#sequence++}}\n\n`;
  }

  /** Id of the item that comes next. */
  next(kind: string): string {
    return itemId(kind, this.id, this.output.length);
  }

  /** Which item an event is of. */
  at(id: string): string {
    return `"item_id":"${id}","output_index":${this.output.length}`;
  }

  /** An item opens. */
  added(item: Json): string {
    return this.#item("added", item);
  }

  /** An item is done, and the next one may open. */
  done(item: Json): string {
    const out = this.#item("done", item);
    this.output.push(item);
    return out;
  }

  #item(what: string, item: Json): string {
    if (this.silent) return "";
    const members = `"output_index":${this.output.length},"item":${JSON.stringify(item)}`;
    return this.say(`response.output_item.${what}`, members);
  }
}

/** How an event begins; members follow. */
export function opening(type: string): string {
  return `event: ${type}\ndata: {"type":"${type}",`;
}

/** A message of the model. */
export interface Said {
  id: string;
  content: Json[];
}

/** The item of a message. */
export function messageItem({ id, content }: Said, status: string): Json {
  return { id, type: "message", status, role: "assistant", content };
}

/** The item of a call. */
export function callItem(value: ToolCallPart, id: string, text: string, status: string): Json {
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

/** The image is made: no more is told of it before it is there. */
export function sayPicture(script: Script, { source }: MediaPart, more: string): string {
  const begun = source.kind === "base64" ? source.data : source.kind === "url" ? source.url : "";
  const id = script.next("ig");
  const item = { id, type: "image_generation_call", status: "completed", result: begun + more };
  const at = script.at(id);
  return script.added({ ...item, status: "in_progress", result: null }) +
    script.say("response.image_generation_call.in_progress", at) +
    script.say("response.image_generation_call.generating", at) +
    script.say("response.image_generation_call.completed", at) + script.done(item);
}
