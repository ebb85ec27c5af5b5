/** Sends a logged request to another model and reads the answer as it comes. */
import { ApiFailure, get } from "../../api.ts";
import { playHeaders, unifiedBase } from "../../playkey.ts";
import { type Answer, answerOf } from "../../read/answer.ts";
import { AnswerReader } from "../../read/stream.ts";
import { logsPath, type Row } from "./row.ts";
import { type Format, requestTo } from "./unified.ts";

export interface Run {
  model: string;
  answer: Answer;
  state: "running" | "done" | "stopped";
  /** The log's row of it, once it is over. */
  row?: Row | undefined;
}

/** @param told Gets the run whenever there is more of it. Rejects where there is no answer at all. */
export async function runAgain(
  gateway: string,
  model: string,
  format: Format,
  json: unknown,
  signal: AbortSignal,
  told: (run: Run) => void,
): Promise<void> {
  const [path, body] = requestTo(model, format, json);
  const headers = {
    ...await playHeaders(gateway),
    "content-type": "application/json",
    "cf-aig-skip-cache": "true", // the model is asked, not the cache
    ...format === "messages" && { "anthropic-version": "2023-06-01" },
  };
  let answer: Answer = { choices: [] };
  let id: string | null = null;
  const tell = (state: Run["state"], row?: Row) =>
    told({ model, answer: { ...answer, choices: [...answer.choices] }, state, row });
  tell("running");
  try {
    const response = await fetch(`${unifiedBase(gateway)}/${path}`, {
      method: "POST",
      headers,
      body: JSON.stringify(body),
      signal,
    });
    id = response.headers.get("cf-aig-log-id");
    const type = response.headers.get("content-type") ?? "";
    if (!response.ok || /^application\/json/.test(type)) {
      const text = await response.text();
      answer = parsed(text);
      if (!response.ok && answer.error === undefined) {
        throw new ApiFailure(response.status, text.slice(0, 500) || response.statusText);
      }
    } else {
      const reader = new AnswerReader(type);
      answer = reader.answer;
      const source = response.body!.getReader();
      let shown = 0;
      for (
        let { done, value } = await source.read();
        !done;
        { done, value } = await source.read()
      ) {
        reader.push(value!);
        if (performance.now() - shown < 50) continue;
        shown = performance.now();
        tell("running");
      }
      reader.end();
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  const state = signal.aborted ? "stopped" : "done";
  tell(state);
  if (id === null) return;
  const row = await get<Row>(logsPath(gateway, id)).then(({ result }) => result, () => undefined);
  tell(state, row);
}

function parsed(text: string): Answer {
  try {
    return answerOf(JSON.parse(text));
  } catch {
    return { choices: [] };
  }
}

let models: Promise<string[]> | undefined;
let modelsOf = "";

/** The models that a gateway offers; empty where it does not say. */
export function modelsAt(gateway: string): Promise<string[]> {
  if (models === undefined || modelsOf !== gateway) {
    modelsOf = gateway;
    models = playHeaders(gateway)
      .then((headers) => fetch(`${unifiedBase(gateway)}/models`, { headers }))
      .then((response) => response.json() as Promise<{ data?: { id: string }[] }>)
      .then(({ data = [] }) => data.map(({ id }) => id), () => []);
  }
  return models;
}
