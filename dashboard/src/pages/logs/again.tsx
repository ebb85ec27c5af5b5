/** The same request to any model, and the two answers side by side. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Answer } from "../../read/answer.ts";
import { Empty, Failure } from "../../ui/mod.tsx";
import type { Bodies } from "./bodies.ts";
import { differenceOf } from "./diff.ts";
import type { Row } from "./row.ts";
import { modelsAt, type Run, runAgain } from "./run.ts";
import { AnswerView } from "./talk.tsx";
import { formatOf } from "./unified.ts";
import type { Words } from "./words.ts";

/** Suggestions at a time; browsers are slow with long lists. */
const mostModels = 300;

export function Again(
  { row, bodies, gateway, words }: { row: Row; bodies: Bodies; gateway: string; words: Words },
): JSX.Element {
  const { w } = words;
  const [model, setModel] = useState(row.model);
  const [models, setModels] = useState<readonly string[]>([]);
  const [run, setRun] = useState<Run>();
  const [error, setError] = useState<unknown>();
  const [isDifference, setDifference] = useState(false);
  const stop = useRef<AbortController | undefined>(undefined);
  const list = useId();
  const format = formatOf(row, bodies.request?.json);
  useEffect(() => {
    let isHere = true;
    if (format !== undefined) void modelsAt(gateway).then((found) => isHere && setModels(found));
    return () => {
      isHere = false;
      stop.current?.abort();
    };
  }, []);
  if (format === undefined) {
    const why = bodies.request === undefined
      ? "code.none"
      : bodies.request.isCut
      ? "code.cut"
      : "again.kind";
    return (
      <Empty title={w("again.not")}>
        <p>{w(why)}</p>
      </Empty>
    );
  }
  const isRunning = run?.state === "running" && error === undefined;
  const go = (event: Event) => {
    event.preventDefault();
    if (isRunning) return stop.current?.abort();
    setError(undefined);
    const control = stop.current = new AbortController();
    runAgain(gateway, model.trim(), format, bodies.request!.json, control.signal, setRun)
      .catch((cause) => setError(cause));
  };
  const typed = model.toLowerCase();
  const suggested = models.filter((one) => one.toLowerCase().includes(typed)).slice(0, mostModels);
  const before: Answer = bodies.answer ?? { choices: [] };
  return (
    <div class="stack">
      <form class="row logs-again" onSubmit={go}>
        <label class="grow">
          <span class="hush">{w("col.model")}</span>
          <input
            class="input mono"
            list={list}
            required
            autocomplete="off"
            spellcheck={false}
            placeholder="provider/model"
            value={model}
            onInput={(event) => setModel(event.currentTarget.value)}
          />
        </label>
        <datalist id={list}>{suggested.map((one) => <option key={one} value={one} />)}</datalist>
        <button
          type="submit"
          class={`button ${isRunning ? "" : "primary"}`}
          disabled={model.trim() === ""}
        >
          {w(isRunning ? "again.stop" : "again.go")}
        </button>
      </form>
      <p class="soft">{w("again.hint")}</p>
      {error !== undefined && <Failure error={error} />}
      {run !== undefined && (
        <>
          <div class="row" role="group" aria-label={w("again.show")}>
            {([["again.answers", false], ["again.difference", true]] as const).map((
              [name, value],
            ) => (
              <button
                key={name}
                type="button"
                class="chip"
                aria-pressed={isDifference === value}
                onClick={() => setDifference(value)}
              >
                {w(name)}
              </button>
            ))}
          </div>
          <Comparison row={row} run={run} words={words} />
          {isDifference
            ? <Difference before={textOf(before)} after={textOf(run.answer)} words={words} />
            : (
              <div class="logs-pair">
                <AnswerView answer={before} words={words} />
                <div aria-live="polite" aria-busy={isRunning}>
                  <AnswerView answer={run.answer} words={words} />
                </div>
              </div>
            )}
        </>
      )}
    </div>
  );
}

const textOf = ({ choices }: Answer): string =>
  (choices[0]?.pieces ?? []).map((piece) =>
    piece.kind === "text" || piece.kind === "refusal"
      ? piece.text
      : piece.kind === "call"
      ? `${piece.name}(${piece.arguments})`
      : ""
  ).filter(Boolean).join("\n");

function Comparison({ row, run, words }: { row: Row; run: Run; words: Words }): JSX.Element {
  const { w, number, money, duration } = words;
  const other = run.row;
  const figures: [
    string,
    number | null,
    number | null | undefined,
    (value: number | null | undefined) => string,
  ][] = [
    [w("col.tokens_in"), row.tokens_in, other?.tokens_in, number],
    [w("col.tokens_out"), row.tokens_out, other?.tokens_out, number],
    [w("col.cost"), row.cost, other?.cost, money],
    [w("col.duration"), row.duration, other?.duration, duration],
    [w("col.first_token"), row.timings.first_token, other?.timings.first_token, duration],
  ];
  return (
    <div class="table-wrap" tabIndex={0}>
      <table class="table">
        <thead>
          <tr>
            <th scope="col">
              <span class="hush">{w("again.figure")}</span>
            </th>
            <th scope="col" class="num">{row.model}</th>
            <th scope="col" class="num">{run.model}</th>
            <th scope="col" class="num">{w("again.change")}</th>
          </tr>
        </thead>
        <tbody>
          {figures.map(([name, before, after, say]) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              <td class="num">{say(before)}</td>
              <td class="num">{say(after)}</td>
              <td class="num">
                <Change before={before} after={after} words={words} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Less is better of all that is compared. */
function Change(
  { before, after, words: { percent } }: {
    before: number | null;
    after: number | null | undefined;
    words: Words;
  },
): JSX.Element {
  if (!before || after === null || after === undefined) return <span class="soft">–</span>;
  const change = after / before - 1;
  const text = `${change > 0 ? "+" : ""}${percent(change)}`;
  return <span class={change < -.02 ? "good" : change > .02 ? "bad" : "soft"}>{text}</span>;
}

function Difference(
  { before, after, words: { w } }: { before: string; after: string; words: Words },
): JSX.Element {
  const changes = differenceOf(before, after);
  if (changes === undefined) return <p class="soft">{w("again.long")}</p>;
  if (changes.every(({ kind }) => kind === "same")) return <p class="soft">{w("again.same")}</p>;
  return (
    <p class="logs-text logs-difference">
      {changes.map(({ kind, text }, i) =>
        kind === "same"
          ? text
          : kind === "in"
          ? <ins key={i}>{text}</ins>
          : <del key={i}>{text}</del>
      )}
    </p>
  );
}
