/**
 * A stream of any format, put together as it comes. Framing is the gateway's own; each event is told by its
 * shape, as pieces are.
 */
import type { Event } from "../../../core/formats/frames.ts";
import { type Json, list, object, string } from "../../../core/formats/json.ts";
import { PartialArgs } from "../../../core/unified/codecs/gemini/partial-args.ts";
import { type Framer, framerFor } from "../../../core/unified/framing.ts";
import { type Answer, answerOf, type Choice, faultOf, grown } from "./answer.ts";
import { messagePieces, type Piece, piecesOf, textOf, thoughtApart } from "./pieces.ts";

type Call = Extract<Piece, { kind: "call" }>;

/** Puts an answer together. */
export class AnswerReader {
  readonly answer: Answer = { choices: [] };
  readonly #framer: Framer;
  /** Where the parts of the running answer are, by the stream's own number of them. */
  readonly #open = new Map<unknown, number>();
  /** Of the running call of Vertex AI. */
  #args: PartialArgs | undefined;

  constructor(contentType: string) {
    this.#framer = framerFor(contentType, (event) => this.#event(event));
  }

  /** More bytes; throws for an event over 32 MiB. */
  push(chunk: Uint8Array): void {
    this.#framer.push(chunk);
  }

  /** The body is over. */
  end(): void {
    this.#framer.end();
    for (const choice of this.answer.choices) {
      if (choice !== undefined) choice.pieces = thoughtApart(choice.pieces);
    }
  }

  #choice(index: unknown = 0): Choice {
    return this.answer
      .choices[typeof index === "number" && index >= 0 && index < 128 ? index : 0] ??= {
        pieces: [],
      };
  }

  #event({ json: value, name }: Event): void {
    const json = object(value);
    if (json === undefined) return;
    const type = string(json.type) ?? string(json.event_type) ?? name ?? "";
    const { answer } = this;
    answer.model ??= string(json.model ?? json.modelVersion ?? object(json.message)?.model);
    if (json.error || type === "error") answer.error ??= faultOf(json) ?? textOf(json);
    if (type.startsWith("response.")) return this.#response(type, json);
    if (/^(?:message|content_block|content|tool|citation)[_-]/.test(type)) {
      return this.#block(type, json);
    }
    const [first] = Object.keys(json);
    if (first !== undefined && /^(?:messageSt|contentBlock|metadata$)/.test(first)) {
      return this.#bedrock(json);
    }
    if (json.choices !== undefined) return this.#deltas(list(json.choices));
    if (/^content\.|^interaction\.|^step\./.test(type)) return this.#interaction(type, json);
    if (this.#pieceMeal(json)) return;
    // Gemini, Ollama, Workers AI, Cohere's first: each event is a small answer.
    const part = answerOf(json);
    for (const [i, { pieces, finish }] of part.choices.entries()) {
      const choice = this.#choice(i);
      if (type !== "stream-end") choice.pieces = grown(choice.pieces, pieces);
      choice.finish = finish ?? choice.finish;
    }
  }

  /** Vertex AI sends arguments value by value; true where the event is of such a call. */
  #pieceMeal(json: Json): boolean {
    const candidate = object(list(json.candidates)[0]);
    const calls = list(object(candidate?.content)?.parts).flatMap((part): Json[] =>
      [object(object(part)?.functionCall) ?? []].flat()
    );
    if (!calls.some((call) => call.willContinue || call.partialArgs !== undefined) && !this.#args) {
      return false;
    }
    for (const call of calls) {
      if (call.name !== undefined) {
        this.#args = new PartialArgs();
        const [id, name] = [string(call.id) ?? "", string(call.name) ?? ""];
        this.#start("partial", { kind: "call", id, name, arguments: "" });
      }
      if (this.#args === undefined) continue;
      this.#args.add(call);
      const { pieces } = this.#choice();
      const at = this.#open.get("partial")!;
      pieces[at] = { ...pieces[at] as Call, arguments: this.#args.text };
      if (call.willContinue !== true) this.#args = undefined;
    }
    this.#choice().finish = string(candidate?.finishReason) ?? this.#choice().finish;
    return calls.length > 0;
  }

  /** Puts a piece at the stream's own number of it. */
  #start(key: unknown, piece: Piece): void {
    const { pieces } = this.#choice();
    this.#open.set(key, pieces.length);
    pieces.push(piece);
  }

  #grow(key: unknown, kind: "text" | "reasoning" | "refusal", text: unknown): void {
    if (typeof text !== "string") return;
    const { pieces } = this.#choice();
    const at = this.#open.get(key);
    const piece = at === undefined ? undefined : pieces[at];
    if (piece?.kind === kind) pieces[at!] = { ...piece, text: piece.text + text };
    else this.#start(key, { kind, text });
  }

  #argue(key: unknown, text: unknown): void {
    const { pieces } = this.#choice();
    const at = this.#open.get(key) ?? -1;
    const piece = pieces[at];
    if (piece?.kind !== "call" || typeof text !== "string") return;
    pieces[at] = { ...piece, arguments: piece.arguments + text };
  }

  /** OpenAI's chat, and all who speak it. */
  #deltas(choices: readonly unknown[]): void {
    for (const value of choices) {
      const one = object(value) ?? {};
      const choice = this.#choice(one.index);
      choice.finish = string(one.finish_reason) ?? choice.finish;
      const { tool_calls, function_call, ...delta } = object(one.delta) ?? object(one.message) ??
        { content: one.text };
      choice.pieces = grown(choice.pieces, messagePieces(delta as Json));
      const calls = [
        ...list(tool_calls),
        ...function_call === undefined ? [] : [{ function: function_call }],
      ];
      for (const [i, given] of calls.entries()) {
        const call = object(given) ?? {};
        const told = object(call.function) ?? object(call.custom) ?? {};
        const key = `${one.index}/${
          call.index ?? (string(call.id) === undefined ? "last" : `${call.id}${i}`)
        }`;
        const at = this.#open.get(key);
        const old = at === undefined ? undefined : choice.pieces[at] as Call;
        const more = textOf(told.arguments ?? told.input ?? "");
        // Some providers give every call the number 0.
        if (old === undefined || (string(call.id) ?? old.id) !== old.id) {
          this.#open.set(key, choice.pieces.length).set(`${one.index}/last`, choice.pieces.length);
          const name = string(told.name) ?? "";
          choice.pieces.push({ kind: "call", id: string(call.id) ?? "", name, arguments: more });
        } else choice.pieces[at!] = { ...old, arguments: old.arguments + more };
      }
    }
  }

  /** Anthropic with underscores, Cohere with hyphens. */
  #block(type: string, json: Json): void {
    const delta = object(json.delta) ?? {};
    const message = object(delta.message) ?? {};
    const content = object(message.content) ?? {};
    const choice = this.#choice();
    switch (type) {
      case "message_start": // some begin anew
        choice.pieces = [];
        this.#open.clear();
        break;
      case "content_block_start": {
        const { input, ...block } = object(json.content_block) ?? {};
        const isCall = typeof block.type === "string" && block.type.endsWith("tool_use");
        const begun = isCall && Object.keys(object(input) ?? {}).length === 0 ? "" : input;
        const [piece] = piecesOf({ ...block, input: begun });
        if (piece !== undefined) this.#start(json.index, piece);
        else this.#open.delete(json.index);
        break;
      }
      case "content_block_delta":
        this.#grow(json.index, "text", delta.text);
        this.#grow(json.index, "reasoning", delta.thinking);
        this.#argue(json.index, delta.partial_json);
        break;
      case "content-start":
      case "content-delta":
        this.#grow(`content${json.index}`, "reasoning", content.thinking);
        this.#grow(`content${json.index}`, "text", content.text);
        break;
      case "tool-plan-delta":
        this.#grow("plan", "text", message.tool_plan);
        break;
      case "tool-call-start":
      case "tool-call-delta": {
        const call = object(message.tool_calls) ?? {};
        const told = object(call.function) ?? {};
        if (type === "tool-call-delta") return this.#argue(`call${json.index}`, told.arguments);
        this.#start(`call${json.index}`, {
          kind: "call",
          id: string(call.id) ?? "",
          name: string(told.name) ?? "",
          arguments: textOf(told.arguments ?? ""),
        });
        break;
      }
      case "message_delta":
      case "message-end":
        choice.finish = string(delta.stop_reason ?? delta.finish_reason) ?? choice.finish;
    }
  }

  #bedrock(json: Json): void {
    const start = object(json.contentBlockStart);
    const use = object(object(start?.start)?.toolUse);
    if (use !== undefined) {
      const [id, name] = [string(use.toolUseId) ?? "", string(use.name) ?? ""];
      this.#start(start!.contentBlockIndex, { kind: "call", id, name, arguments: "" });
    }
    const more = object(json.contentBlockDelta);
    const delta = object(more?.delta) ?? {};
    this.#grow(more?.contentBlockIndex, "text", delta.text);
    this.#grow(more?.contentBlockIndex, "reasoning", object(delta.reasoningContent)?.text);
    this.#argue(more?.contentBlockIndex, object(delta.toolUse)?.input);
    const finish = string(object(json.messageStop)?.stopReason);
    if (finish !== undefined) this.#choice().finish = finish;
  }

  /** OpenAI's Responses: the last event has the whole answer, one that was cut has only what came. */
  #response(type: string, json: Json): void {
    const whole = object(json.response);
    if (whole !== undefined) {
      this.answer.model ??= string(whole.model);
      const { choices, error } = answerOf(whole);
      if (error !== undefined) this.answer.error = error;
      if (/completed|incomplete|failed/.test(type) && choices[0] !== undefined) {
        this.answer.choices = choices;
      }
      return;
    }
    const item = object(json.item);
    const key = `${json.output_index}`;
    if (type === "response.output_item.added" && /_call$/.test(string(item?.type) ?? "")) {
      for (const piece of piecesOf(item)) this.#start(key, piece);
    } else if (/(?:output_text|reasoning\w*|refusal)\.delta$/.test(type)) {
      const kind = type.includes("reasoning")
        ? "reasoning"
        : type.includes("refusal")
        ? "refusal"
        : "text";
      const inner = `${key}/${kind}/${json.content_index ?? json.summary_index}`;
      this.#grow(inner, kind, json.delta);
    } else if (/(?:arguments|input)\.delta$/.test(type)) this.#argue(key, json.delta);
  }

  /** Gemini's interactions. */
  #interaction(type: string, json: Json): void {
    const whole = object(json.interaction);
    if (type === "interaction.complete" || type === "interaction.completed") {
      const { choices } = answerOf(whole);
      if ((choices[0]?.pieces.length ?? 0) > 0) this.answer.choices = choices;
      return;
    }
    this.answer.model ??= string(whole?.model);
    const delta = object(json.delta);
    if (delta === undefined) return;
    const choice = this.#choice();
    choice.pieces = grown(choice.pieces, piecesOf(delta));
  }
}
