/**
 * How much OpenAI's models can be told to think.
 *
 * @module
 */

/** Efforts from little to much. */
const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];

/** Which of them a model takes, by OpenAI's page of each; of those that are not here yet all. */
const known: readonly (readonly [RegExp, readonly string[]])[] = [
  [/gpt-5-pro/, ["high"]],
  [/gpt-5\.\d+-pro/, ["medium", "high", "xhigh"]],
  [/codex-max|gpt-5\.[2-9]-codex/, ["low", "medium", "high", "xhigh"]],
  [/codex/, ["low", "medium", "high"]],
  [/gpt-5\.\d+-chat/, ["medium"]],
  [/gpt-5\.1/, ["none", "low", "medium", "high"]],
  [/gpt-5\.\d/, ["none", "low", "medium", "high", "xhigh"]],
  [/gpt-5(?!.*chat)/, ["minimal", "low", "medium", "high"]],
  [/(?:^|[/.])o\d|gpt-oss/, ["low", "medium", "high"]],
];

/**
 * The effort that comes nearest of those that the model takes, or nothing: models that do not think are told
 * nothing, and those that always do cannot be told not to.
 */
export function nearestEffort(model: string, effort: string): string | undefined {
  if (effort === "none" && !/gpt-[5-9]/.test(model)) return undefined;
  const at = efforts.indexOf(effort);
  const takes = known.find(([name]) => name.test(model))?.[1];
  if (takes === undefined || at < 0 || takes.includes(effort)) return effort;
  const distance = (one: string) => Math.abs(efforts.indexOf(one) - at);
  return takes.toReversed().sort((a, b) => distance(a) - distance(b))[0];
}
