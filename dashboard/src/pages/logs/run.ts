/** Sends a logged request to another model. */
import { get } from "../../api.ts";
import { playHeaders, unifiedBase } from "../../playkey.ts";
import { send, type Sent } from "../../read/send.ts";
import { logsPath, type Row } from "./row.ts";
import { type Format, requestTo } from "./unified.ts";

export interface Run extends Sent {
  model: string;
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
    "cf-aig-skip-cache": "true", // the model is asked, not the cache
    ...format === "messages" && { "anthropic-version": "2023-06-01" },
  };
  const url = `${unifiedBase(gateway)}/${path}`;
  const sent = await send(url, headers, body, signal, (now) => told({ ...now, model }));
  if (sent.id !== undefined) told({ ...sent, model, row: await rowOf(gateway, sent.id) });
}

/** A row of the log; nothing where it was not logged. */
export function rowOf(gateway: string, id: string): Promise<Row | undefined> {
  return get<Row>(logsPath(gateway, id)).then(({ result }) => result, () => undefined);
}

let models: Promise<string[]> | undefined;
let modelsOf = "";

/** The models that a gateway offers; empty where it does not say. */
export function modelsAt(gateway: string): Promise<string[]> {
  if (models === undefined || modelsOf !== gateway) {
    modelsOf = gateway;
    models = playHeaders(gateway)
      .then((headers) =>
        fetch(`${unifiedBase(gateway)}/models`, {
          headers: { ...headers, "cf-aig-collect-log": "false" }, // nobody asked for it
        })
      )
      .then((response) => response.json() as Promise<{ data?: { id: string }[] }>)
      .then(({ data = [] }) => data.map(({ id }) => id), () => []);
  }
  return models;
}
