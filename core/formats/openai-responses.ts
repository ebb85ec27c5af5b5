/**
 * OpenAI Responses: the whole object, and the stream of typed events whose last holds the object again.
 *
 * @module
 */
import { units } from "./counts.ts";
import type { Draft, Format } from "./draft.ts";
import { faultOf } from "./fault.ts";
import { type Json, list, object, string } from "./json.ts";
import { openAIUsage } from "./openai-usage.ts";

/** Events whose `delta` was written by the model. */
const spoken =
  /^response\.(?:output_text|reasoning_text|reasoning_summary_text|refusal|audio\.transcript|function_call_arguments|custom_tool_call_input|mcp_call_arguments|code_interpreter_call_code)\.delta$/;
const terminal = /^response\.(?:completed|incomplete|failed|cancelled)$/;

/** The format. */
export const openAIResponses: Format = {
  matters: /"type"\s*:\s*"(?:response\.(?:completed|incomplete|failed|cancelled)|error)"|\[DONE\]/,
  owns: ({ type, object }) =>
    object === "response" || (typeof type === "string" && type.startsWith("response.")),
  read(body, draft) {
    draft.kind ??= "chat";
    if (body.object === "response") return readResponse(body, draft, true);
    const type = body.type as string;
    if (spoken.test(type)) return draft.say(body.delta);
    const response = object(body.response);
    if (terminal.test(type)) {
      draft.done = true;
      if (response !== undefined) readResponse(response, draft, false);
    } else if (response !== undefined) {
      draft.name(response.model);
    } else if (type === "response.output_item.added") {
      const item = object(body.item);
      if (string(item?.type)?.endsWith("_call") === true) {
        draft.content = true;
        draft.say(item?.name);
      }
    } else if (/^response\.(?:audio\.delta|image_generation_call\.partial_image)$/.test(type)) {
      draft.content = true;
    }
  },
};

function readResponse(response: Json, draft: Draft, whole: boolean): void {
  draft.name(response.model);
  const status = string(response.status);
  if (status !== undefined && !/^(?:queued|in_progress)$/.test(status)) {
    draft.end(string(object(response.incomplete_details)?.reason) ?? status);
  }
  if (object(response.error) !== undefined) draft.error = faultOf(response);
  if (whole) { for (const item of list(response.output)) sayItem(object(item), draft); }
  // What is fetched by its id was counted when it was made, unless that was in the background.
  if (draft.kind === "other" && response.background === true) draft.kind = "chat";
  const usage = object(response.usage);
  if (usage === undefined) return;
  draft.use(openAIUsage(usage, draft.source));
  const searches = object(object(response.tool_usage)?.web_search)?.num_requests;
  draft.use({ units: units(["web_search_requests", searches]) });
}

function sayItem(item: Json | undefined, draft: Draft): void {
  if (item === undefined) return;
  for (const part of [...list(item.summary), ...list(item.content)]) {
    const one = object(part);
    draft.say(one?.text);
    draft.say(one?.refusal);
  }
  if (string(item.type)?.endsWith("_call") === true) {
    draft.say(item.name);
    draft.say(item.arguments);
    draft.say(item.input);
    draft.say(item.code);
  }
}
