/**
 * A stream for a client, as bytes of Amazon's event stream.
 *
 * @module
 */
import { AwsMessages } from "../../../formats/aws-encode.ts";
import type { Json } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type { ChatEvent, Finish, Part, Signature } from "../../chat.ts";
import type { Asked, StreamWriter } from "../../codec.ts";
import { argumentsOf, reasonOf, tierOf, writeUsage } from "./answer.ts";
import { writeCitation } from "./blocks-write.ts";
import { exceptionOf } from "./fault.ts";
import { behind, own, signatureText } from "./marks.ts";

const nothing = new Uint8Array(0);

/** Writes one stream. Only the first choice: this format asks for one. */
export class Writer implements StreamWriter {
  readonly #messages = new Map<string, AwsMessages>();
  #pieces: Uint8Array[] = [];
  #started = false;
  #tier: string | undefined;
  /** Of the open block. It is counted once something of it is told. */
  #index = -1;
  #open = false;
  #part: Part | undefined;
  /** Of a call or a text, for the block behind it. */
  #signature: Signature | undefined;
  #input = "";
  #calls = false;
  #usage: Usage | undefined;

  constructor(_asked: Asked) {}

  write(event: ChatEvent): Uint8Array {
    if (!("choice" in event) || event.choice === 0) this.#take(event);
    const [only] = this.#pieces;
    if (only === undefined) return nothing;
    const bytes = this.#pieces.length === 1 ? only : joined(this.#pieces);
    this.#pieces = [];
    return bytes;
  }

  #send(type: string, payload: Json): void {
    let messages = this.#messages.get(type);
    if (messages === undefined) {
      messages = new AwsMessages("event", type);
      this.#messages.set(type, messages);
    }
    this.#pieces.push(messages.write(payload));
  }

  #begin(): void {
    if (this.#started) return;
    this.#started = true;
    this.#send("messageStart", { role: "assistant" });
  }

  #delta(delta: Json): void {
    if (!this.#open) {
      this.#open = true;
      this.#index++;
    }
    this.#send("contentBlockDelta", { contentBlockIndex: this.#index, delta });
  }

  #take(event: ChatEvent): void {
    switch (event.type) {
      case "text":
        return this.#text(event.text);
      case "arguments":
        if (this.#part?.type === "tool_call" && this.#part.custom === true) {
          this.#input += event.text;
        } else if (event.text !== "") this.#delta({ toolUse: { input: event.text } });
        return;
      case "start":
        this.#tier = event.service_tier;
        this.#usage = event.usage;
        return this.#begin();
      case "part_start":
        this.#begin();
        return this.#start(event.value);
      case "data":
        return this.#delta({ image: { source: { bytes: event.data } } });
      case "signature":
        return this.#sign(event.signature);
      case "citation":
        if (this.#part?.type === "text") this.#delta({ citation: writeCitation(event.citation) });
        return;
      case "part_end":
        return this.#end();
      case "finish":
        return this.#finish(event.finish, event.extra);
      case "usage":
        this.#usage = event.usage;
        return;
      case "error": {
        const { message, status } = event.fault;
        const type = exceptionOf(event.fault);
        const more = type === "modelStreamErrorException" ? { originalStatusCode: status } : {};
        this.#pieces.push(new AwsMessages("exception", type).write({ message, ...more }));
        return;
      }
      case "end": {
        const tier = tierOf(this.#tier);
        this.#begin();
        this.#send("metadata", {
          usage: writeUsage(this.#usage),
          metrics: { latencyMs: 0 },
          ...tier !== undefined && { serviceTier: tier },
        });
      }
    }
  }

  #start(value: Part): void {
    this.#part = value;
    this.#signature = undefined;
    switch (value.type) {
      case "text":
        for (const citation of value.citations ?? []) {
          this.#delta({ citation: writeCitation(citation) });
        }
        break;
      case "tool_call":
        this.#calls = true;
        this.#block({ toolUse: { toolUseId: value.id, name: value.name } });
        if (value.custom === true) this.#input = value.arguments;
        else if (value.arguments !== "") this.#delta({ toolUse: { input: value.arguments } });
        break;
      case "image":
        if (value.source.kind === "base64") {
          const { mime, data } = value.source;
          this.#block({ image: { format: mime.replace(/^image\//, "") } });
          if (data !== "") this.#delta({ image: { source: { bytes: data } } });
        }
        break;
      case "native":
        this.#native(value.format === own ? value.value : {});
        break;
      case "audio":
        if (value.transcript !== undefined) this.#text(value.transcript);
    }
    if ("text" in value) this.#text(value.text);
    if ("signature" in value && value.signature !== undefined) this.#sign(value.signature);
  }

  #block(start: Json): void {
    this.#open = true;
    this.#send("contentBlockStart", { contentBlockIndex: ++this.#index, start });
  }

  #native(value: Json): void {
    const { toolUse, toolResult } = value as { toolUse?: Json; toolResult?: Json };
    if (toolUse !== undefined) {
      const { input, ...start } = toolUse;
      this.#block({ toolUse: start });
      this.#delta({ toolUse: { input: JSON.stringify(input ?? {}) } });
    } else if (toolResult !== undefined) {
      const { content, ...start } = toolResult;
      this.#block({ toolResult: start });
      this.#delta({ toolResult: content });
    }
  }

  #text(text: string): void {
    const type = this.#part?.type;
    if (text === "" || type === "image" || type === "tool_call" || type === "native") return;
    this.#delta(type === "reasoning" ? { reasoningContent: { text } } : { text });
  }

  #sign(signature: Signature): void {
    const part = this.#part;
    if (part?.type !== "reasoning") {
      this.#signature = signature;
      return;
    }
    const value = signatureText(part, signature);
    this.#delta({
      reasoningContent: part.redacted === true ? { redactedContent: value } : { signature: value },
    });
  }

  #end(): void {
    const part = this.#part;
    if (part?.type === "tool_call" && part.custom === true) {
      const input = argumentsOf({ arguments: this.#input, custom: true });
      this.#delta({ toolUse: { input: JSON.stringify(input) } });
    }
    this.#stop();
    if (this.#signature !== undefined) {
      this.#delta({ reasoningContent: { redactedContent: behind(this.#signature) } });
      this.#stop();
    }
    this.#signature = undefined;
    this.#part = undefined;
  }

  #stop(): void {
    if (this.#open) this.#send("contentBlockStop", { contentBlockIndex: this.#index });
    this.#open = false;
  }

  #finish(finish: Finish, extra: Json | undefined): void {
    this.#begin();
    this.#send("messageStop", {
      stopReason: reasonOf(finish, this.#calls, extra),
      ...extra?.additionalModelResponseFields !== undefined &&
        { additionalModelResponseFields: extra.additionalModelResponseFields },
    });
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
