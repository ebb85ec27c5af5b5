/**
 * Messages as items of an input. Ids of items go back only where this format's client sent them.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatRequest, Message, Part, ReasoningPart, ToolCallPart } from "../../chat.ts";
import type { Target } from "../../codec.ts";
import { type Lost, nativeName } from "../../lost.ts";
import { spokenResult } from "../../tool-error.ts";
import { extraOf, writeInput, writeOutput, type Writing } from "./content.ts";
import { format, isOurs, plainText } from "./shape.ts";

/** OpenAI takes no longer ones. */
const longestCallId = 64;

/** The conversation, and what stands outside of it. */
export function writeItems(
  request: ChatRequest,
  target: Target,
  lost: Lost,
): { instructions?: string; input: Json[] } {
  const writer = new ItemWriter(request, target, lost);
  const texts: string[] = [];
  for (const message of request.messages) {
    const text = message.instructions ? plainText(message.parts) : undefined;
    if (text === undefined) writer.write(message);
    else texts.push(text);
  }
  const { items: input } = writer;
  return texts.length === 0 ? { input } : { instructions: texts.join("\n\n"), input };
}

class ItemWriter implements Writing {
  readonly items: Json[] = [];
  readonly from: ChatRequest["format"];
  readonly lost: Lost;
  readonly #own: boolean;
  /** Messages of the running tool loop, whose thoughts the provider takes as they are. */
  readonly #loop: ReadonlySet<Message> = new Set();
  readonly #custom = new Set<string>();
  /** Of the reasoning item that is being put together. */
  #thought: { id: string | undefined; item: Json } | undefined;

  constructor(request: ChatRequest, target: Target, lost: Lost) {
    this.from = request.format;
    this.lost = lost;
    this.#own = request.format === format;
    if (target.takes?.includes("reasoning_content")) this.#loop = loopOf(request.messages);
  }

  write(message: Message): void {
    if (message.name !== undefined) this.lost.drop("messages.name");
    const said: Part[] = [];
    for (const part of message.parts) {
      const apart = part.type === "tool_call" || part.type === "tool_result" ||
        part.type === "reasoning" || isItem(part) ||
        message.role === "assistant" && part.type !== "text" && part.type !== "refusal";
      if (!apart) {
        said.push(part);
        continue;
      }
      this.#message(message, said.splice(0));
      this.#item(part, message);
    }
    this.#message(message, said);
    this.#thought = undefined;
  }

  #message(message: Message, parts: Part[]): void {
    if (parts.length === 0) return;
    this.#thought = undefined;
    const { role } = message;
    const id = this.#own ? message.id : undefined;
    const extra = extraOf(message, "messages", this.from, this.lost);
    const text = plainText(parts);
    const whole = id !== undefined && role === "assistant";
    const content: string | Json[] = text !== undefined && !whole
      ? text
      : role === "assistant"
      ? parts.flatMap((part): Json[] => writeOutput(part, this))
      : parts.flatMap((part) => writeInput(part, this));
    if (content.length === 0 && (text === undefined || role === "assistant")) return;
    this.items.push({
      ...id !== undefined && { type: "message", id },
      role,
      ...whole && { status: "completed" },
      content,
      ...extra,
    });
  }

  #item(part: Part, message: Message): void {
    if (part.type === "reasoning") return this.#reasoning(part, this.#loop.has(message));
    this.#thought = undefined;
    switch (part.type) {
      case "tool_call":
        this.items.push(this.#call(part));
        break;
      case "tool_result": {
        const { call_id } = part;
        const content = spokenResult(part);
        const custom = part.custom || this.#custom.has(call_id);
        this.items.push({
          type: custom ? "custom_tool_call_output" : "function_call_output",
          call_id: shortened(call_id),
          output: content.length === 0
            ? ""
            : plainText(content) ?? content.flatMap((one) => writeInput(one, this)),
          ...extraOf(part, "messages", this.from, this.lost),
        });
        break;
      }
      case "native":
        if (part.format === format) this.items.push(part.value);
        else this.lost.drop(`messages.${nativeName(part.value)}`);
        break;
      case "image":
        if (this.#own && part.id !== undefined && part.source.kind === "base64") {
          this.items.push({
            type: "image_generation_call",
            id: part.id,
            status: "completed",
            result: part.source.data,
            ...part.extra,
          });
          break;
        }
        this.lost.drop("messages.image");
        break;
      case "audio":
        // What was said stays.
        if (part.transcript) this.items.push({ role: "assistant", content: part.transcript });
        this.lost.drop("messages.audio");
        break;
      case "video":
      case "document":
        this.lost.drop(`messages.${part.type}`);
    }
  }

  #call(part: ToolCallPart): Json {
    const { id, name, custom, item_id } = part;
    if (custom) this.#custom.add(id);
    return {
      type: custom ? "custom_tool_call" : "function_call",
      ...this.#own && item_id !== undefined && { id: item_id },
      call_id: shortened(id),
      name,
      ...custom ? { input: part.arguments } : { arguments: part.arguments || "{}" },
      ...extraOf(part, "messages", this.from, this.lost),
    };
  }

  #reasoning(part: ReasoningPart, plain: boolean): void {
    const encrypted = part.signature?.format === format ? part.signature.value : undefined;
    const foreign = part.signature !== undefined && encrypted === undefined;
    // A thought without its signature means something to nobody but who takes plain ones, and here to
    // the provider that keeps it by its id.
    const kept = this.#own && !foreign && !isOurs(part.id);
    if (encrypted === undefined && !kept && !(plain && part.text !== "")) return;
    const id = this.#own ? part.id : undefined;
    const before = this.#thought;
    const item = id !== undefined && before?.id === id ? before.item : {
      type: "reasoning",
      ...id !== undefined && { id },
      summary: [] as Json[],
    } as Json;
    if (item !== before?.item) this.items.push(item);
    if (part.text !== "") {
      const asSummary = part.summary ?? (!this.#own && !plain);
      const member = asSummary ? "summary" : "content";
      const texts = (item[member] ??= []) as Json[];
      texts.push({ type: asSummary ? "summary_text" : "reasoning_text", text: part.text });
    }
    if (encrypted !== undefined) item.encrypted_content = encrypted;
    if (this.#own) Object.assign(item, part.extra);
    this.#thought = { id, item };
  }
}

/** What follows the last thing that the user said. */
function loopOf(messages: readonly Message[]): Set<Message> {
  const last = messages.findLastIndex(({ role, parts }) =>
    role === "user" && parts.some(({ type }) => type !== "tool_result")
  );
  return new Set(messages.slice(last + 1));
}

/** An item of this format that stands between messages, not in one. */
function isItem(part: Part): boolean {
  return part.type === "native" && part.extra?.content !== true;
}

/** The same for the same id, in a call and in its output. */
function shortened(id: string): string {
  return id.length <= longestCallId ? id : `call_${id.slice(5 - longestCallId)}`;
}
