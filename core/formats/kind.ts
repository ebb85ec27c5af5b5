/**
 * What an endpoint does, from its path at the provider.
 *
 * @module
 */

/** First match counts. Paths are raw; Google's methods follow a colon. */
const kinds: readonly (readonly [pattern: RegExp, kind: string])[] = [
  [
    /count[_-]tokens|:countTokens|(?:^|\/)responses\/input_tokens|(?:^|\/)(?:de)?tokenize$/,
    "count_tokens",
  ],
  // Kept things and lists, whatever they are about: figures in them are not of this request.
  [
    /(?:^|\/)(?:batch|batches|files|uploads|cachedContents|fine_tuning|vector_stores|organization|operations|voices|trainings|hardware|collections)(?:$|[/:])/,
    "other",
  ],
  [/(?:^|\/)moderations?$|(?:^|\/)guardrail\//, "moderation"],
  [/(?:^|\/)(?:chat|chat\/completions|responses|messages|converse|converse-stream)$/, "chat"],
  [/(?:^|\/)interactions$|:(?:streamG|g)enerateContent$/, "chat"],
  [/(?:^|\/)(?:chat\/completions|responses|interactions)\//, "other"], // one that is stored
  [/(?:^|\/)(?:completions|complete|infill)$|(?:^|\/)(?:api|v1)\/generate$/, "completion"],
  [/rerank/, "rerank"],
  [/(?:^|\/)v\d\w*\/models(?:$|\/(?!.*\/predictions$)[^:]+$)|^models(?:$|\/[^/:]+$)/, "other"],
  [/embed|feature-extraction/i, "embeddings"],
  [
    /(?:^|\/)(?:audio|speech|tts|stt|listen|speak|text-to-speech|speech-to-text|sound-generation)(?:$|\/)/,
    "audio",
  ],
  [/(?:^|\/)videos?(?:$|\/)|:predictLongRunning$/, "video"],
  [/(?:^|\/)(?:images?|text_to_image)(?:$|\/)/, "image"],
];

/** Bedrock's one endpoint for all models tells by the model. */
const invoked = /(?:^|\/)model\/([^/]+)\/(?:invoke|invoke-with-response-stream|async-invoke)$/;

/** The kind that the path tells, or nothing. What is kept at the provider is `other`. */
export function kindOfPath(provider: string, path: string): string | undefined {
  for (const [pattern, kind] of kinds) if (pattern.test(path)) return kind;
  const model = invoked.exec(path)?.[1];
  if (model !== undefined) {
    if (/reel|ray-v/.test(model)) return "video";
    return /canvas|image|stability|sd3/.test(model) ? "image" : "chat";
  }
  return provider === "ideogram" ? "image" : undefined;
}
