/**
 * Replicate: a prediction, and the stream of its output as plain text.
 *
 * @module
 */
import { count, units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { list, object, string } from "./json.ts";

/** The format. */
export const replicate: Format = {
  matters: /^event: ?(?:done|error)/m,
  owns: (body) => "version" in body && object(body.urls) !== undefined && "status" in body,
  read(body, draft) {
    draft.name(body.model);
    const status = string(body.status);
    if (status !== undefined && status !== "starting" && status !== "processing") draft.end(status);
    draft.say(body.output);
    for (const piece of list(body.output)) draft.say(piece);
    const metrics = object(body.metrics);
    if (metrics === undefined) return;
    draft.use({
      input: count(metrics.input_token_count),
      output: count(metrics.output_token_count),
      units: units(["predict_time", metrics.predict_time]),
    });
  },
};

/** Reads an event whose data is no JSON. */
export function readTextEvent(name: string | undefined, data: string, draft: Draft): void {
  if (name === "error") draft.error = { code: null, message: data.slice(0, 1000) };
  if (name !== "output" && name !== "logs") return;
  draft.format = replicate;
  if (name === "output") draft.say(data);
}
