/** What snippets need to know of providers beyond their format. */

/** As `GET providers` has it. */
export interface Provider {
  slug: string;
  aliases?: string[];
  base_url: string;
  format: string;
  source: "builtin" | "config" | "stored";
  /** Aliases of the keys that the configuration has. */
  configured_keys?: string[];
}

/** A model of each provider to begin with. */
const models: Readonly<Record<string, string>> = {
  "anthropic": "claude-haiku-4-5",
  "aws-bedrock": "us.anthropic.claude-haiku-4-5-20251001-v1:0",
  "azure-openai": "gpt-4o-mini",
  "baseten": "deepseek-ai/DeepSeek-V3.1",
  "cerebras": "llama-3.3-70b",
  "cohere": "command-a-03-2025",
  "deepinfra": "meta-llama/Llama-3.3-70B-Instruct",
  "deepseek": "deepseek-chat",
  "fireworks": "accounts/fireworks/models/llama-v3p3-70b-instruct",
  "google-ai-studio": "gemini-2.5-flash",
  "google-vertex-ai": "google/gemini-2.5-flash",
  "grok": "grok-4",
  "groq": "llama-3.3-70b-versatile",
  "huggingface": "meta-llama/Llama-3.3-70B-Instruct",
  "jina": "jina-embeddings-v3",
  "mistral": "mistral-small-latest",
  "moonshot": "kimi-k2-0905-preview",
  "nvidia": "meta/llama-3.3-70b-instruct",
  "ollama": "llama3.2",
  "openai": "gpt-4o-mini",
  "openrouter": "openai/gpt-4o-mini",
  "perplexity-ai": "sonar",
  "sambanova": "Meta-Llama-3.3-70B-Instruct",
  "together": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
  "voyage": "voyage-3.5",
  "workers-ai": "@cf/meta/llama-3.1-8b-instruct",
  "zai": "glm-4.6",
};

export function modelOf(slug: string): string {
  return slug === "" ? "openai/gpt-4o-mini" : models[slug] ?? "your-model";
}

/** Those whose path at the provider begins with a version that their base URL has not. */
const versioned = new Set(["huggingface", "lmstudio", "ollama", "vllm", "workers-ai"]);

/** What the base URL of a client of OpenAI has behind the provider's address on the gateway. */
export function versionOf({ slug, base_url }: Provider): string {
  const isBare = slug.startsWith("custom-") && /^https?:\/\/[^/]+\/?$/.test(base_url);
  return versioned.has(slug) || isBare ? "/v1" : "";
}

/** Requests of those that have no chats, or ask for them at a place of their own. */
export interface Special {
  path: string;
  /** Header of the key and the word before it. */
  key?: [header: string, scheme: string];
  /** JSON; nothing where a file or form is sent. */
  body?: unknown;
  /** Instead of a body, as curl has it. */
  curl?: string;
}

export function specialOf(slug: string, model: string): Special | undefined {
  const chat = { messages: [{ role: "user", content: "Hello" }] };
  switch (slug) {
    case "azure-openai":
      return {
        path: `RESOURCE/${model}/chat/completions?api-version=2024-10-21`,
        key: ["api-key", ""],
        body: chat,
      };
    case "google-vertex-ai":
      return {
        path: "v1/projects/PROJECT/locations/us-central1/publishers/google/models/" +
          `${model.replace(/^google\//, "")}:generateContent`,
        body: { contents: [{ role: "user", parts: [{ text: "Hello" }] }] },
      };
    case "aws-bedrock":
      return {
        path: `bedrock-runtime/us-east-1/model/${encodeURIComponent(model)}/converse`,
        body: { messages: [{ role: "user", content: [{ text: "Hello" }] }] },
      };
    case "jina":
    case "voyage":
      return { path: "embeddings", body: { model, input: ["Hello"] } };
    case "parallel":
      return {
        path: "v1/tasks/runs",
        key: ["x-api-key", ""],
        body: { input: "Who founded Cloudflare?", processor: "base" },
      };
    case "replicate":
      return {
        path: "predictions",
        body: { version: "MODEL_VERSION", input: { prompt: "Hello" } },
      };
    case "fal":
      return {
        path: "fal-ai/fast-sdxl",
        key: ["authorization", "Key "],
        body: { prompt: "A sluice" },
      };
    case "ideogram":
      return {
        path: "v1/ideogram-v3/generate",
        key: ["api-key", ""],
        curl: '-F prompt="A sluice"',
      };
    case "deepgram":
      return {
        path: "v1/listen?model=nova-3",
        key: ["authorization", "Token "],
        curl: '-H "Content-Type: audio/wav" --data-binary @speech.wav',
      };
    case "elevenlabs":
      return {
        path: "v1/text-to-speech/VOICE_ID",
        key: ["xi-api-key", ""],
        body: { text: "Hello", model_id: "eleven_multilingual_v2" },
      };
    case "cartesia":
      return {
        path: "tts/bytes",
        key: ["x-api-key", ""],
        body: {
          model_id: "sonic-2",
          transcript: "Hello",
          voice: { mode: "id", id: "VOICE_ID" },
          output_format: { container: "mp3", sample_rate: 44100, bit_rate: 128000 },
        },
      };
  }
  return undefined;
}
