/**
 * A whole answer for a client: the response object at the end of the stream that it would be.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatAnswer } from "../../chat.ts";
import type { Asked } from "../../codec.ts";
import { ResponsesWriter } from "./stream-write.ts";

/** Writes a response object. */
export function writeAnswer(answer: ChatAnswer, asked: Asked): Json {
  const writer = new ResponsesWriter(asked, true);
  const { format: _, choices, usage, ...told } = answer;
  writer.write({ type: "start", ...told });
  const [choice] = choices;
  for (const [part, value] of choice?.parts.entries() ?? []) {
    const at = { choice: 0, part };
    writer.write({ type: "part_start", ...at, value });
    // They are the choice's, and stand at its first text here.
    if (
      value.type === "text" && choice!.logprobs !== undefined &&
      choice!.parts.indexOf(value) === part
    ) {
      const first = choice!.parts.find(({ type }) => type === "text");
      if (first === value) {
        writer.write({ type: "text", ...at, text: "", logprobs: choice!.logprobs });
      }
    }
    writer.write({ type: "part_end", ...at });
  }
  writer.write({ type: "finish", choice: 0, finish: choice?.finish ?? "error" });
  if (usage !== undefined) writer.write({ type: "usage", usage });
  writer.write({ type: "end" });
  return writer.response!;
}
