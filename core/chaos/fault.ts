/**
 * Faults that providers have, as one writes them down: `cut events=3`, `status status=429 retry_after=2`.
 *
 * @module
 */
import { suggestion } from "../nearest.ts";

/** What may go wrong. Events are counted from the beginning of the answer; comments are none. */
export type Fault =
  & {
    /** Only for the first so many attempts of a client request. */
    attempts?: number;
  }
  & (
    | {
      /** No connection. */
      type: "refuse";
    }
    | {
      /** The head comes late. */
      type: "delay";
      /** Milliseconds; 1000 unless given. */
      ms?: number;
    }
    | {
      /** An error of the provider's, in its own shape; it is not asked. */
      type: "status";
      /** 503 unless given. */
      status?: number;
      /** Seconds, for `retry-after`; 1 unless given where the status is 429. */
      retry_after?: number;
    }
    | {
      /**
       * `cut`: the connection breaks. `stall`: nothing more comes, until somebody gives up. `end`: a clean
       * end in the wrong place.
       */
      type: "cut" | "stall" | "end";
      /** After so many events; 1 unless given. What is no stream is struck in its middle. */
      events?: number;
      /** After so many bytes instead. */
      bytes?: number;
    }
    | {
      /** `malformed`: an event that cannot be parsed, then the rest. `error`: an error event, then the end. */
      type: "malformed" | "error";
      /** After so many events; 1 unless given. */
      events?: number;
    }
    | {
      /** A few bytes at a time. */
      type: "slow";
      /** 16 unless given. */
      bytes?: number;
      /** Milliseconds between two pieces; 100 unless given. */
      ms?: number;
    }
    | {
      /** The last bytes are missing, and nothing else tells. */
      type: "truncate";
      /** 10 unless given. */
      bytes?: number;
    }
  );

/** The names of numbers that each fault has. */
const numbers: Record<Fault["type"], readonly string[]> = {
  refuse: [],
  delay: ["ms"],
  status: ["status", "retry_after"],
  cut: ["events", "bytes"],
  stall: ["events", "bytes"],
  end: ["events", "bytes"],
  malformed: ["events"],
  error: ["events"],
  slow: ["bytes", "ms"],
  truncate: ["bytes"],
};

const most = 2 ** 31 - 1;

/** A fault as it came; throws a `TypeError` that says what is wrong with one that is none. */
export function checkFault(fault: Fault): Fault {
  const { type, ...rest } = Object(fault) as Record<string, unknown>;
  if (typeof type !== "string" || !Object.hasOwn(numbers, type)) {
    throw new TypeError(
      `'${String(type)}' is no fault; ${suggestion(String(type), Object.keys(numbers), "faults")}`,
    );
  }
  const known = [...numbers[type as Fault["type"]], "attempts"];
  for (const [name, value] of Object.entries(rest)) {
    if (!known.includes(name)) {
      throw new TypeError(`Fault '${type}' has no '${name}', only ${known.join(", ")}`);
    }
    const [low, high] = name === "status" ? [400, 599] as const : [0, most] as const;
    if (value === undefined) continue;
    if (typeof value === "number" && Number.isInteger(value) && value >= low && value <= high) {
      continue;
    }
    throw new TypeError(`'${name}' of fault '${type}' must be a whole number, ${low} to ${high}`);
  }
  return fault;
}

/** Reads faults as they are written in a header, with commas between; throws as {@link checkFault}. */
export function parseFaults(text: string): Fault[] {
  return text.split(",").map((part) => {
    const [type = "", ...words] = part.trim().split(/\s+/);
    const fault: Record<string, unknown> = { type };
    for (const word of words) {
      const [, name, digits] = /^([a-z_]+)=(\d{1,10})$/.exec(word) ?? [];
      if (name === undefined) {
        throw new TypeError(`'${word}' must be a name and a whole number, such as 'events=3'`);
      }
      fault[name] = Number(digits);
    }
    return checkFault(fault as unknown as Fault);
  });
}

/** The same, written. */
export function textOf(faults: readonly Fault[]): string {
  return faults.map(({ type, ...rest }) =>
    [type, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(" ")
  ).join(", ");
}
