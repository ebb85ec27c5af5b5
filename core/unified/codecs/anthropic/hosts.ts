/**
 * The same body elsewhere: headers, Bedrock, Vertex AI, and the count of tokens.
 *
 * @module
 */
import { type Json, list, object, string, worded } from "../../../formats/json.ts";
import type { ChatRequest } from "../../chat.ts";
import type { Lost } from "../../lost.ts";

const toolBetas: Readonly<Record<string, string>> = {
  computer_20241022: "computer-use-2024-10-22",
  bash_20241022: "computer-use-2024-10-22",
  text_editor_20241022: "computer-use-2024-10-22",
  computer_20250124: "computer-use-2025-01-24",
  computer_20251124: "computer-use-2025-11-24",
  code_execution_20250522: "code-execution-2025-05-22",
  advisor_20260301: "advisor-tool-2026-03-01",
  mcp_toolset: "mcp-client-2025-11-20",
};

/**
 * Betas without which the members of a body (or the `extra` of a request) are refused, sorted. Facts:
 * `AnthropicBeta` and the members of `beta.messages` in `@anthropic-ai/sdk` that `messages` has not.
 */
export function betasOf(body: Json): string[] {
  const betas = new Set<string>(list(body.anthropic_beta).filter((one) => typeof one === "string"));
  for (const tool of list(body.tools)) {
    const type = string(object(tool)?.type);
    if (type !== undefined && Object.hasOwn(toolBetas, type)) betas.add(toolBetas[type]!);
  }
  const needs = (name: string, beta: string) => body[name] != null && betas.add(beta);
  if (!betas.has(toolBetas.mcp_toolset!)) needs("mcp_servers", "mcp-client-2025-04-04");
  needs("compaction", "compact-2026-09-04");
  needs("thread", "message-threads-2026-08-12");
  needs("fallback_credit_token", "fallback-credit-2026-07-01");
  if (body.fallbacks === "default") betas.add("server-side-fallback-2026-07-01");
  else needs("fallbacks", "server-side-fallback-2026-06-01");
  if (body.speed === "fast") betas.add("fast-mode-2026-02-01");
  const edits = object(body.context_management);
  if (edits !== undefined) betas.add("context-management-2025-06-27");
  if (list(edits?.edits).some((edit) => object(edit)?.type === "compact_20260112")) {
    betas.add("compact-2026-01-12");
  }
  if (list(object(body.container)?.skills).length > 0) betas.add("skills-2025-10-02");
  if (object(body.output_config)?.task_budget != null) betas.add("task-budgets-2026-03-13");
  const thinking = object(body.thinking);
  if (thinking?.display === "updates") betas.add("thinking-display-updates-2026-08-18");
  if (thinking?.block_binding != null) betas.add("thinking-binding-controls-2026-08-01");
  return [...betas].sort();
}

/** Headers of a request to Anthropic itself. */
export function headers({ extra, tools, format }: ChatRequest): Record<string, string> {
  const native = tools?.map((tool) => tool.type === "native" ? tool.value : undefined);
  const betas = format === "anthropic-messages" ? betasOf({ ...extra, tools: native }) : [];
  return {
    "anthropic-version": "2023-06-01",
    ...betas.length > 0 && { "anthropic-beta": betas.join(",") },
  };
}

/**
 * The body for Bedrock's `invoke` and `invoke-with-response-stream`: model and stream are in the path, betas
 * in the body (spec 3.1).
 *
 * @param lost Told `messages.image` and `messages.document` for what is only referred to, since neither host
 * fetches URLs or has files, and the members that neither has.
 */
export function forBedrock(body: Json, lost: Lost): Json {
  const { anthropic_beta: _, anthropic_version: __, ...rest } = hosted(body, lost);
  withoutServers(rest, lost);
  const betas = betasOf({ ...rest, anthropic_beta: body.anthropic_beta });
  return {
    anthropic_version: "bedrock-2023-05-31",
    ...betas.length > 0 && { anthropic_beta: betas },
    ...rest,
  };
}

/** Tools that Anthropic runs itself, which Amazon has none of. */
const served = /^(?:web_search|web_fetch|code_execution)_\d/;

function withoutServers(body: Json, lost: Lost): void {
  const tools = list(body.tools);
  const kept = tools.filter((tool) => {
    const [name] = served.exec(string(object(tool)?.type) ?? "") ?? [];
    if (name !== undefined) lost.drop(`tools.${name.slice(0, -2)}`);
    return name === undefined;
  });
  if (kept.length === tools.length) return;
  if (kept.length > 0) body.tools = kept;
  else delete body.tools;
  const choice = object(body.tool_choice)?.name;
  const gone = choice !== undefined && !kept.some((tool) => object(tool)?.name === choice);
  if (kept.length === 0 || gone) delete body.tool_choice;
}

/** The body for Vertex AI's `rawPredict` and `streamRawPredict`: the model is in the path (spec 3.6). */
export function forVertex(body: Json, lost: Lost): Json {
  const { anthropic_version: _, ...rest } = hosted(body, lost);
  if (body.stream === true) rest.stream = true;
  return { anthropic_version: "vertex-2023-10-16", ...rest };
}

/** Members that only Anthropic itself has. */
const atHome = ["service_tier", "inference_geo", "container", "mcp_servers", "speed"];

/** A new body; the given one stays as it is. */
function hosted(body: Json, lost: Lost): Json {
  const { model: _, stream: __, ...rest } = body;
  for (const name of atHome) {
    if (rest[name] != null && !/^standard/.test(worded(rest[name]))) lost.drop(name);
    delete rest[name];
  }
  rest.messages = list(body.messages).map((message) => {
    const one = object(message);
    return Array.isArray(one?.content) ? { ...one, content: inlined(one.content, lost) } : message;
  });
  return rest;
}

function inlined(content: readonly unknown[], lost: Lost): unknown[] {
  return content.flatMap((value) => {
    const block = object(value);
    const type = object(block?.source)?.type;
    if (
      (block?.type === "image" || block?.type === "document") && /^(?:url|file)$/.test(`${type}`)
    ) {
      lost.drop(`messages.${block.type}`);
      return [];
    }
    if (!Array.isArray(block?.content) || block.type !== "tool_result") return [value];
    return [{ ...block, content: inlined(block.content, lost) }];
  });
}

const counted = [
  "model",
  "messages",
  "system",
  "tools",
  "tool_choice",
  "thinking",
  "output_config",
  "cache_control",
  "speed",
  "mcp_servers",
  "context_management",
];

/** The body for `messages/count_tokens`, from one for `messages`: what does not count is refused there. */
export function forCount(body: Json): Json {
  return Object.fromEntries(
    counted.filter((name) => name in body).map((name) => [name, body[name]]),
  );
}

/** The answer of `messages/count_tokens`: tokens, or nothing where it tells none. */
export function readCount(body: Json): number | undefined {
  const { input_tokens: tokens } = body;
  return Number.isSafeInteger(tokens) && tokens as number >= 0 ? tokens as number : undefined;
}

/** The answer of `messages/count_tokens`. */
export function writeCount(tokens: number): Json {
  return { input_tokens: tokens };
}
