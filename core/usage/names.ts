/**
 * How a model may be called in a price table: providers put regions, publishers, paths and dates
 * around the same name.
 *
 * @module
 */

/** Bedrock's geographies; a model costs the same in all of them, unlike `global.` and GovCloud. */
const geography = /^(?:us|eu|apac|jp|au|ca)\./;
/** A date at the end, or before Bedrock's version or Vertex AI's `@`. */
const dated = /[-@]20\d{2}-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])$/;

/** Which snapshot OpenAI tunes when the name does not tell. */
const tuned: Readonly<Record<string, string>> = {
  "ft:gpt-4o": "ft:gpt-4o-2024-08-06",
  "ft:gpt-4o-mini": "ft:gpt-4o-mini-2024-07-18",
};

/**
 * Names to look for, in lower case, the most telling first. A date goes last: where snapshots of a
 * model have prices of their own, tables list them.
 */
export function modelNames(provider: string, model: string): string[] {
  let name = model.trim().toLowerCase();
  const names = [name];
  // `provider/model` as logs and the unified API write it.
  if (name.startsWith(`${provider}/`)) names.push(name = name.slice(provider.length + 1));
  if (provider === "google-ai-studio" || provider === "google-vertex-ai") {
    // `models/...`, `publishers/google/models/...`, `google/...`
    names.push(
      name = name.replace(/^(?:.*\/)?models\//, "").replace(/^(?:google|anthropic)\//, ""),
    );
    names.push(name.replace("@", "-"));
  } else if (provider === "aws-bedrock") {
    // An ARN ends in the id.
    names.push(name = name.slice(name.lastIndexOf("/") + 1));
    names.push(name = name.replace(geography, ""));
  } else if (provider === "fireworks" && !name.includes("/")) {
    names.push(name = `accounts/fireworks/models/${name}`);
  }
  // A tuned model does not cost what its base does.
  if (name.startsWith("ft:")) names.push(name.replace(/^ft:[^:]+/, (base) => tuned[base] ?? base));
  else names.push(name.replace(dated, ""));
  return [...new Set(names)];
}
