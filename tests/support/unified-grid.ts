// docs/compatibility.md, made by asking: each feature, from each client's format to each provider's.
import type { ChatFormat, ChatRequest, Part } from "../../core/unified/chat.ts";
import { codecs } from "./unified-codecs.ts";
import { Lost } from "../../core/unified/lost.ts";
import { providers } from "../../adapters/mod.ts";
import { loadDialects } from "../../adapters/spoken.ts";
import { gatewayOver } from "./unified-gateway.ts";
import { answerOf, providersOf, said, type Told, toldOf } from "./unified-provider.ts";

await loadDialects();

const png =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const pdf = "JVBERi0xLjQKJSVFT0Y=";
const schema = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

const user = (...parts: Part[]): ChatRequest["messages"][number] => ({ role: "user", parts });
const text = (words: string): Part => ({ type: "text", text: words });
const weather = {
  type: "function",
  name: "weather",
  description: "Tells it",
  parameters: schema,
} as const;
const call: Part = {
  type: "tool_call",
  id: "call_aaaaaaaaa",
  name: "weather",
  arguments: '{"city":"Paris"}',
};
const result = (content: Part[], more = {}): Part => ({
  type: "tool_result",
  call_id: "call_aaaaaaaaa",
  name: "weather",
  content,
  ...more,
});

const base = (more: Partial<ChatRequest> = {}): ChatRequest => ({
  format: "openai-chat",
  model: "m",
  stream: false,
  messages: [user(text("Hi"))],
  max_tokens: 1000,
  ...more,
});

const partsOf = ({ request }: Told): Part[] => request.messages.flatMap(({ parts }) => parts);
const has = (type: Part["type"], more: (part: never) => boolean = () => true) => (told: Told) =>
  partsOf(told).some((part) => part.type === type && more(part as never));
const mentions = (words: string) => (told: Told) => JSON.stringify(told.body).includes(words);

/** A thing to say, and how it is known that the provider was told. */
interface Probe {
  name: string;
  request: ChatRequest;
  told(told: Told): boolean;
}

const image = (source: unknown) => user(text("What is it?"), { type: "image", source } as Part);

/** What a user of this kind of software wants to say. */
const probes: readonly Probe[] = [
  { name: "text", request: base(), told: mentions("Hi") },
  { name: "streamed", request: base({ stream: true }), told: ({ request }) => request.stream },
  {
    name: "system prompt",
    request: base({ messages: [{ role: "system", parts: [text("Be brief")] }, user(text("Hi"))] }),
    told: mentions("Be brief"),
  },
  {
    name: "several turns",
    request: base({
      messages: [
        user(text("One")),
        { role: "assistant", parts: [text("Two")] },
        user(text("Three")),
      ],
    }),
    told: mentions("Two"),
  },
  {
    name: "image, base64",
    request: base({ messages: [image({ kind: "base64", mime: "image/png", data: png })] }),
    told: mentions(png),
  },
  {
    name: "image, URL",
    request: base({ messages: [image({ kind: "url", url: "https://example.com/a.png" })] }),
    told: mentions("https://example.com/a.png"),
  },
  {
    name: "PDF, base64",
    request: base({
      messages: [user(text("Read it"), {
        type: "document",
        source: { kind: "base64", mime: "application/pdf", data: pdf },
        name: "a.pdf",
      })],
    }),
    told: mentions(pdf),
  },
  {
    name: "audio",
    request: base({
      messages: [user(text("Listen"), {
        type: "audio",
        source: { kind: "base64", mime: "audio/wav", data: "UklGRg==" },
      })],
    }),
    told: mentions("UklGRg=="),
  },
  {
    name: "tools",
    request: base({ tools: [weather] }),
    told: ({ request }) => request.tools?.length === 1,
  },
  {
    name: "tool results",
    request: base({
      tools: [weather],
      messages: [
        user(text("Hi")),
        { role: "assistant", parts: [call] },
        user(result([text("sunny")])),
      ],
    }),
    told: (told) => has("tool_call")(told) && has("tool_result")(told) && mentions("sunny")(told),
  },
  {
    name: "tool result with an image",
    request: base({
      tools: [weather],
      messages: [
        user(text("Hi")),
        { role: "assistant", parts: [call] },
        user(result([text("see"), {
          type: "image",
          source: { kind: "base64", mime: "image/png", data: png },
        }])),
      ],
    }),
    told: mentions(png),
  },
  {
    name: "tool choice: required",
    request: base({ tools: [weather], tool_choice: { type: "required" } }),
    told: ({ request }) =>
      request.tool_choice?.type === "required" || request.tool_choice?.type === "tool",
  },
  {
    name: "tool choice: one tool",
    request: base({ tools: [weather], tool_choice: { type: "tool", name: "weather" } }),
    told: ({ request }) => request.tool_choice !== undefined && request.tool_choice.type !== "auto",
  },
  {
    name: "structured output",
    request: base({ output: { type: "json_schema", name: "place", schema } }),
    told: mentions("city"), // an object, or the JSON of it
  },
  {
    name: "reasoning effort",
    request: base({ reasoning: { effort: "low", visible: true }, max_tokens: 8000 }),
    told: ({ request }) => request.reasoning !== undefined,
  },
  {
    name: "web search",
    request: base({ tools: [{ type: "web_search" }] }),
    told: ({ request }) => request.tools?.some(({ type }) => type === "web_search") === true,
  },
  {
    name: "prompt cache marks",
    request: base({
      messages: [
        { role: "system", parts: [{ type: "text", text: "Long", cache: {} }] },
        user(text("Hi")),
      ],
    }),
    told: (told) => partsOf(told).some((part) => "cache" in part && part.cache !== undefined),
  },
];

const clientsOf: readonly { name: string; format: ChatFormat }[] = [
  { name: "OpenAI Chat Completions", format: "openai-chat" },
  { name: "OpenAI Responses", format: "openai-responses" },
  { name: "Anthropic Messages", format: "anthropic-messages" },
  { name: "Gemini generateContent", format: "gemini" },
  { name: "Cohere v2 chat", format: "cohere-v2" },
  { name: "Bedrock Converse", format: "bedrock-converse" },
];

const target = (provider: string, model: string) => ({
  provider,
  model,
  requestId: "019aa000-0000-7000-8000-000000000001",
  now: () => 1_790_000_000_000,
});

/** A request in a client's own words; nothing where it has none for it. */
function written(
  format: ChatFormat,
  probe: Probe,
  model: string,
): Record<string, unknown> | undefined {
  const lost = new Lost();
  // Anthropic's instructions stand outside of the conversation.
  const messages = probe.request.messages.map((message) =>
    message.role === "system" && format === "anthropic-messages"
      ? { ...message, instructions: true }
      : message
  );
  // The newest models of a format can say the most.
  const best = {
    gemini: "gemini-3-pro-preview",
    "anthropic-messages": "claude-sonnet-4-5",
    "cohere-v2": "command-a-reasoning-08-2025",
    "bedrock-converse": "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
  } as Record<string, string>;
  const body = codecs[format].writeRequest(
    { ...probe.request, format, messages },
    target("x", best[format] ?? "gpt-5"),
    lost,
  );
  if (lost.names.length > 0) return undefined;
  if (format !== "gemini" && format !== "bedrock-converse") body.model = model;
  return body;
}

const pathOf = (format: ChatFormat, model: string, stream: boolean): string => ({
  "openai-chat": "/v1/chat/completions",
  "openai-responses": "/v1/responses",
  "anthropic-messages": "/v1/messages",
  gemini: `/v1beta/models/${model}:${stream ? "streamGenerateContent?alt=sse" : "generateContent"}`,
  "cohere-v2": "/compat/v2/chat",
  "bedrock-converse": `/compat/model/${encodeURIComponent(model)}/${
    stream ? "converse-stream" : "converse"
  }`,
}[format]);

/** `yes`, `yes` with what was lost, `no`, or nothing where the client cannot say it. */
async function cell(
  client: ChatFormat,
  probe: Probe,
  { format, model }: typeof providersOf[number],
): Promise<string> {
  const body = written(client, probe, model);
  if (body === undefined) return "";
  let told: Told | undefined;
  // Claude on Bedrock is asked in the client's own words, of the two that it knows.
  const spoken = client === "bedrock-converse" && model.startsWith("aws-bedrock/")
    ? client
    : format;
  const gateway = gatewayOver(async (sent) => {
    told = await toldOf(spoken, sent);
    return said(spoken, told, answerOf(spoken, [text("Yes")]));
  });
  const response = await gateway(
    new Request(`http://gateway.test${pathOf(client, model, probe.request.stream)}`, {
      method: "POST",
      headers: { "content-type": "application/json", authorization: "Bearer k" },
      body: JSON.stringify(body),
    }),
  );
  await response.text();
  const dropped = response.headers.get("x-sluice-dropped");
  if (!response.ok || told === undefined) return `no (${response.status})`;
  if (probe.told(told)) return dropped === null ? "yes" : `yes, without ${list(dropped)}`;
  return dropped === null ? "UNTOLD" : `no: ${list(dropped)}`;
}

const list = (names: string): string => names.split(",").map((name) => `\`${name}\``).join(", ");

/** Settings, and a value that is no default. */
const settings: readonly [name: string, more: Partial<ChatRequest>][] = [
  ["max_tokens", { max_tokens: 77 }],
  ["temperature", { temperature: 0.3 }],
  ["top_p", { top_p: 0.4 }],
  ["top_k", { top_k: 7 }],
  ["min_p", { min_p: 0.1 }],
  ["seed", { seed: 7 }],
  ["stop", { stop: ["END"] }],
  ["frequency_penalty", { frequency_penalty: 0.5 }],
  ["presence_penalty", { presence_penalty: 0.5 }],
  ["logit_bias", { logit_bias: { 5: 1 } }],
  ["n", { n: 2 }],
  ["logprobs", { logprobs: true, top_logprobs: 2 }],
  ["parallel_tool_calls: false", { tools: [weather], parallel_tool_calls: false }],
  ["output: JSON", { output: { type: "json" } }],
  ["verbosity", { verbosity: "low" }],
  ["user", { user: "u1" }],
  ["metadata", { metadata: { a: "b" } }],
  ["service_tier", { service_tier: "priority" }],
  ["store", { store: true }],
  ["prompt_cache_key", { prompt_cache_key: "k" }],
];

/** Where a setting stands in what is written for a provider; what is lost of it. */
function placeOf(
  more: Partial<ChatRequest>,
  { format, model: named }: typeof providersOf[number],
): string {
  const slash = named.indexOf("/");
  const slug = named.slice(0, slash);
  const dialect = providers.find((row) => row.slug === slug)?.dialect;
  const write = (request: ChatRequest): [Record<string, unknown>, readonly string[]] => {
    const lost = new Lost();
    const to = {
      ...target(slug, named.slice(slash + 1)),
      ...dialect?.takes && { takes: dialect.takes },
    };
    const body = codecs[format].writeRequest(request, to, lost);
    return [dialect?.request?.(structuredClone(body), format, lost, to) ?? body, lost.names];
  };
  const foreign = format === "openai-chat" ? "openai-responses" : "openai-chat";
  const [without] = write(base({ format: foreign, ...more.tools && { tools: more.tools } }));
  const [body, lost] = write(base({ format: foreign, ...more }));
  const paths = differing(without, body);
  if (paths.length > 0) {
    return paths.map((path) => `\`${path}\``).join(", ") +
      (lost.length > 0 ? `, without ${list(lost.join(","))}` : "");
  }
  return lost.length > 0 ? "lost" : "UNTOLD";
}

function differing(a: unknown, b: unknown, at = ""): string[] {
  if (JSON.stringify(a) === JSON.stringify(b)) return [];
  const isPlain = (one: unknown) => typeof one === "object" && one !== null && !Array.isArray(one);
  if (!isPlain(b) || (a !== undefined && !isPlain(a))) return [at];
  const [from, to] = [a ?? {}, b] as [Record<string, unknown>, Record<string, unknown>];
  return [...new Set([...Object.keys(from), ...Object.keys(to)])]
    .flatMap((key) => differing(from[key], to[key], at === "" ? key : `${at}.${key}`));
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

/** The page. */
export async function compatibility(): Promise<string> {
  const columns = providersOf.map(({ name }) => name);
  const parts = [
    "# Compatibility",
    "What the [unified API](unified-api.md) carries from which client to which provider. This page is " +
    "made by a test that asks: it writes each thing in the client's format, sends it through the gateway, " +
    "and looks at what the provider was told.",
    "`yes`: the provider was told. `yes, without ...`: it was, and what is named is not part of it. " +
    "`no: ...`: it could not be told, and `x-sluice-dropped` says so. Empty: the client's format has no " +
    "words for it. Streams, tools, errors and usage come back in the client's format from all of them.",
  ];
  for (const { name, format } of clientsOf) {
    const rows: string[][] = [];
    for (const probe of probes) {
      const cells: string[] = [];
      for (const provider of providersOf) cells.push(await cell(format, probe, provider));
      rows.push([probe.name, ...cells]);
    }
    parts.push(`## Clients of ${name}`, table(["", ...columns], rows));
  }
  parts.push(
    "## Settings",
    "Where each setting stands in the request to a provider, by OpenAI's name; `lost` is reported. The " +
      "models asked are those of the tests: " +
      providersOf.map(({ name, model }) => `${name} is \`${model}\``).join(", ") + ".",
    table(
      ["", ...columns],
      settings.map(([name, more]) => [
        `\`${name}\``,
        ...providersOf.map((provider) => placeOf(more, provider)),
      ]),
    ),
  );
  return `${parts.join("\n\n")}\n`;
}
