// How a recorded request is made through the gateway: which slug, which path, where it must arrive.
import type { Fixture } from "./fixtures.ts";

export interface Route {
  /** Path on the gateway, query included. */
  path: string;
  /** Request target that the upstream must see. */
  target: string;
}

/** Folder of recordings -> provider slug, and the base path that the slug stands for. */
const bases: Record<string, [slug: string, base: string]> = {
  anthropic: ["anthropic", ""],
  cartesia: ["cartesia", ""],
  cerebras: ["cerebras", "/v1"],
  cohere: ["cohere", ""],
  deepgram: ["deepgram", ""],
  deepseek: ["deepseek", ""],
  elevenlabs: ["elevenlabs", ""],
  fal: ["fal", ""],
  fireworks: ["fireworks", "/inference/v1"],
  "google-ai-studio": ["google-ai-studio", ""],
  "google-vertex-ai": ["google-vertex-ai", ""],
  groq: ["groq", "/openai/v1"],
  ideogram: ["ideogram", ""],
  mistral: ["mistral", ""],
  openai: ["openai", "/v1"],
  openrouter: ["openrouter", "/api"],
  "perplexity-ai": ["perplexity-ai", ""],
  replicate: ["replicate", "/v1"],
  xai: ["grok", ""],
  deepinfra: ["deepinfra", "/v1/openai"],
  moonshot: ["moonshot", ""],
  ollama: ["ollama", ""],
  // Recorded from several hosts that have no slug.
  "openai-compatible": ["custom-compatible", "/v1"],
  together: ["together", "/v1"],
  voyage: ["voyage", ""],
  zai: ["zai", "/api"],
};

// Their host depends on the request, so a base_url is an origin that stands in for the host.
const origins = ["azure-openai", "aws-bedrock", "workers-ai", "huggingface"];

/** The `providers` of a configuration in which `url` is every provider. */
export function providersAt(url: string): Record<string, { base_url: string }> {
  return Object.fromEntries([
    ...Object.values(bases).map(([slug, base]) => [slug, { base_url: url + base }]),
    ...origins.map((slug) => [slug, { base_url: url }]),
  ]);
}

/** Undefined when the slug does not cover the endpoint that the case was recorded from. */
export function routeOf(fixture: Fixture): Route | undefined {
  const { host, target, query } = split(fixture.url);
  const gateway = (rest: string, account = "acc") => `/v1/${account}/default/${rest}${query}`;

  switch (fixture.provider) {
    case "amazon-bedrock":
    case "amazon-bedrock-mantle": {
      const [service, region] = host.split(".");
      return { path: gateway(`aws-bedrock/${service}/${region}${target}`), target };
    }
    case "azure-openai": {
      const [, deployment, rest] = target.match(/^\/openai\/deployments\/([^/]+)(\/.*)$/) ?? [];
      const [resource] = host.split(".");
      if (deployment === undefined) {
        return { path: gateway(`azure-openai/${resource}${target}`), target: target + query };
      }
      const path = gateway(`azure-openai/${resource}/${deployment}${rest}`);
      return { path, target: target + query };
    }
    case "huggingface": {
      const model = target.match(/^\/hf-inference\/models(\/.*)$/)?.[1];
      const path = gateway(`huggingface${model ?? "/v1/chat/completions"}`);
      return { path, target: model ? target : "/v1/chat/completions" };
    }
    case "workers-ai": {
      const [, account, rest = ""] = target.match(/^\/client\/v4\/accounts\/([^/]+)\/ai\/(.*)$/) ??
        [];
      return { path: gateway(`workers-ai/${rest.replace(/^run\//, "")}`, account), target };
    }
  }

  const [slug, base] = bases[fixture.provider] ?? [];
  if (base === undefined || !target.startsWith(`${base}/`)) {
    throw new Error(`"${fixture.url}" has no route`);
  }
  return { path: gateway(slug + target.slice(base.length)), target: target + query };
}

function split(url: string): { host: string; target: string; query: string } {
  const [, host, target, query = ""] = url.match(/^https?:\/\/([^/]+)(\/[^?]*)(\?.*)?$/) ?? [];
  if (host === undefined || target === undefined) throw new Error(`"${url}" is not absolute`);
  return { host, target, query };
}
