/**
 * `additionalModelRequestFields`, and what else is said in a way of each family of models: thoughts, and
 * `top_k`.
 *
 * @module
 */
import { type Json, object, string } from "../../../formats/json.ts";
import type { ChatRequest, Reasoning } from "../../chat.ts";
import type { Lost } from "../../lost.ts";
import { displayOf, thinkingFor } from "../anthropic/thinking-write.ts";
import { effortOf } from "../openai-chat/request-write.ts";
import type { Model } from "./models.ts";

/** Reads what any family says; returns what is not known. */
export function readFields(fields: Json, request: ChatRequest): Json | undefined {
  const { thinking, reasoning_effort, reasoningConfig, reasoning_config, top_k, k, ...rest } =
    fields;
  const reasoning: Reasoning = { ...request.reasoning };
  const unread: Json = { ...rest };
  const config = object(thinking ?? reasoningConfig ?? reasoning_config);
  if (config !== undefined) {
    const { type, budget_tokens, maxReasoningEffort, display } = config;
    reasoning.enabled = type === "enabled" || type === "adaptive";
    if (typeof budget_tokens === "number") reasoning.budget = budget_tokens;
    else if (type === "adaptive") reasoning.budget = -1;
    const effort = string(maxReasoningEffort);
    if (effort !== undefined) reasoning.effort = effort;
    if (thinking != null && reasoning.enabled) reasoning.visible = display !== "omitted";
    if (display === "summarized") reasoning.summary = "auto";
  }
  const effort = string(reasoning_effort) ?? string(object(fields.output_config)?.effort);
  if (effort !== undefined) reasoning.effort = effort;
  if (string(object(fields.output_config)?.effort) !== undefined) {
    take(unread, "output_config", "effort");
  }
  if (Object.keys(reasoning).length > 0) request.reasoning = reasoning;
  const topK = top_k ?? k ?? object(fields.inferenceConfig)?.topK;
  if (typeof topK === "number") {
    request.top_k = topK;
    take(unread, "inferenceConfig", "topK");
  }
  return Object.keys(unread).length > 0 ? unread : undefined;
}

function take(from: Json, name: string, inner: string): void {
  const value = object(from[name]);
  if (value === undefined) return;
  const { [inner]: _, ...rest } = value;
  if (Object.keys(rest).length > 0) from[name] = rest;
  else delete from[name];
}

/** What the families' own ways come to. */
export interface Fields {
  fields: Json;
  /** `outputConfig.effort` */
  effort?: string;
  /** With room for thoughts. */
  max_tokens?: number;
  /** It thinks, so that less may be set besides. */
  thinks: boolean;
}

/** @param same As a client of this format has said it. */
export function writeFields(request: ChatRequest, model: Model, same: boolean, lost: Lost): Fields {
  const out: Fields = { fields: {}, thinks: false };
  const { max_tokens, reasoning, top_k } = request;
  if (max_tokens !== undefined) out.max_tokens = max_tokens;
  if (reasoning !== undefined) {
    if (same) say(reasoning, model, out);
    else if (model.claude !== undefined) {
      const how = thinkingFor(request, model.claude, lost);
      if (how.thinking !== undefined) out.fields.thinking = how.thinking;
      if (how.effort !== undefined) out.effort = how.effort;
      out.thinks = how.thinking?.type === "enabled" || how.thinking?.type === "adaptive";
      if (max_tokens !== undefined || how.thinking?.type === "enabled") {
        out.max_tokens = how.max_tokens;
      }
    } else think(request, reasoning, model, out, lost);
  }
  if (top_k !== undefined) {
    const free = same || !out.thinks && model.claude?.sampling !== false;
    if (free && model.top_k === "inferenceConfig.topK") {
      out.fields.inferenceConfig = { topK: top_k };
    } else if (free && (same || model.top_k !== undefined)) {
      out.fields[model.top_k ?? "top_k"] = top_k;
    } else lost.drop("top_k");
  }
  return out;
}

function say(reasoning: Reasoning, model: Model, out: Fields): void {
  const { enabled, budget, effort, visible, summary } = reasoning;
  if (model.openai) {
    if (effort !== undefined) out.fields.reasoning_effort = effort;
    return;
  }
  const type = enabled ? (budget === -1 ? "adaptive" : "enabled") : "disabled";
  if (model.nova > 0) {
    const maxReasoningEffort = effort;
    out.fields.reasoningConfig = { type, ...effort !== undefined && { maxReasoningEffort } };
    return;
  }
  if (effort !== undefined) out.effort = effort;
  if (enabled === undefined) return;
  const thinking: Json = { type };
  if (budget !== undefined && budget >= 0) thinking.budget_tokens = budget;
  const display = visible === true && summary === undefined ? undefined : displayOf(reasoning);
  if (enabled && display !== undefined) thinking.display = display;
  out.fields.thinking = thinking;
}

function think(
  request: ChatRequest,
  reasoning: Reasoning,
  model: Model,
  out: Fields,
  lost: Lost,
): void {
  const effort = effortOf(reasoning);
  const off = effort === undefined || effort === "none";
  if (model.openai) {
    const known = off || effort === "minimal"
      ? "low"
      : effort === "medium"
      ? "medium"
      : top(effort);
    if (effort !== undefined) out.fields.reasoning_effort = known;
    if (effort === "none") lost.drop("reasoning");
    return;
  }
  if (off) return;
  if (model.nova < 2) {
    lost.drop("reasoning");
    return;
  }
  let known = effort === "minimal" ? "low" : effort === "medium" ? "medium" : top(effort);
  // The most there is takes no limit beside it.
  if (known === "high" && request.max_tokens !== undefined) {
    known = "medium";
    lost.drop("reasoning.effort");
  }
  out.thinks = known === "high";
  out.fields.reasoningConfig = { type: "enabled", maxReasoningEffort: known };
}

function top(effort: string): string {
  return effort === "low" ? "low" : "high";
}
