// What recorded answers say of themselves, read from them by hand.
export const recorded: [name: string, expected: {
  model: string;
  in: number;
  out: number;
  finish: string;
  read?: number;
  write?: number;
  reasoning?: number;
  /** What is charged, where that is not what the model saw: Cohere. */
  billed?: [input: number, output: number];
}][] = [
  ["openai/chat-plain", {
    model: "openai/gpt-5-nano",
    in: 27,
    out: 267,
    finish: "stop",
    reasoning: 192,
  }],
  ["openai/chat-stream-tool-call-usage", {
    model: "openai/gpt-3.5-turbo",
    in: 85,
    out: 43,
    finish: "tool_calls",
  }],
  ["openai/responses-plain", { model: "openai/gpt-4.1-nano", in: 15, out: 9, finish: "completed" }],
  ["openai/responses-stream-plain", {
    model: "openai/gpt-4.1-nano",
    in: 14,
    out: 8,
    finish: "completed",
  }],
  ["anthropic/messages-plain", {
    model: "anthropic/claude-haiku-4-5-20251001",
    in: 16,
    out: 13,
    finish: "end_turn",
  }],
  ["anthropic/messages-stream-tool-call-reasoning-cached", {
    model: "anthropic/claude-sonnet-4-6",
    in: 3 + 1143,
    out: 101,
    finish: "tool_use",
    write: 1143,
    reasoning: 22,
  }],
  ["google-ai-studio/generate-content-plain", {
    model: "google-ai-studio/gemini-2.5-flash",
    in: 10,
    out: 8 + 23,
    finish: "STOP",
    reasoning: 23,
  }],
  ["google-ai-studio/stream-generate-content-sse-reasoning", {
    model: "google-ai-studio/gemini-3-flash-preview",
    in: 44,
    out: 608 + 902,
    finish: "STOP",
    reasoning: 902,
  }],
  ["amazon-bedrock/converse-plain", {
    model: "aws-bedrock/us.amazon.nova-2-lite-v1:0",
    in: 53,
    out: 21,
    finish: "end_turn",
  }],
  ["amazon-bedrock/converse-stream-plain", {
    model: "aws-bedrock/us.amazon.nova-2-lite-v1:0",
    in: 53,
    out: 21,
    finish: "end_turn",
  }],
  ["cohere/v2-chat-cached", {
    model: "cohere/command-a-03-2025",
    in: 1509,
    out: 21,
    finish: "COMPLETE",
    billed: [98, 19],
  }],
  ["cohere/v2-chat-stream-plain", {
    model: "cohere/command",
    in: 69,
    out: 89,
    finish: "COMPLETE",
    billed: [7, 89],
  }],
];
