/**
 * How each generation of Google's models is made to think: 2.5 takes a budget of tokens, 3 and later a
 * level, and neither takes the other's member.
 *
 * @module
 */
import type { Json } from "../../../formats/json.ts";
import type { Reasoning } from "../../chat.ts";
import type { Lost } from "../../lost.ts";

/** What a model's name tells. */
export interface Generation {
  /** 2.5 as 205; those without a number (`gemini-flash-latest`) count as new. */
  version: number;
  tier: "pro" | "flash" | "lite" | "other";
  /** Speaks or paints. */
  media: boolean;
  /** One of Google's open models, or one that is not known. */
  foreign: boolean;
}

/** By the name, as in `gemini-2.5-flash`, `models/gemini-3-pro-preview`, `google/gemini-2.0-flash`. */
export function generationOf(model: string): Generation {
  const [, major, minor] = /gemini-(\d{1,2})(?:\.(\d{1,2}))?(?!\d)/.exec(model) ?? [];
  const version = major === undefined ? 399 : Number(major) * 100 + Number(minor ?? 0);
  return {
    version,
    tier: model.includes("lite")
      ? "lite"
      : model.includes("flash")
      ? "flash"
      : model.includes("-pro")
      ? "pro"
      : "other",
    media: /-(?:image|tts|audio|live)\b/.test(model),
    foreign: !model.includes("gemini"),
  };
}

/** Tokens by effort: what Google's own OpenAI endpoint makes of it. */
const budgets: Readonly<Record<string, number>> = {
  minimal: 1024,
  low: 1024,
  medium: 8192,
  high: 24_576,
  xhigh: 24_576,
  max: 24_576,
};

/** `thinkingConfig`, or nothing where the client has no wish or the model no thoughts. */
export function thinkingFor(
  { effort, budget, enabled, visible, summary }: Reasoning,
  model: Generation,
  lost: Lost,
): Json | undefined {
  const off = enabled === false || effort === "none" || budget === 0;
  const asked = effort !== undefined || budget !== undefined || enabled === true;
  if (model.foreign || model.version < 205 || (model.media && model.version < 300)) {
    if (asked && !off) lost.drop("reasoning");
    return undefined;
  }
  const config: Json = {};
  if (visible === true || summary !== undefined) config.includeThoughts = !off;
  if (model.version < 300) {
    const tokens = off ? 0 : budget ?? (effort === undefined ? undefined : budgets[effort] ?? -1);
    if (tokens !== undefined) config.thinkingBudget = bounded(tokens, model, lost);
    else if (enabled === true) config.thinkingBudget = -1;
  } else if (model.media) {
    // Those that paint have levels of their own.
    if (asked && !off) lost.drop("reasoning");
  } else {
    const word = off ? "none" : effort ?? (budget === undefined ? undefined : effortOf(budget));
    if (word !== undefined) config.thinkingLevel = levelFor(word, model, lost);
    if (config.thinkingLevel === undefined) delete config.thinkingLevel;
  }
  return Object.keys(config).length === 0 ? undefined : config;
}

/** Pro cannot be kept from thinking, and each has a range ("Thinking" in the docs of the Gemini API). */
function bounded(tokens: number, { tier }: Generation, lost: Lost): number {
  if (tokens < 0) return -1;
  if (tier === "pro") {
    if (tokens === 0) lost.drop("reasoning");
    return Math.min(32_768, Math.max(128, tokens));
  }
  if (tokens === 0) return 0;
  return Math.min(24_576, Math.max(tier === "lite" ? 512 : 1, tokens));
}

function effortOf(budget: number): string | undefined {
  if (budget < 0) return undefined;
  return budget <= 2048 ? "low" : budget <= 8192 ? "medium" : "high";
}

/** The nearest level that the model has. None of them can be kept from thinking. */
function levelFor(effort: string, model: Generation, lost: Lost): string | undefined {
  const { tier, version } = model;
  const little = (tier === "flash" && version < 307) || tier === "lite" ? "MINIMAL" : "LOW";
  switch (effort) {
    case "none":
      if (little === "LOW") lost.drop("reasoning");
      return little;
    case "minimal":
      return little;
    case "low":
      return "LOW";
    case "medium":
      return tier === "pro" && version === 300 ? "HIGH" : "MEDIUM";
    case "high":
    case "xhigh":
    case "max":
      return "HIGH";
  }
  lost.drop("reasoning.effort");
  return undefined;
}
