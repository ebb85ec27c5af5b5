// What client and upstream say to each other; both sides import it, so sizes can be checked.

export type Scenario = "json" | "burst" | "paced" | "late" | "hold";

export const eventsPerStream = 100;
export const paceMs = 5;

const base = {
  id: "chatcmpl-BenchBenchBenchBenchBench",
  created: 1760000000,
  model: "gpt-4o-mini-2024-07-18",
  system_fingerprint: "fp_0123456789",
};
const usage = {
  prompt_tokens: 57,
  completion_tokens: 97,
  total_tokens: 154,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
};

function completion(): string {
  const answer = (content: string): string =>
    JSON.stringify({
      ...base,
      object: "chat.completion",
      choices: [{
        index: 0,
        message: { role: "assistant", content, refusal: null },
        logprobs: null,
        finish_reason: "stop",
      }],
      usage,
    });
  const words = "The quick brown fox jumps over the lazy dog. ";
  return answer(words.repeat(20).slice(0, 1024 - answer("").length));
}

function event(delta: object, finish: string | null, extra: object = {}): string {
  const choices = [{ index: 0, delta, logprobs: null, finish_reason: finish }];
  const chunk = { ...base, object: "chat.completion.chunk", choices, ...extra };
  return `data: ${JSON.stringify(chunk)}\n\n`;
}

export const json: string = completion();

export const events: string[] = [
  event({ role: "assistant", content: "" }, null),
  ...Array.from({ length: eventsPerStream - 4 }, (_, i) => event({ content: ` word${i}` }, null)),
  event({}, "stop"),
  event({}, null, { choices: [], usage }),
  "data: [DONE]\n\n",
];

/** Body bytes that a whole answer must have. */
export const answerBytes: Record<Scenario, number> = {
  json: json.length,
  burst: events.join("").length,
  paced: events.join("").length,
  late: events.join("").length,
  hold: Infinity,
};

/** One whole request, ready to be written. */
/** Digits in a request body that a client may count up, so that no two requests are the same. */
export const counterDigits = "0000000000";

export function request(
  host: string,
  path: string,
  scenario: Scenario,
  headers: Record<string, string> = {},
  given?: object,
): Buffer {
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const body = JSON.stringify(
    given ?? {
      model: "gpt-4o-mini",
      stream: scenario !== "json",
      messages: [
        { role: "system", content: "You are a helpful assistant that answers in one paragraph." },
        { role: "user", content: "Tell me about the quick brown fox and the lazy dog, briefly." },
      ],
      temperature: 0.7,
      max_tokens: 256,
      user: `bench-${counterDigits}`,
    },
  );
  return Buffer.from(
    `POST ${path}?s=${scenario} HTTP/1.1\r\nhost: ${host}\r\n` +
      "authorization: Bearer sk-bench-0123456789abcdef\r\ncontent-type: application/json\r\n" +
      `accept: application/json\r\nuser-agent: sluice-bench\r\n${more}` +
      `content-length: ${body.length}\r\n\r\n${body}`,
  );
}
