/** How apps are told to use a gateway: what to open, which field, and what to put into it. */
import type { Name } from "./words.ts";
import { baseOf, hasOwnHeader, rootOf, type Target, variableOf } from "./snippets.ts";

export interface Step {
  /** What is done, in words. */
  say: Name;
  /** A file or lines for a shell. */
  code?: string;
  /** Fields of the app, as it calls them. */
  fields?: [label: string, value: string][];
}

export interface App {
  name: string;
  steps: Step[];
  notes: Name[];
}

/** An address that only this machine or its network reaches. */
function isInner(): boolean {
  const { hostname, protocol } = location;
  return protocol === "http:" || /^(?:localhost|127\.|10\.|192\.168\.|\[)/.test(hostname);
}

export function appsOf(target: Target): App[] {
  const { provider, gateway } = target;
  const root = rootOf(gateway);
  // What speaks like OpenAI is reached at its own address, everything else through the unified API.
  const speaksOpenAI = provider === undefined || provider.format === "openai-chat" &&
      baseOf(target).startsWith(`${root}/${provider.slug}`) && provider.slug !== "azure-openai";
  const prefix = provider === undefined ? "" : `${provider.slug}/`;
  const base = speaksOpenAI ? baseOf(target) : `${root}/compat`;
  const model = speaksOpenAI ? target.model : `${prefix}${target.model}`;
  const full = `${prefix}${target.model}`;
  const key = `$${variableOf(target)}`;
  /** Apps that can send one key have none for the gateway beside it. */
  const single = hasOwnHeader(target);
  const only = single ? "$SLUICE_KEY" : key;
  const one: Name[] = single ? ["app.one"] : [];
  const inner = isInner();

  const isAnthropic = provider?.slug === "anthropic";
  const claude = isAnthropic ? `${root}/anthropic` : `${root}/compat`;
  const isOpenAI = provider?.slug === "openai";
  const codex = isOpenAI ? `${root}/openai` : `${root}/compat`;
  const header = single
    ? `\nexport ANTHROPIC_CUSTOM_HEADERS="cf-aig-authorization: Bearer $SLUICE_KEY"`
    : "";
  const small = isAnthropic ? target.model : full;

  return [
    {
      name: "Claude Code",
      steps: [
        {
          say: "claude.set",
          code: `export ANTHROPIC_BASE_URL=${claude}
export ${
            target.key === "own" && isAnthropic
              ? "ANTHROPIC_API_KEY"
              : "ANTHROPIC_AUTH_TOKEN"
          }=${key}${header}${
            isAnthropic ? "" : `
export ANTHROPIC_MODEL=${small}
export ANTHROPIC_DEFAULT_HAIKU_MODEL=${small}`
          }`,
        },
        { say: "claude.run", code: "claude" },
      ],
      notes: ["claude.note"],
    },
    {
      name: "Codex",
      steps: [
        {
          say: "codex.set",
          code: `model = "${isOpenAI ? target.model : full}"
model_provider = "sluice"

[model_providers.sluice]
name = "Sluice"
base_url = "${codex}"
env_key = "${variableOf(target)}"
wire_api = "responses"${
            single ? '\nenv_http_headers = { "cf-aig-authorization" = "SLUICE_AUTHORIZATION" }' : ""
          }`,
        },
        {
          say: "codex.run",
          code: `export ${variableOf(target)}=...${
            single ? '\nexport SLUICE_AUTHORIZATION="Bearer $SLUICE_KEY"' : ""
          }\ncodex`,
        },
      ],
      notes: [],
    },
    {
      name: "Cursor",
      steps: [
        { say: "cursor.open" },
        {
          say: "cursor.set",
          fields: [["Override OpenAI Base URL", base], ["OpenAI API Key", only]],
        },
        { say: "cursor.model", fields: [["Add model", model]] },
      ],
      notes: [...inner ? ["cursor.note" as const] : [], ...one],
    },
    {
      name: "LobeChat",
      steps: [
        { say: "lobe.open" },
        { say: "lobe.set", fields: [["API Key", only], ["API Proxy URL", base]] },
        { say: "lobe.model", fields: [["Model ID", model]] },
        {
          say: "lobe.env",
          code: `OPENAI_PROXY_URL=${base}
OPENAI_API_KEY=${only}
OPENAI_MODEL_LIST=-all,+${model}`,
        },
      ],
      notes: [...inner ? ["app.docker" as const] : [], ...one],
    },
    {
      name: "NextChat",
      steps: [
        { say: "next.open" },
        {
          say: "next.set",
          fields: [
            ["OpenAI Endpoint", base.replace(/\/v1$/, "")],
            ["OpenAI API Key", only],
            ["Custom Models", `+${model}@OpenAI`],
          ],
        },
        {
          say: "next.env",
          code: `BASE_URL=${base.replace(/\/v1$/, "")}
OPENAI_API_KEY=${only}
CUSTOM_MODELS=-all,+${model}@OpenAI`,
        },
      ],
      notes: ["next.note", ...inner ? ["app.docker" as const] : [], ...one],
    },
    {
      name: "Immersive Translate",
      steps: [
        { say: "immersive.open" },
        {
          say: "immersive.set",
          fields: [
            ["API Key", only],
            ["Model", model],
            ["Custom API URL", `${base}/chat/completions`],
          ],
        },
        { say: "immersive.test" },
      ],
      notes: ["immersive.note", ...one],
    },
  ];
}
