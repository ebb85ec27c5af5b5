/** Where the time of a client's request went: in the gateway, and in each attempt to get an answer. */
import type { JSX } from "preact";
import type { Row } from "./row.ts";
import { outcomeOf } from "./row.ts";
import type { Words } from "./words.ts";

/** Ids are UUIDv7, which begin with the milliseconds since 1970. */
function timeIn(id: string): number | undefined {
  const hex = id.replaceAll("-", "");
  if (!/^[0-9a-f]{12}7/i.test(hex)) return undefined;
  return parseInt(hex.slice(0, 12), 16);
}

export function Waterfall(
  { rows, current, words, onOpen }: {
    rows: readonly Row[];
    /** Id of the row that is shown. */
    current: string;
    words: Words;
    onOpen(id: string): void;
  },
): JSX.Element {
  const { w, duration } = words;
  const starts = rows.map(({ created_at }) => Date.parse(created_at));
  const first = Math.min(...starts);
  const arrived = timeIn(rows[0]!.request_id);
  // A caller may give several requests one event; then the first row tells.
  const zero = arrived !== undefined && arrived <= first && first - arrived < 60_000
    ? arrived
    : first;
  const end = Math.max(...rows.map((row, i) => starts[i]! + row.timings.total));
  const whole = Math.max(end - zero, 1);
  const share = (ms: number) => `${Math.max(0, Math.min(100, ms / whole * 100))}%`;
  return (
    <div class="logs-waterfall">
      <ol>
        {first > zero && (
          <li>
            <span class="clip soft">{w("wait.gateway")}</span>
            <span class="bar">
              <i class="gateway" style={{ left: 0, width: share(first - zero) }} />
            </span>
            <span class="num soft">{duration(first - zero)}</span>
          </li>
        )}
        {rows.map((row, i) => {
          const at = starts[i]! - zero;
          const { latency, first_byte, first_token, total } = row.timings;
          const head = Math.min(first_byte ?? latency, total);
          const token = Math.max(head, Math.min(first_token ?? head, total));
          const name = row.cached ? w("wait.cache") : `${row.provider} ${row.status_code || ""}`;
          const text = [
            w("wait.head", { time: duration(latency) }),
            first_byte !== null && w("wait.byte", { time: duration(first_byte) }),
            first_token !== null && w("wait.token", { time: duration(first_token) }),
            w("wait.end", { time: duration(total) }),
          ].filter(Boolean).join(", ");
          return (
            <li key={row.id} class={row.id === current ? "on" : ""}>
              {row.id === current ? <span class={`clip ${outcomeOf(row)}`}>{name}</span> : (
                <button
                  type="button"
                  class={`clip ${outcomeOf(row)}`}
                  onClick={() => onOpen(row.id)}
                >
                  {name}
                </button>
              )}
              <span class="bar" title={text}>
                <i class="head" style={{ left: share(at), width: share(head) }} />
                <i class="token" style={{ left: share(at + head), width: share(token - head) }} />
                <i
                  class={`rest ${outcomeOf(row)}`}
                  style={{ left: share(at + token), width: share(total - token) }}
                />
                <span class="hush">{text}</span>
              </span>
              <span class="num">{duration(total)}</span>
            </li>
          );
        })}
      </ol>
      <dl class="row soft" aria-hidden="true">
        {(["gateway", "head", "token", "rest"] as const).map((kind) => (
          <div key={kind} class="row">
            <dt class={`key ${kind}`} />
            <dd>{w(`wait.key.${kind}`)}</dd>
          </div>
        ))}
      </dl>
      <Marks row={rows.find(({ id }) => id === current) ?? rows[0]!} words={words} />
    </div>
  );
}

/** The figures themselves. */
function Marks(
  { row: { timings }, words: { w, duration } }: { row: Row; words: Words },
): JSX.Element {
  const marks = [
    [w("mark.head"), timings.latency],
    [w("mark.byte"), timings.first_byte],
    [w("mark.token"), timings.first_token],
    [w("mark.end"), timings.total],
  ] as const;
  return (
    <dl class="logs-marks">
      {marks.map(([name, ms]) => (
        <div key={name}>
          <dt class="soft">{name}</dt>
          <dd>{duration(ms)}</dd>
        </div>
      ))}
    </dl>
  );
}
