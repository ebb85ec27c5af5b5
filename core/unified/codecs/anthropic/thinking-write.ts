/**
 * How a model is made to think, and what that leaves of its other settings.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { ChatRequest, Reasoning } from "../../chat.ts";
import type { Lost } from "../../lost.ts";
import type { Claude } from "./claude.ts";

/** `thinking`, `output_config.effort` and `max_tokens` of a request. */
export interface Thinking {
  thinking?: Json;
  effort?: string;
  max_tokens: number;
}

/** Tokens by effort, for models that take only a budget. The gateway's own scale. */
const budgets: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 2048,
  medium: 8192,
  high: 16_384,
  xhigh: 32_000,
  max: 32_000,
};

/** The answer's room where the client does not say, so that none is cut that others would not cut. */
const room = 32_000;
/** The least budget there is. */
const least = 1024;

/** Most tokens of an answer without thoughts, where the client does not say. */
export function roomOf({ most }: Claude): number {
  return Math.min(room, most);
}

/** For a client of another format, which does not know what this model takes. */
export function thinkingFor(
  { reasoning = {}, max_tokens }: ChatRequest,
  claude: Claude,
  lost: Lost,
): Thinking {
  const plain: Thinking = { max_tokens: max_tokens ?? roomOf(claude) };
  const { effort, budget, enabled } = reasoning;
  const off = enabled === false || effort === "none" || budget === 0;
  const asked = off || enabled === true || effort !== undefined || budget !== undefined;
  if (!asked) return plain;
  if (off) return without(plain, claude, lost);
  if (claude.thinking === "none") {
    lost.drop("reasoning");
    return plain;
  }
  const fixed = budget !== undefined && budget > 0 && claude.thinking !== "adaptive";
  if (claude.thinking === "budget" || fixed) {
    return budgeted(fixed ? budget : budgets[effort ?? "medium"] ?? 8192, max_tokens, claude);
  }
  const thinking: Json = { type: "adaptive" };
  const display = displayOf(reasoning);
  if (display !== undefined) thinking.display = display;
  plain.thinking = thinking;
  const known = effort ?? (budget !== undefined && budget > 0 ? effortOf(budget) : undefined);
  if (known !== undefined) plain.effort = effortFor(known, claude);
  return plain;
}

/** `summarized` or `omitted`, where the client has a wish. */
export function displayOf({ visible, summary }: Reasoning): string | undefined {
  if (visible === false) return "omitted";
  return visible === true || summary !== undefined ? "summarized" : undefined;
}

function without(plain: Thinking, claude: Claude, lost: Lost): Thinking {
  switch (claude.off) {
    case "omit":
      return plain;
    case "never":
      lost.drop("reasoning");
      return { ...plain, effort: "low" };
    case "between_tools":
      lost.drop("reasoning");
  }
  return { ...plain, thinking: { type: claude.off } };
}

/** A limit counts thoughts as well, so the budget stays below it; one too low for any is raised. */
function budgeted(wanted: number, limit: number | undefined, claude: Claude): Thinking {
  let budget = Math.max(least, Math.floor(wanted));
  if (limit === undefined) {
    budget = Math.min(budget, claude.most - least);
    const max_tokens = Math.min(budget + room, claude.most);
    return { thinking: { type: "enabled", budget_tokens: budget }, max_tokens };
  }
  const max_tokens = limit < 2 * least ? limit + least : limit;
  budget = Math.min(budget, Math.max(least, Math.floor(max_tokens * 0.8)));
  return { thinking: { type: "enabled", budget_tokens: budget }, max_tokens };
}

function effortOf(budget: number): string {
  if (budget <= 2048) return "low";
  return budget <= 8192 ? "medium" : "high";
}

function effortFor(effort: string, claude: Claude): string {
  if (effort === "minimal") return "low";
  return effort === "xhigh" && !claude.xhigh ? "max" : effort;
}
