/** Ready lines of code that reach a gateway. */
import { account } from "../../api.ts";
import { type Provider, specialOf, versionOf } from "./providers.ts";

/** What is to be reached, and how. */
export interface Target {
  gateway: string;
  /** The unified API without it. */
  provider: Provider | undefined;
  model: string;
  /** A virtual key in the place of the provider's; or the caller's own, and beside it a virtual one. */
  key: "virtual" | "own";
  /** The gateway lets nobody in without a virtual key. */
  guarded: boolean;
}

export interface Snippet {
  name: string;
  code: string;
}

/** Where the gateway is, as this page reached it. */
export function rootOf(gateway: string): string {
  return `${location.origin}/v1/${account}/${encodeURIComponent(gateway)}`;
}

/** The base URL that a client is given. */
export function baseOf({ gateway, provider }: Target): string {
  const root = rootOf(gateway);
  if (provider === undefined) return `${root}/compat`;
  const isOpenAI = provider.format === "openai-chat" && !hasSpecial(provider.slug);
  return `${root}/${provider.slug}${isOpenAI ? versionOf(provider) : ""}`;
}

const hasSpecial = (slug: string): boolean => specialOf(slug, "") !== undefined;

/** Environment variable in which snippets have the key that goes into the place of the provider's. */
export function variableOf({ key, provider, model }: Target): string {
  if (key === "virtual") return "SLUICE_KEY";
  const slug = provider?.slug ?? model.split("/")[0]!;
  if (slug === "google-ai-studio" || slug === "google") return "GEMINI_API_KEY";
  return `${slug.toUpperCase().replace(/\W+/g, "_")}_API_KEY`;
}

/** True where a virtual key goes along in a header of its own. */
export const hasOwnHeader = ({ key, guarded }: Target): boolean => key === "own" && guarded;

export interface Request {
  url: string;
  /** Header of the key and the word before it. */
  key: [header: string, scheme: string];
  headers: Record<string, string>;
  body: unknown;
  /** Instead of a body. */
  curl?: string | undefined;
  /** A small chat, or embeddings: it may be sent from this page. */
  isSmall: boolean;
}

/** The request that curl sends, and the test. */
export function requestOf(target: Target, text = "Hello"): Request {
  const { provider, model } = target;
  const base = baseOf(target);
  const messages = [{ role: "user", content: text }];
  const bearer: [string, string] = ["authorization", "Bearer "];
  const special = provider && specialOf(provider.slug, model);
  if (special !== undefined) {
    return {
      url: `${base}/${special.path}`,
      key: special.key ?? bearer,
      headers: {},
      body: special.body,
      curl: special.curl,
      isSmall: special.path === "embeddings",
    };
  }
  const common = { headers: {}, isSmall: true, key: bearer };
  switch (provider?.format) {
    case "anthropic-messages":
      return {
        ...common,
        url: `${base}/v1/messages`,
        key: ["x-api-key", ""],
        headers: { "anthropic-version": "2023-06-01" },
        body: { model, max_tokens: 64, messages },
      };
    case "gemini":
      return {
        ...common,
        url: `${base}/v1beta/models/${model}:generateContent`,
        key: ["x-goog-api-key", ""],
        body: { contents: [{ role: "user", parts: [{ text }] }] },
      };
    case "cohere-v2":
      return { ...common, url: `${base}/v2/chat`, body: { model, messages } };
    case "openai-responses":
      return { ...common, url: `${base}/responses`, body: { model, input: text } };
    case "none":
      return { ...common, url: base, body: undefined, isSmall: false };
    default:
      return { ...common, url: `${base}/chat/completions`, body: { model, messages } };
  }
}

/** Python and TypeScript by the client that the format has. */
export function snippetsOf(target: Target): Snippet[] {
  const curl = { name: "curl", code: curlOf(target) };
  const { provider } = target;
  if (provider === undefined) {
    return [
      curl,
      { name: "Python · OpenAI", code: openaiPython(target) },
      { name: "Python · Anthropic", code: anthropicPython(target) },
      { name: "Python · Google", code: googlePython(target) },
      { name: "TypeScript · OpenAI", code: openaiTypeScript(target) },
      { name: "TypeScript · Anthropic", code: anthropicTypeScript(target) },
      { name: "TypeScript · Google", code: googleTypeScript(target) },
    ];
  }
  if (hasSpecial(provider.slug)) return [curl];
  switch (provider.format) {
    case "openai-chat":
      return [
        curl,
        { name: "Python", code: openaiPython(target) },
        { name: "TypeScript", code: openaiTypeScript(target) },
      ];
    case "anthropic-messages":
      return [
        curl,
        { name: "Python", code: anthropicPython(target) },
        { name: "TypeScript", code: anthropicTypeScript(target) },
      ];
    case "gemini":
      return [
        curl,
        { name: "Python", code: googlePython(target) },
        { name: "TypeScript", code: googleTypeScript(target) },
      ];
    default:
      return [curl];
  }
}

function curlOf(target: Target): string {
  const { url, key: [header, scheme], headers, body, curl } = requestOf(target);
  const lines = [
    `curl ${/[?&]/.test(url) ? `"${url}"` : url}`,
    `-H "${header === "authorization" ? "Authorization" : header}: ${scheme}$${
      variableOf(target)
    }"`,
    ...hasOwnHeader(target) ? ['-H "cf-aig-authorization: Bearer $SLUICE_KEY"'] : [],
    ...Object.entries(headers).map(([name, value]) => `-H "${name}: ${value}"`),
    ...curl !== undefined
      ? [curl]
      : body === undefined
      ? []
      : ['-H "Content-Type: application/json"', `-d '${JSON.stringify(body)}'`],
  ];
  return lines.join(" \\\n  ");
}

const env = (name: string) => `os.environ["${name}"]`;
const pythonHeaders = (target: Target, before: string, after: string): string =>
  hasOwnHeader(target)
    ? `\n    ${before}{"cf-aig-authorization": "Bearer " + ${env("SLUICE_KEY")}}${after},`
    : "";
const scriptHeaders = (target: Target, name: string): string =>
  hasOwnHeader(target)
    ? `\n  ${name}: { "cf-aig-authorization": \`Bearer \${process.env.SLUICE_KEY}\` },`
    : "";

function openaiPython(target: Target): string {
  return `import os
from openai import OpenAI

client = OpenAI(
    base_url="${baseOf(target)}",
    api_key=${env(variableOf(target))},${pythonHeaders(target, "default_headers=", "")}
)
answer = client.chat.completions.create(
    model="${target.model}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`;
}

function openaiTypeScript(target: Target): string {
  return `import OpenAI from "openai";

const client = new OpenAI({
  baseURL: "${baseOf(target)}",
  apiKey: process.env.${variableOf(target)},${scriptHeaders(target, "defaultHeaders")}
});
const answer = await client.chat.completions.create({
  model: "${target.model}",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`;
}

function anthropicPython(target: Target): string {
  return `import os
from anthropic import Anthropic

client = Anthropic(
    base_url="${baseOf(target)}",
    api_key=${env(variableOf(target))},${pythonHeaders(target, "default_headers=", "")}
)
answer = client.messages.create(
    model="${target.model}",
    max_tokens=1024,
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.content[0].text)`;
}

function anthropicTypeScript(target: Target): string {
  return `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({
  baseURL: "${baseOf(target)}",
  apiKey: process.env.${variableOf(target)},${scriptHeaders(target, "defaultHeaders")}
});
const answer = await client.messages.create({
  model: "${target.model}",
  max_tokens: 1024,
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.content);`;
}

function googlePython(target: Target): string {
  const headers = hasOwnHeader(target)
    ? `, headers={"cf-aig-authorization": "Bearer " + ${env("SLUICE_KEY")}}`
    : "";
  return `import os
from google import genai
from google.genai import types

client = genai.Client(
    api_key=${env(variableOf(target))},
    http_options=types.HttpOptions(base_url="${baseOf(target)}"${headers}),
)
answer = client.models.generate_content(model="${target.model}", contents="Hello")
print(answer.text)`;
}

function googleTypeScript(target: Target): string {
  const headers = hasOwnHeader(target)
    ? '\n    headers: { "cf-aig-authorization": `Bearer ${process.env.SLUICE_KEY}` },'
    : "";
  return `import { GoogleGenAI } from "@google/genai";

const client = new GoogleGenAI({
  apiKey: process.env.${variableOf(target)},
  httpOptions: {
    baseUrl: "${baseOf(target)}",${headers}
  },
});
const answer = await client.models.generateContent({
  model: "${target.model}",
  contents: "Hello",
});
console.log(answer.text);`;
}

/** One provider, and another one that stands in for it. */
export function universalExample(gateway: string): string {
  const step = (model: string) => ({
    provider: "compat",
    endpoint: "chat/completions",
    query: { model, messages: [{ role: "user", content: "Hello" }] },
  });
  const steps = JSON.stringify(
    [step("anthropic/claude-haiku-4-5"), step("openai/gpt-4o-mini")],
    null,
    2,
  );
  return `curl ${rootOf(gateway)} \\
  -H "cf-aig-authorization: Bearer $SLUICE_KEY" \\
  -H "Content-Type: application/json" \\
  -d '${steps}'`;
}
