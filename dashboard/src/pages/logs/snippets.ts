/** A logged request as code that sends it again. */
import { type Json, object, string } from "../../../../core/formats/json.ts";
import type { Piece } from "../../read/pieces.ts";
import type { Asked } from "../../read/request.ts";
import type { Format } from "./unified.ts";

export interface Snippet {
  name: "curl" | "openai-python" | "openai-ts" | "anthropic-python" | "anthropic-ts";
  code: string;
}

/** What there is to write down. */
export interface Sent {
  /** Base URL of the unified API, and of the provider on the gateway. */
  unified: string;
  native: string;
  model: string;
  format: Format | undefined;
  method: string;
  json: unknown;
  asked: Asked;
}

/** All that can be said of a request; what is no chat has only the first. */
export function snippetsOf(sent: Sent): Snippet[] {
  const curl: Snippet = { name: "curl", code: curlOf(sent) };
  if (sent.format === undefined) return [curl];
  const chat = sent.format === "chat" ? { ...object(sent.json), model: sent.model } : chatOf(sent);
  const { anthropic_version: _, ...message } = object(sent.json) ?? {};
  const messages = sent.format === "messages"
    ? { ...message, model: sent.model }
    : messagesOf(sent);
  const isStream = chat.stream === true;
  const root = sent.unified;
  return [
    curl,
    {
      name: "openai-python",
      code: `import os
from openai import OpenAI

client = OpenAI(
    base_url="${root}",
    api_key=os.environ["API_KEY"],
)
answer = client.chat.completions.create(
${args(chat)},
)
${
        isStream
          ? "for chunk in answer:\n    print(chunk)"
          : "print(answer.choices[0].message.content)"
      }`,
    },
    {
      name: "openai-ts",
      code: `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${root}",
  apiKey: process.env.API_KEY,
});
const answer = await client.chat.completions.create(${JSON.stringify(chat, null, 2)});
${
        isStream
          ? "for await (const chunk of answer) console.log(chunk);"
          : "console.log(answer.choices[0].message.content);"
      }`,
    },
    {
      name: "anthropic-python",
      code: `import os
import anthropic

client = anthropic.Anthropic(
    base_url="${root}",
    api_key=os.environ["API_KEY"],
)
message = client.messages.create(
${args(messages)},
)
${messages.stream === true ? "for event in message:\n    print(event)" : "print(message.content)"}`,
    },
    {
      name: "anthropic-ts",
      code: `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "${root}",
  apiKey: process.env.API_KEY,
});
const message = await client.messages.create(${JSON.stringify(messages, null, 2)});
${
        messages.stream === true
          ? "for await (const event of message) console.log(event);"
          : "console.log(message.content);"
      }`,
    },
  ];
}

function curlOf({ unified, native, model, format, method, json }: Sent): string {
  const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;
  const at: Partial<Record<Format, string>> = {
    chat: "chat/completions",
    responses: "responses",
    messages: "messages",
    cohere: "v2/chat",
  };
  const path = format && at[format];
  const url = path === undefined ? native : `${unified}/${path}`;
  const body = path === undefined ? json : { ...object(json), model };
  const lines = [
    `curl ${method === "POST" || method === "GET" ? "" : `-X ${method} `}${quoted(url)}`,
    `-H "authorization: Bearer $API_KEY"`,
    ...body === undefined
      ? []
      : [`-H 'content-type: application/json'`, `-d ${quoted(JSON.stringify(body, null, 2))}`],
  ];
  return lines.join(" \\\n  ");
}

const first = (parameters: Json, ...names: string[]): unknown =>
  names.map((name) => parameters[name]).find((value) => value !== undefined);

/** What most formats have, in OpenAI's words. */
function commonOf({ asked: { parameters }, model }: Sent): Json {
  const stop = first(parameters, "stop", "stop_sequences", "stopSequences");
  const given: Json = {
    model,
    max_tokens: first(
      parameters,
      ...[
        "max_tokens",
        "max_completion_tokens",
        "max_output_tokens",
        "maxOutputTokens",
        "maxTokens",
      ],
    ),
    temperature: parameters.temperature,
    top_p: first(parameters, "top_p", "topP", "p"),
    stop,
    stream: parameters.stream,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

const plain = (pieces: readonly Piece[]): string =>
  pieces.flatMap((piece) => piece.kind === "text" ? [piece.text] : []).join("\n");

function chatOf(sent: Sent): Json {
  const { asked } = sent;
  const messages = asked.turns.flatMap(({ role, pieces }): Json[] => {
    const results = pieces.flatMap((piece) =>
      piece.kind === "result"
        ? [{ role: "tool", tool_call_id: piece.id, content: plain(piece.pieces) }]
        : []
    );
    const calls = pieces.flatMap((piece) =>
      piece.kind === "call"
        ? [{
          id: piece.id,
          type: "function",
          function: { name: piece.name, arguments: piece.arguments },
        }]
        : []
    );
    const images = pieces.flatMap((piece) =>
      piece.kind === "media" && piece.media === "image" && piece.url !== undefined
        ? [{ type: "image_url", image_url: { url: piece.url } }]
        : []
    );
    const text = plain(pieces);
    const content = images.length === 0
      ? text
      : [...text ? [{ type: "text", text }] : [], ...images];
    const own = text === "" && calls.length === 0 && images.length === 0;
    return [
      ...results,
      ...own ? [] : [{ role, content, ...calls.length > 0 && { tool_calls: calls } }],
    ];
  });
  return {
    ...commonOf(sent),
    messages,
    ...asked.tools.length > 0 && {
      tools: asked.tools.map(({ name, description, schema }) => ({
        type: "function",
        function: { name, description, parameters: schema },
      })),
    },
  };
}

function messagesOf(sent: Sent): Json {
  const { asked } = sent;
  const { stop, ...common } = commonOf(sent);
  const isSystem = (role: string) => role === "system" || role === "developer";
  const system = asked.turns.filter(({ role }) => isSystem(role)).map(({ pieces }) =>
    plain(pieces)
  );
  const messages = asked.turns.filter(({ role }) => !isSystem(role)).map(({ role, pieces }) => ({
    role: role === "assistant" ? "assistant" : "user",
    content: pieces.flatMap(blockOf),
  }));
  return {
    max_tokens: 1024,
    ...common,
    ...stop !== undefined && { stop_sequences: [stop].flat() },
    ...system.length > 0 && { system: system.join("\n\n") },
    messages,
    ...asked.tools.length > 0 && {
      tools: asked.tools.map(({ name, description, schema }) => ({
        name,
        description,
        input_schema: schema ?? { type: "object" },
      })),
    },
  };
}

function blockOf(piece: Piece): Json[] {
  switch (piece.kind) {
    case "text":
      return [{ type: "text", text: piece.text }];
    case "call": {
      let input: unknown = {};
      try {
        input = JSON.parse(piece.arguments || "{}");
      } catch { /* free text has no place there */ }
      return [{ type: "tool_use", id: piece.id, name: piece.name, input }];
    }
    case "result":
      return [{ type: "tool_result", tool_use_id: piece.id, content: plain(piece.pieces) }];
    case "media": {
      const [, mime, data] = /^data:([^;,]+);base64,(.*)$/.exec(string(piece.url) ?? "") ?? [];
      const type = piece.media === "image" ? "image" : "document";
      if (data !== undefined) return [{ type, source: { type: "base64", media_type: mime, data } }];
      return piece.url === undefined ? [] : [{ type, source: { type: "url", url: piece.url } }];
    }
    default:
      return [];
  }
}

/** Members of an object as arguments of a call in Python. */
function args(body: Json): string {
  return Object.entries(body).map(([name, value]) => `    ${name}=${python(value, "    ")}`).join(
    ",\n",
  );
}

function python(value: unknown, indent: string): string {
  if (value === null || value === undefined) return "None";
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const inner = `${indent}    `;
  const isList = Array.isArray(value);
  const items = isList
    ? value.map((one) => python(one, inner))
    : Object.entries(value).filter(([, one]) => one !== undefined)
      .map(([name, one]) => `${JSON.stringify(name)}: ${python(one, inner)}`);
  const [open, close] = isList ? "[]" : "{}";
  if (items.length === 0) return `${open}${close}`;
  return `${open}\n${items.map((item) => `${inner}${item}`).join(",\n")},\n${indent}${close}`;
}
