/** The conversation with one model. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Piece } from "../../read/pieces.ts";
import type { Sent } from "../../read/send.ts";
import { piecesOf } from "../../read/pieces.ts";
import { hrefOf } from "../../router.ts";
import { AreaField } from "../../ui/input.tsx";
import { messageOf } from "../../ui/mod.tsx";
import type { Row } from "../logs/row.ts";
import { AnswerView, Turn } from "../logs/talk.tsx";
import { useWords as useLogWords } from "../logs/words.ts";
import { callsIn, type Message } from "./talk.ts";
import type { Words } from "./words.ts";

export interface Exchange {
  /** What was said since the answer before: a message, or what tools returned. */
  asked: readonly Message[];
  sent?: Sent | undefined;
  row?: Row | undefined;
  error?: unknown;
}

export function Column({ model, talk, isBusy, onResults, words }: {
  model: string;
  talk: readonly Exchange[];
  isBusy: boolean;
  onResults(results: readonly string[]): void;
  words: Words;
}): JSX.Element {
  const { w, t } = words;
  const logWords = useLogWords();
  const last = talk.at(-1);
  const isRunning = last?.sent?.state === "running" && last.error === undefined;
  const calls = last?.sent?.state === "done" ? callsIn(last.sent.answer) : [];
  return (
    <section class="card play-column" aria-label={model} aria-busy={isRunning}>
      <div class="head">
        <h2 class="clip" title={model}>{model}</h2>
        {isRunning && <span class="dot" />}
      </div>
      <div class="card-body stack">
        {talk.length === 0 && <p class="soft">{w("empty")}</p>}
        {talk.map(({ asked, sent, row, error }, i) => (
          <div class="stack" key={i} aria-live={i === talk.length - 1 ? "polite" : "off"}>
            {asked.map((message, at) => (
              <Turn key={at} role={message.role} pieces={piecesIn(message)} words={logWords} />
            ))}
            {sent !== undefined && <AnswerView answer={sent.answer} words={logWords} />}
            {error !== undefined && (
              <p class="note bad" role="alert">{messageOf(error, t("error.offline"))}</p>
            )}
            {sent?.dropped !== undefined && (
              <p class="note warn">{w("dropped", { what: sent.dropped })}</p>
            )}
            {sent !== undefined && error === undefined && (
              <Figures sent={sent} row={row} words={words} />
            )}
          </div>
        ))}
        {calls.length > 0 && (
          <Results
            key={talk.length}
            names={calls.map(({ name }) => name)}
            isBusy={isBusy}
            onResults={onResults}
            words={words}
          />
        )}
      </div>
    </section>
  );
}

const piecesIn = ({ role, content, tool_call_id }: Message): Piece[] =>
  role === "tool"
    ? [{
      kind: "result",
      id: String(tool_call_id),
      name: "",
      pieces: piecesOf(content),
      failed: false,
    }]
    : piecesOf(content);

function Figures(
  { sent, row, words: { w, duration, number, money } }: {
    sent: Sent;
    row: Row | undefined;
    words: Words;
  },
): JSX.Element {
  const figures = [
    [w("first"), duration(row?.timings.first_token ?? sent.first)],
    [w("total"), duration(row?.duration ?? sent.total)],
    [w("tokens"), `${number(row?.tokens_in)} / ${number(row?.tokens_out)}`],
    [w("cost"), money(row?.cost)],
  ] as const;
  return (
    <div class="row play-figures">
      <dl class="row soft">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt class="faint">{name}</dt>
            <dd class="num">{value}</dd>
          </div>
        ))}
      </dl>
      {sent.cached && <span class="badge accent">{w("cached")}</span>}
      {sent.state === "stopped" && <span class="badge warn">{w("stopped")}</span>}
      {row !== undefined && <a href={hrefOf("logs", row.id)}>{w("row")}</a>}
    </div>
  );
}

/** A model waits for what its calls return. */
function Results({ names, isBusy, onResults, words: { w } }: {
  names: readonly string[];
  isBusy: boolean;
  onResults(results: readonly string[]): void;
  words: Words;
}): JSX.Element {
  const [results, setResults] = useState<readonly string[]>(names.map(() => ""));
  return (
    <form
      class="stack"
      onSubmit={(event) => {
        event.preventDefault();
        onResults(results);
      }}
    >
      {names.map((name, i) => (
        <AreaField
          key={i}
          label={w("result", { name })}
          rows={2}
          value={results[i]!}
          onChange={(text) => setResults(results.map((one, at) => at === i ? text : one))}
        />
      ))}
      <div>
        <button type="submit" class="button" disabled={isBusy}>{w("sendResults")}</button>
      </div>
    </form>
  );
}
