/** What was asked and what was answered, for reading. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Answer } from "../../read/answer.ts";
import type { Piece } from "../../read/pieces.ts";
import type { Tool } from "../../read/request.ts";
import { Copy, Empty } from "../../ui/mod.tsx";
import type { Bodies, Body } from "./bodies.ts";
import { Part } from "./facts.tsx";
import type { Row } from "./row.ts";
import type { Name, Words } from "./words.ts";

/** Characters of a text that are shown at once, and turns of a long conversation. */
const most = 6000, mostTurns = 40;

export function Talk(
  { row, bodies, words }: { row: Row; bodies: Bodies; words: Words },
): JSX.Element {
  const { w, number } = words;
  const { asked, answer, request, response } = bodies;
  const [isWhole, setWhole] = useState(false);
  if (request === undefined && response === undefined) {
    return (
      <Empty title={w("bodies.none")}>
        <p>{w("bodies.none.hint")}</p>
      </Empty>
    );
  }
  const turns = asked?.turns ?? [];
  const hidden = isWhole ? 0 : Math.max(0, turns.length - mostTurns);
  const parameters = Object.entries(asked?.parameters ?? {}).filter(([, value]) => value !== null);
  return (
    <div class="stack logs-talk">
      {request !== undefined && asked === undefined && <Unread body={request} words={words} />}
      {hidden > 0 && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          {w("turns.more", { n: number(hidden) })}
        </button>
      )}
      {turns.slice(hidden).map(({ role, pieces }, i) => (
        <Turn key={i} role={role} pieces={pieces} words={words} />
      ))}
      {answer?.choices.map(({ pieces, finish }, i) => (
        <Turn
          key={`answer ${i}`}
          role="answer"
          name={answer.choices.length > 1 ? w("answer.n", { n: i + 1 }) : undefined}
          pieces={pieces}
          note={finish}
          words={words}
        />
      ))}
      {answer?.error !== undefined && (
        <div class="note bad">
          <strong>{w("error.provider")}</strong>
          <span class="logs-text">{answer.error}</span>
        </div>
      )}
      {response !== undefined && answer === undefined && (
        <Unread body={response} words={words} isAnswer />
      )}
      {response?.isCut && <p class="soft">{w("cut.answer")}</p>}
      {response === undefined && row.end !== "error" && <p class="soft">{w("answer.none")}</p>}
      {(asked?.tools.length ?? 0) > 0 && (
        <Part title={w("tools", { n: asked!.tools.length })}>
          {asked!.tools.map((tool, i) => <ToolView key={i} tool={tool} />)}
        </Part>
      )}
      {parameters.length > 0 && (
        <Part title={w("parameters")}>
          <dl class="logs-list">
            {parameters.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd class="mono logs-text">{short(value)}</dd>
              </div>
            ))}
          </dl>
        </Part>
      )}
    </div>
  );
}

/** The pieces of an answer; those of a comparison, too. */
export function AnswerView({ answer, words }: { answer: Answer; words: Words }): JSX.Element {
  return (
    <div class="stack">
      {answer.choices.map(({ pieces, finish }, i) => (
        <Turn key={i} role="answer" pieces={pieces} note={finish} words={words} />
      ))}
      {answer.error !== undefined && (
        <div class="note bad">
          <span class="logs-text">{answer.error}</span>
        </div>
      )}
    </div>
  );
}

const short = (value: unknown): string => {
  const text = typeof value === "string" ? value : JSON.stringify(value, null, 1);
  return text.length > 2000 ? `${text.slice(0, 2000)}…` : text;
};

const roles: readonly string[] = ["system", "developer", "user", "assistant", "tool", "answer"];

/** What one said. */
export function Turn(
  { role, name, pieces, note, words }: {
    role: string;
    name?: string | undefined;
    pieces: readonly Piece[];
    note?: string | undefined;
    words: Words;
  },
): JSX.Element {
  const { w } = words;
  const text = pieces.flatMap((piece) => piece.kind === "text" ? [piece.text] : []).join("\n\n");
  return (
    <article class={`logs-turn ${role}`}>
      <header class="row">
        <h3>{name ?? (roles.includes(role) ? w(`role.${role}` as Name) : role)}</h3>
        {note && <span class="badge">{note}</span>}
        <span class="grow" />
        {text !== "" && <Copy text={text} />}
      </header>
      {pieces.map((piece, i) => <PieceView key={i} piece={piece} words={words} />)}
      {pieces.length === 0 && <p class="soft">{w("nothing.said")}</p>}
    </article>
  );
}

function PieceView({ piece, words }: { piece: Piece; words: Words }): JSX.Element {
  const { w } = words;
  switch (piece.kind) {
    case "text":
      return <Text text={piece.text} words={words} />;
    case "refusal":
      return (
        <div class="note warn">
          <strong>{w("refusal")}</strong>
          <Text text={piece.text} words={words} />
        </div>
      );
    case "reasoning":
      return (
        <details class="logs-fold" open={piece.text.length < 600}>
          <summary>{w("reasoning")}</summary>
          <Text text={piece.text} words={words} />
        </details>
      );
    case "call":
      return (
        <div class="logs-call">
          <span class="soft">{w("call")}</span> <strong class="mono">{piece.name}</strong>
          <Json text={piece.arguments} />
        </div>
      );
    case "result":
      return (
        <div class="logs-call">
          <span class="soft">{w(piece.failed ? "result.failed" : "result")}</span>{" "}
          <strong class="mono">{piece.name || piece.id}</strong>
          {piece.pieces.map((one, i) =>
            one.kind === "text"
              ? <Json key={i} text={one.text} />
              : <PieceView key={i} piece={one} words={words} />
          )}
        </div>
      );
    case "media":
      return <Media piece={piece} words={words} />;
    default:
      return (
        <details class="logs-fold">
          <summary>{piece.name}</summary>
          <Json text={JSON.stringify(piece.value)} />
        </details>
      );
  }
}

function Text({ text, words: { w, number } }: { text: string; words: Words }): JSX.Element {
  const [isWhole, setWhole] = useState(false);
  const isLong = text.length > most && !isWhole;
  return (
    <>
      <p class="logs-text">{isLong ? `${text.slice(0, most)}…` : text}</p>
      {isLong && (
        <button type="button" class="button" onClick={() => setWhole(true)}>
          {w("text.more", { n: number(text.length - most) })}
        </button>
      )}
    </>
  );
}

/** Only what the row itself has is shown: an address would tell somebody that it is looked at. */
function Media(
  { piece: { media, url, name }, words: { w } }: {
    piece: Extract<Piece, { kind: "media" }>;
    words: Words;
  },
): JSX.Element {
  const isOwn = url !== undefined && /^data:(?!text\/html|image\/svg)/i.test(url);
  if (media === "image" && isOwn) {
    return <img class="logs-image" src={url} alt={name ?? w("image")} />;
  }
  if (media === "audio" && isOwn) {
    return <audio controls src={url} aria-label={name ?? w("audio")} />;
  }
  if (media === "video" && isOwn) {
    return <video class="logs-image" controls src={url} aria-label={w("video")} />;
  }
  return (
    <div class="logs-call">
      <span class="soft">{w(media)}</span>{" "}
      <span class="mono logs-text">{name ?? (isOwn ? "" : url) ?? ""}</span>
    </div>
  );
}

function Json({ text }: { text: string }): JSX.Element | null {
  if (text === "") return null;
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch { /* free text */ }
  return (
    <pre
      class="code wrap"
      tabIndex={0}
    >{shown.length > most ? `${shown.slice(0, most)}…` : shown}</pre>
  );
}

function ToolView({ tool }: { tool: Tool }): JSX.Element {
  return (
    <details class="logs-fold">
      <summary>
        <strong class="mono">{tool.name}</strong>{" "}
        <span class="soft">{tool.description.slice(0, 160)}</span>
      </summary>
      {tool.description.length > 160 && <p class="logs-text">{tool.description}</p>}
      {tool.schema !== undefined && <Json text={JSON.stringify(tool.schema)} />}
    </details>
  );
}

/** A body that no format is known of. */
function Unread(
  { body, words: { w, bytes }, isAnswer = false }: { body: Body; words: Words; isAnswer?: boolean },
): JSX.Element {
  const type = body.type.split(";", 1)[0]!;
  const isShown = /^(?:image\/(?!svg)|audio\/)/.test(type);
  const url = isShown ? urlOf(body) : "";
  return (
    <article class="logs-turn">
      <header class="row">
        <h3>{w(isAnswer ? "role.answer" : "request")}</h3>
        <span class="soft">{type} · {bytes(body.bytes.length)}</span>
      </header>
      {type.startsWith("image/") && isShown && (
        <img
          class="logs-image"
          src={url}
          alt={w("image")}
        />
      )}
      {type.startsWith("audio/") && <audio controls src={url} aria-label={w("audio")} />}
      {!isShown && (body.text === undefined
        ? <p class="soft">{w("binary")}</p>
        : <pre class="code wrap" tabIndex={0}>{body.text.slice(0, most)}</pre>)}
      {body.isCut && !isAnswer && <p class="soft">{w("cut.request")}</p>}
    </article>
  );
}

function urlOf({ bytes, type }: Body): string {
  let binary = "";
  for (let at = 0; at < bytes.length; at += 0x8000) {
    binary += String.fromCharCode(...bytes.subarray(at, at + 0x8000));
  }
  return `data:${type.split(";", 1)[0]};base64,${btoa(binary)}`;
}
