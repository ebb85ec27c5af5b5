/**
 * OpenAI's legacy completions, served by chats: a prompt is what a user says, and the answer its text.
 * A client's format only.
 *
 * @module
 */
import { Code, GatewayError } from "../../error.ts";
import type { Json } from "../../formats/json.ts";
import type { ChatAnswer, ChatRequest, Choice } from "../chat.ts";
import type { Asked, ChatCodec, StreamWriter } from "../codec.ts";
import { openAIChat } from "./openai-chat.ts";

/** Members that a chat has under the same name. */
const shared = [
  "model",
  "stream",
  "stream_options",
  "max_tokens",
  "temperature",
  "top_p",
  "n",
  "stop",
  "seed",
  "user",
  "presence_penalty",
  "frequency_penalty",
  "logit_bias",
];

/** As the codec of chats, but for the shape of request and answer. */
export const completions: ChatCodec = {
  ...openAIChat,

  readRequest(body): ChatRequest {
    const chat: Json = { messages: [{ role: "user", content: promptOf(body.prompt) }] };
    for (const name of shared) if (body[name] !== undefined) chat[name] = body[name];
    if (typeof body.logprobs === "number") {
      Object.assign(chat, { logprobs: true, top_logprobs: body.logprobs });
    }
    const request = openAIChat.readRequest(chat, {});
    const extra: Json = { ...request.extra };
    for (const [name, value] of Object.entries(body)) {
      const usual = name === "prompt" || name === "logprobs" || shared.includes(name) ||
        value === null || value === false || name === "best_of" && value === 1;
      if (!usual) extra[name] = value;
    }
    return { ...request, extra };
  },

  writeAnswer(answer: ChatAnswer, asked: Asked): Json {
    const { object: _, choices: __, ...head } = openAIChat.writeAnswer(answer, asked);
    return {
      ...head,
      object: "text_completion",
      choices: answer.choices.map((choice) => ({
        text: textOf(choice),
        index: choice.index,
        logprobs: logprobsOf(choice),
        finish_reason: reasonOf(choice.finish),
      })),
    };
  },

  writeStream(asked: Asked): StreamWriter {
    const { requestId, request, now } = asked;
    let head: Json = {};
    const line = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`;
    const chunk = (index: number, text: string, reason: string | null) =>
      line({ ...head, choices: [{ text, index, logprobs: null, finish_reason: reason }] });
    let usage: Json | undefined;
    return {
      write(event) {
        switch (event.type) {
          case "start":
            head = {
              id: event.id || `cmpl-${requestId}`,
              object: "text_completion",
              created: event.created ?? Math.floor(now() / 1000),
              model: asked.model,
            };
            return "";
          case "part_start":
            return event.value.type === "text" && event.value.text !== ""
              ? chunk(event.choice, event.value.text, null)
              : "";
          case "text":
            return chunk(event.choice, event.text, null);
          case "finish":
            return chunk(event.choice, "", reasonOf(event.finish));
          case "usage": {
            const { input = 0, output = 0 } = event.usage;
            usage = {
              prompt_tokens: input,
              completion_tokens: output,
              total_tokens: input + output,
            };
            return "";
          }
          case "error":
            return line(openAIChat.writeFault(event.fault, requestId));
          case "end":
            return (request.include_usage && usage !== undefined
              ? line({ ...head, choices: [], usage })
              : "") + "data: [DONE]\n\n";
          default:
            return "";
        }
      },
    };
  },
};

function promptOf(prompt: unknown): string {
  const [first, ...others] = Array.isArray(prompt) ? prompt : [prompt];
  if (typeof first === "string" && others.length === 0) return first;
  throw new GatewayError(
    400,
    Code.badRequest,
    "'prompt' is neither a string nor a list of one; a chat model takes one text at a time",
  );
}

function textOf({ parts }: Choice): string {
  return parts.map((part) => part.type === "text" ? part.text : "").join("");
}

function logprobsOf({ logprobs }: Choice): Json | null {
  if (logprobs === undefined) return null;
  let at = 0;
  return {
    tokens: logprobs.map(({ token }) => token),
    token_logprobs: logprobs.map(({ logprob }) => logprob),
    top_logprobs: logprobs.map(({ top = [] }) =>
      Object.fromEntries(top.map(({ token, logprob }) => [token, logprob]))
    ),
    text_offset: logprobs.map(({ token }) => (at += token.length) - token.length),
  };
}

function reasonOf(finish: Choice["finish"]): string {
  if (finish === "length" || finish === "context_window") return "length";
  return finish === "content_filter" || finish === "refusal" ? "content_filter" : "stop";
}
