/** One question to one model through the unified API, told as the answer grows. */

/** What is known of an answer so far. */
export interface Said {
  text: string;
  thoughts: string;
  calls?: string[];
  error?: string;
  /** Milliseconds. */
  first?: number;
  total?: number;
  input?: number;
  output?: number;
  cost?: number;
  dropped?: string;
  cached?: boolean;
}

interface Question {
  url: string;
  headers: Record<string, string>;
  body: Record<string, unknown>;
  signal: AbortSignal;
}

interface Delta {
  content?: string | null;
  reasoning_content?: string | null;
  tool_calls?: { index?: number; function?: { name?: string; arguments?: string } }[];
}

interface Answer {
  choices?: { delta?: Delta; message?: Delta }[];
  usage?: { prompt_tokens?: number; completion_tokens?: number } | null;
  error?: { message?: string };
}

export async function ask(
  { url, headers, body, signal }: Question,
  tell: (said: Said) => void,
): Promise<void> {
  const started = performance.now();
  let said: Said = { text: "", thoughts: "" };
  const show = (change: Partial<Said>) => tell(said = { ...said, ...change });
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal,
    });
    const dropped = response.headers.get("x-sluice-dropped");
    const cost = response.headers.get("x-sluice-cost");
    show({
      cached: response.headers.get("cf-aig-cache-status") === "HIT",
      ...dropped !== null && { dropped },
      ...cost !== null && { cost: Number(cost) },
    });
    const add = (answer: Answer) => show(grown(said, answer, performance.now() - started));
    if (/event-stream/.test(response.headers.get("content-type") ?? "")) {
      for await (const event of eventsOf(response.body!)) add(event);
    } else add(await response.json() as Answer);
  } catch (error) {
    if (!signal.aborted) show({ error: String(error) });
  }
  show({ total: performance.now() - started });
}

function grown(said: Said, { choices, usage, error }: Answer, at: number): Partial<Said> {
  if (error !== undefined) return { error: error.message ?? "" };
  const delta = choices?.[0]?.delta ?? choices?.[0]?.message;
  const text = delta?.content ?? "";
  const thoughts = delta?.reasoning_content ?? "";
  const calls = [...said.calls ?? []];
  for (const [i, { index = i, function: call }] of (delta?.tool_calls ?? []).entries()) {
    calls[index] = (calls[index] ?? "") + (call?.name ? `${call.name} ` : "") +
      (call?.arguments ?? "");
  }
  return {
    text: said.text + text,
    thoughts: said.thoughts + thoughts,
    ...calls.length > 0 && { calls },
    ...said.first === undefined && text + thoughts !== "" && { first: at },
    ...usage && { input: usage.prompt_tokens, output: usage.completion_tokens },
  } as Partial<Said>;
}

/** The JSON of the events of a stream. */
async function* eventsOf(body: ReadableStream<Uint8Array>): AsyncGenerator<Answer> {
  const reader = body.pipeThrough(new TextDecoderStream() as never)
    .getReader() as ReadableStreamDefaultReader<string>;
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const events = (rest + value).split("\n\n");
    rest = events.pop() ?? "";
    for (const event of events) {
      const data = event.split("\n").filter((line) => line.startsWith("data:"))
        .map((line) => line.slice(5)).join("\n").trim();
      if (data !== "" && data !== "[DONE]") yield JSON.parse(data) as Answer;
    }
  }
}
