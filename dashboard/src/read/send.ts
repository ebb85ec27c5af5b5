/** Asks a model through the gateway, and reads the answer as it comes. */
import { ApiFailure } from "../api.ts";
import { type Answer, answerOf } from "./answer.ts";
import { AnswerReader } from "./stream.ts";

export interface Sent {
  answer: Answer;
  state: "running" | "done" | "stopped";
  /** Of the row in the log; nothing until the answer begins, and where nothing is logged. */
  id?: string | undefined;
  cached: boolean;
  /** What the provider has no word for, and did not get. */
  dropped?: string | undefined;
  /** Milliseconds from the start to the first piece, and to the end or now, as this page saw it. */
  first?: number | undefined;
  total: number;
}

/** Milliseconds between two times that a growing answer is told of. */
const pace = 50;

/**
 * @param told Gets the answer whenever there is more of it, and once it is over.
 * Rejects where there is no answer at all, unless `signal` stopped it.
 */
export async function send(
  url: string,
  headers: Record<string, string>,
  body: unknown,
  signal: AbortSignal,
  told: (sent: Sent) => void,
): Promise<Sent> {
  const started = performance.now();
  let sent: Sent = { answer: { choices: [] }, state: "running", cached: false, total: 0 };
  const tell = (change: Partial<Sent> = {}) => {
    const { answer } = sent = { ...sent, ...change, total: performance.now() - started };
    if (answer.choices.some((choice) => choice?.pieces.length)) sent.first ??= sent.total;
    told({ ...sent, answer: { ...answer, choices: [...answer.choices] } });
  };
  tell();
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      signal,
    });
    tell({
      id: response.headers.get("cf-aig-log-id") ?? undefined,
      cached: response.headers.get("cf-aig-cache-status") === "HIT",
      dropped: response.headers.get("x-sluice-dropped") ?? undefined,
    });
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || /^application\/json/.test(type)) {
      const text = await response.text();
      const answer = parsed(text);
      if (!response.ok && answer.error === undefined) {
        throw new ApiFailure(response.status, text.slice(0, 500) || response.statusText);
      }
      tell({ answer });
    } else {
      const reader = new AnswerReader(type);
      const source = response.body!.getReader();
      let shown = 0;
      for (
        let { done, value } = await source.read();
        !done;
        { done, value } = await source.read()
      ) {
        reader.push(value!);
        if (performance.now() - shown < pace) continue;
        shown = performance.now();
        tell({ answer: reader.answer });
      }
      reader.end();
      tell({ answer: reader.answer });
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  tell({ state: signal.aborted ? "stopped" : "done" });
  return sent;
}

function parsed(text: string): Answer {
  try {
    return answerOf(JSON.parse(text));
  } catch {
    return { choices: [] };
  }
}
