/**
 * A whole answer for a client of Chat Completions. Beside OpenAI's members it has those that its clients
 * know from others: `reasoning_content`, OpenRouter's `reasoning_details` (what has to come back) and
 * `images`, Google's `extra_content`.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Usage } from "../../../usage/usage.ts";
import type {
  ChatAnswer,
  Choice,
  Citation,
  Finish,
  MediaPart,
  ReasoningPart,
  TokenLogprob,
} from "../../chat.ts";
import { placed } from "../../cited.ts";
import type { Asked } from "../../codec.ts";
import { urlOf } from "./media.ts";
import { writeDetail, writeGoogle } from "./thoughts.ts";

/** See `ChatCodec.writeAnswer`. */
export function writeAnswer(answer: ChatAnswer, asked: Asked): Json {
  const own = answer.format === "openai-chat";
  const { usage, service_tier, fingerprint } = answer;
  return {
    id: answer.id || `chatcmpl-${asked.requestId}`,
    object: "chat.completion",
    created: answer.created ?? Math.floor(asked.now() / 1000),
    model: answer.model || asked.model,
    choices: answer.choices.map((choice) => writeChoice(choice, own, asked)),
    ...usage !== undefined && { usage: writeUsage(usage) },
    ...service_tier !== undefined && { service_tier },
    ...fingerprint !== undefined && { system_fingerprint: fingerprint },
    ...own && answer.extra,
  };
}

function writeChoice(choice: Choice, own: boolean, asked: Asked): Json {
  const { parts, finish, logprobs } = choice;
  const message: Json = { role: "assistant", content: null, refusal: null };
  const thoughts: ReasoningPart[] = [];
  const calls: Json[] = [];
  const citations: Citation[] = [];
  let said = "";
  for (const part of parts) {
    switch (part.type) {
      case "text":
        for (const citation of part.citations ?? []) {
          citations.push(placed(citation, said.length, said.length + part.text.length));
        }
        message.content = said += part.text;
        if (part.signature !== undefined) message.extra_content = writeGoogle(part.signature);
        break;
      case "reasoning":
        thoughts.push(part);
        break;
      case "refusal":
        message.refusal = (message.refusal ?? "") + part.text;
        break;
      case "image":
        message.images = [...message.images as Json[] ?? [], writeImage(part)];
        break;
      case "audio":
        message.audio = writeAudio(part, asked);
        break;
      case "tool_call": {
        const { id, name, custom, signature } = part;
        const text = part.arguments;
        calls.push({
          id,
          type: custom ? "custom" : "function",
          ...custom
            ? { custom: { name, input: text } }
            : { function: { name, arguments: text || "{}" } },
          ...signature !== undefined && { extra_content: writeGoogle(signature) },
        });
      }
    }
  }
  const text = thoughts.map((part) => part.text).filter(Boolean).join("\n\n");
  if (text !== "") message.reasoning_content = text;
  if (thoughts.some(({ signature }) => signature !== undefined)) {
    message.reasoning_details = thoughts.map(writeDetail);
  }
  Object.assign(message, writeCitations(citations));
  const old = asked.request.legacy_functions === true;
  if (calls.length > 0) {
    if (old) message.function_call = calls[0]!.function;
    else message.tool_calls = calls;
  }
  const { message: more, ...extra } = own ? choice.extra ?? {} : {};
  const word = finishWord(finish, message.refusal !== null, old);
  return {
    index: choice.index,
    message: { ...message, ...more as Json },
    logprobs: logprobs === undefined ? null : writeLogprobs(logprobs),
    finish_reason: word,
    ...word !== finish && !(own && finish === "stop_sequence") && { native_finish_reason: finish },
    ...extra,
  };
}

/** OpenAI's word; it has five. */
export function finishWord(finish: Finish, refused: boolean, old: boolean): string {
  switch (finish) {
    case "length":
    case "context_window":
      return "length";
    case "tool_calls":
      return old ? "function_call" : "tool_calls";
    case "content_filter":
      return "content_filter";
    case "refusal":
      return refused ? "stop" : "content_filter";
    default:
      return "stop";
  }
}

/** In OpenAI's figures, `cost` in dollars as OpenRouter has it. */
export function writeUsage(usage: Usage): Json {
  const { input = 0, output = 0, cache_read, cache_write, cost } = usage;
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: usage.total ?? input + output,
    prompt_tokens_details: {
      cached_tokens: cache_read ?? 0,
      ...cache_write !== undefined && { cache_write_tokens: cache_write },
      ...usage.input_audio !== undefined && { audio_tokens: usage.input_audio },
      ...usage.input_image !== undefined && { image_tokens: usage.input_image },
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoning ?? 0,
      ...usage.output_audio !== undefined && { audio_tokens: usage.output_audio },
      ...usage.output_image !== undefined && { image_tokens: usage.output_image },
    },
    ...cost !== undefined && { cost },
  };
}

/**
 * `annotations`, and `document_citations` of their own: OpenAI's chats cite pages of the web only, and the
 * AI SDK refuses an answer with other annotations.
 */
export function writeCitations(all: readonly Citation[]): Json {
  const annotations: Json[] = [];
  const others: Json[] = [];
  for (const one of all) (isPage(one) ? annotations : others).push(writeCitation(one));
  return {
    ...annotations.length > 0 && { annotations },
    ...others.length > 0 && { document_citations: others },
  };
}

function isPage({ type, url = "" }: Citation): boolean {
  return type === "url" || /^https?:/i.test(url);
}

function writeCitation(citation: Citation): Json {
  const { url = "", title, cited_text, start, end, file_id, document_index } = citation;
  const range = { start_index: start ?? 0, end_index: end ?? 0 };
  if (isPage(citation)) {
    return {
      type: "url_citation",
      url_citation: {
        ...range,
        title: title ?? url,
        url,
        ...cited_text !== undefined && { content: cited_text },
      },
    };
  }
  return {
    type: "file_citation",
    file_citation: {
      ...range,
      ...file_id !== undefined && { file_id },
      ...title !== undefined && { filename: title },
      ...document_index !== undefined && { index: document_index },
      ...cited_text !== undefined && { quote: cited_text },
    },
  };
}

/** An entry of `images`. */
export function writeImage({ source }: MediaPart): Json {
  return { type: "image_url", image_url: { url: urlOf(source) ?? "" } };
}

function writeAudio(part: MediaPart, asked: Asked): Json {
  const { source, transcript = "", extra } = part;
  return {
    id: part.id ?? `audio_${asked.requestId}`,
    data: source.kind === "base64" ? source.data : "",
    // OpenAI keeps it for a day or so; others do not keep it.
    expires_at: extra?.expires_at ?? Math.floor(asked.now() / 1000),
    transcript,
  };
}

/** `{ content, refusal }` */
export function writeLogprobs(tokens: readonly TokenLogprob[]): Json {
  return {
    content: tokens.map(({ top = [], ...token }) => ({
      ...bare(token),
      top_logprobs: top.map(bare),
    })),
    refusal: null,
  };
}

function bare({ token, logprob, bytes = null }: TokenLogprob): Json {
  return { token, logprob, bytes };
}
