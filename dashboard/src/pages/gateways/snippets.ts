/** Ready lines for clients. */

interface Place {
  /** Of the gateway. */
  root: string;
  /** Of what was chosen. */
  base: string;
  /** Slug; empty for the unified API. */
  provider: string;
  model: string;
}

/** Names are names of products, the same in every language. */
export function snippetsOf(
  { root, base, provider, model }: Place,
): { name: string; text: string }[] {
  const bare = provider === "" ? model : model.replace(`${provider}/`, "");
  const body = `{"model": "${bare}", "messages": [{"role": "user", "content": "Hello"}]}`;
  const unified = `${root}/compat`;
  return [
    {
      name: "curl",
      text: `curl ${base}/chat/completions \\
  -H "Authorization: Bearer $API_KEY" -H "Content-Type: application/json" \\
  -d '${body}'`,
    },
    {
      name: "Python",
      text: `from openai import OpenAI

client = OpenAI(base_url="${base}", api_key=API_KEY)
answer = client.chat.completions.create(
    model="${bare}",
    messages=[{"role": "user", "content": "Hello"}],
)
print(answer.choices[0].message.content)`,
    },
    {
      name: "TypeScript",
      text: `import OpenAI from "openai";

const client = new OpenAI({ baseURL: "${base}", apiKey: process.env.API_KEY });
const answer = await client.chat.completions.create({
  model: "${bare}",
  messages: [{ role: "user", content: "Hello" }],
});
console.log(answer.choices[0].message.content);`,
    },
    {
      name: "Anthropic SDK",
      text: `import Anthropic from "@anthropic-ai/sdk";

const client = new Anthropic({ baseURL: "${unified}", apiKey: process.env.API_KEY });
const answer = await client.messages.create({
  model: "${model}",
  max_tokens: 1024,
  messages: [{ role: "user", content: "Hello" }],
});`,
    },
    {
      name: "Claude Code",
      text: `export ANTHROPIC_BASE_URL=${unified}
export ANTHROPIC_AUTH_TOKEN=$API_KEY
export ANTHROPIC_MODEL=${model}
claude`,
    },
    {
      name: "Codex",
      text: `# ~/.codex/config.toml
model = "${model}"
model_provider = "sluice"

[model_providers.sluice]
name = "Sluice"
base_url = "${unified}"
env_key = "API_KEY"
wire_api = "responses"`,
    },
    {
      name: "Cursor",
      text: `Settings > Models > OpenAI API Key
  Override OpenAI Base URL: ${unified}
  OpenAI API Key:           $API_KEY
  Add model:                ${model}`,
    },
    {
      name: "LobeChat",
      text: `OPENAI_PROXY_URL=${unified}
OPENAI_API_KEY=$API_KEY
OPENAI_MODEL_LIST=+${model}`,
    },
    {
      name: "NextChat",
      text: `BASE_URL=${unified}
OPENAI_API_KEY=$API_KEY
CUSTOM_MODELS=+${model}`,
    },
    {
      name: "Immersive Translate",
      text: `OpenAI > Custom API URL: ${unified}/chat/completions
API key:                 $API_KEY
Model:                   ${model}`,
    },
  ];
}
