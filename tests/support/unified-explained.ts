// Where what a client reads differs from what a provider said, and why that is as it should be.
import type { Recording, Told } from "./unified-told.ts";

export interface Explained {
  reason: string;
  /** Of the recording. */
  name: RegExp;
  /** Of the client; any unless given. */
  client?: RegExp;
  /** What the client is to read instead. */
  instead(told: Told): Told;
}

const alike = (change: Partial<Told>) => (told: Told): Told => ({ ...told, ...change });
const asRefusal = alike({ why: "refusal" });
const asFilter = alike({ why: "filter" });

/** Each of them is met, or its line can go. */
export const explained: readonly Explained[] = [
  {
    reason: "Anthropic's format knows one word for what is refused and what a filter stopped",
    name:
      /chat-blocked-filtered|finish-reason-safety(?!.*stream)|generate-content-filtered|chat-refusal/,
    client: /anthropic/,
    instead: asRefusal,
  },
  {
    reason: "Google's format knows only filters",
    name: /vercel-refusal|chat-refusal/,
    client: /google/,
    instead: asFilter,
  },
  {
    reason:
      "Why Claude refused stands apart from its answer, and is the text of a refusal elsewhere",
    name: /vercel-refusal/,
    instead: alike({
      text:
        "This request triggered restrictions on violative cyber content and was blocked under Anthropic's Usage Policy.",
    }),
  },
  {
    reason: "Free text for a tool is an object with one member where a format has no such tools",
    name: /responses-stream-custom-tool/,
    client: /anthropic|google/,
    instead: (told) => ({
      ...told,
      calls: told.calls.map(({ name, args }) => ({ name, args: { input: args } })),
    }),
  },
  {
    reason:
      "Code called the tools, and the model ended its turn; elsewhere calls are why it stopped",
    name: /programmatic-tool-calling/,
    client: /responses|google/,
    instead: alike({ why: "tools" }),
  },
  {
    reason: "Google's library wrote the number of the reason, not its name",
    name: /google-vertex-ai\/generate-content-plain$/,
    instead: alike({ why: "length" }),
  },
  {
    reason: "The same",
    name: /google-vertex-ai\/stream-generate-content-jsonarray-plain/,
    instead: alike({ why: "stop" }),
  },
];

/** The same for the clients of `unified-more-clients.ts`. */
export const explainedMore: readonly Explained[] = [
  explained.find(({ reason }) => reason.startsWith("Why Claude refused"))!,
  {
    reason: "Cohere's format has no word for either; the text says it, or nothing does",
    name:
      /chat-blocked-filtered|finish-reason-safety(?!.*stream)|generate-content-filtered|refusal/,
    client: /^cohere/,
    instead: alike({ why: "stop" }),
  },
  {
    reason: "The AI SDK and Amazon have one word for what is refused and what a filter stopped",
    name: /refusal/,
    client: /anthropic|google|bedrock/,
    instead: asFilter,
  },
  {
    reason: "The AI SDK does not read refusals of OpenAI's formats",
    name: /refusal/,
    client: /openai/,
    instead: alike({ why: "stop", text: "" }),
  },
  {
    reason: "The AI SDK's provider for OpenAI's chats reads no thoughts, which OpenAI's have not",
    name: /./,
    client: /openai chat/,
    instead: alike({ thoughts: "" }),
  },
  {
    ...explained.find(({ reason }) => reason.startsWith("Free text"))!,
    client: /anthropic|google|bedrock/,
  },
  {
    ...explained.find(({ reason }) => reason.startsWith("Code called"))!,
    client: /responses|google|cohere|bedrock/,
  },
  ...explained.filter(({ name }) => /vertex/.test(name.source)),
];

/** What a client is to read. */
export function expected(
  { name, told }: Recording,
  client: string,
  all: readonly Explained[],
  met: Set<Explained>,
): Told {
  let whole = told;
  for (const one of all) {
    if (!one.name.test(name) || (one.client !== undefined && !one.client.test(client))) continue;
    met.add(one);
    whole = one.instead(whole);
  }
  return whole;
}

/** Recordings that are no answer, and why. */
export const unanswered: readonly { reason: string; name: RegExp }[] = [
  { reason: "It ends with an error", name: /midstream/ },
  {
    reason: "Two answers were pasted into one",
    name: /spliced-message-start|stream-tool-search-.*|reasoning-encrypted-content-1/,
  },
];

/** Clients that cannot read what their format can say. */
export const unread: readonly {
  reason: string;
  name: RegExp;
  client: RegExp;
  streamed: readonly boolean[];
}[] = [
  {
    reason: "The helper for streams of OpenAI's SDK knows functions only",
    name: /responses-stream-custom-tool/,
    client: /^openai chat/,
    streamed: [true],
  },
  {
    reason: "The AI SDK's provider for OpenAI's chats knows functions only",
    name: /responses-stream-custom-tool/,
    client: /AI SDK openai chat/,
    streamed: [true, false],
  },
  {
    reason: "The AI SDK's provider for Responses refuses answers with a refusal",
    name: /refusal/,
    client: /AI SDK openai responses/,
    streamed: [false],
  },
  {
    reason: "The AI SDK's provider for Google takes several answers for one",
    name: /chat-parallel-tools-n2|openai\/chat-stream-tool-call-usage/,
    client: /AI SDK google/,
    streamed: [true],
  },
  {
    reason: "Amazon's SDK decodes pictures, and the recorded one was shortened",
    name: /openai\/vercel-responses-(?:stream-)?image-generation/,
    client: /bedrock/,
    streamed: [true, false],
  },
];
