// Rows and selections at random, the same ones each time: for logs that must agree with each other.
import type { LogEntry, LogRow } from "../../core/log/row.ts";
import {
  type LogField,
  logFields,
  type LogFilter,
  type LogOrder,
  type LogSelection,
} from "../../core/storage/ports.ts";
import { row } from "./log-row.ts";

export interface Random {
  /** From 0 up to `below`. */
  int(below: number): number;
  pick<T>(from: readonly T[]): T;
  chance(of: number): boolean;
}

/** Marsaglia's xorshift. */
export function source(seed: number): Random {
  let state = seed | 1;
  const next = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  return {
    int: (below) => Math.floor(next() * below),
    pick: (from) => from[Math.floor(next() * from.length)]!,
    chance: (of) => next() < of,
  };
}

// Few values, so that filters meet them; with what SQL, patterns, JSON and UTF-16 trip over.
const texts = [
  ...["", "a", "A", "b", "ab", "aB/c", "a/b", "ä", "Ä", "\u{ff5e}", "\u{1f600}", "\ud83d", "a\0b"],
  ...["%", "_", "\\", "'", '"', "a\nb", "null", "true", "1", "1.0", "-1", ",", ":", "}", "a b"],
];
const numbers = [0, 1, -1, 2, 0.1, 0.1 + 0.2, 1e-9, 1e21, 2 ** 53, 1e300, 429, 12];
const providers = ["openai", "groq", "a", "ä"];
const models = ["gpt-4o", "meta/llama", "a", ""];
const keys = ["team", "a", "A", "ä", 'q"', "\\", ",", ":k", "a\0b", "__proto__"];

const maybe = <T>(random: Random, value: T): T | null => random.chance(0.3) ? null : value;

function metadata(random: Random): LogRow["metadata"] {
  if (random.chance(0.3)) return null;
  const entries = Array.from({ length: random.int(4) }, () => [
    random.pick(keys),
    random.pick([
      ...[random.pick(texts), random.pick(numbers), random.chance(0.5), null],
      random.pick(["red", "blue"]),
    ]),
  ]);
  return Object.fromEntries(entries);
}

let made = 0;

/** Rows whose ids nobody else has. */
export function randomEntries(random: Random, count: number, around: number): LogEntry[] {
  return Array.from({ length: count }, () => {
    const id = `id-${made++}`;
    const provider = random.pick(providers);
    const model = random.pick(models);
    const members: Partial<LogRow> = {
      event_id: random.chance(0.5) ? id : random.pick(["e1", "e2", "E1", id]),
      created_at: around + random.pick([0, 0, 1, 1000, -1000, 0.5]),
      gateway: random.pick(["default", "default", "other"]),
      provider,
      model: random.chance(0.8) && model !== "" ? `${provider}/${model}` : model,
      model_type: random.pick(["chat", "", "image"]),
      path: random.pick(texts),
      request_type: random.pick(["native", "compat"]),
      request_content_type: random.pick(texts),
      response_content_type: random.pick(["", "application/json"]),
      status_code: random.pick([200, 200, 429, 500]),
      success: random.chance(0.7),
      cached: random.chance(0.3),
      step: random.int(3),
      duration: Math.abs(random.pick(numbers)),
      end: random.pick(["complete", "error"]),
      tokens_in: maybe(random, random.pick(numbers)),
      tokens_out: maybe(random, random.pick(numbers)),
      usage_quality: maybe(random, random.pick(["reported", "estimated"] as const)),
      cost: maybe(random, random.pick(numbers)),
      metadata: metadata(random),
      feedback: maybe(random, random.pick([1, -1] as const)),
      authentication: random.chance(0.5),
      compatibilityMode: random.chance(0.5),
      user_agent: random.pick(texts),
      key_id: maybe(random, random.pick(texts)),
      error: maybe(random, { code: null, message: random.pick(texts) }),
      dlp_action: maybe(random, random.pick(["FLAG", "BLOCK"])),
    };
    return { row: row(id, members) };
  });
}

const orders: LogOrder[] = [
  ...["created_at", "provider", "model", "model_type", "success", "cached"] as const,
  ...["cost", "tokens_in", "tokens_out", "duration", "feedback"] as const,
];

function values(random: Random, key: LogField, around: number): LogFilter["value"] {
  const one = () => {
    const any = [random.pick(texts), random.pick(numbers), random.chance(0.5), null];
    const fitting: unknown[] = {
      "id": [`id-${random.int(made)}`],
      "event_id": ["e1", "e2", `id-${random.int(made)}`],
      "created_at": [around, around + 1, new Date(around + 500).toISOString()],
      "provider": providers,
      "model": [random.pick(models), `${random.pick(providers)}/${random.pick(models)}`],
      "metadata.key": keys,
      "metadata.value": ["red", "blue", ...any],
      "status_code": [200, 429],
      "feedback": [1, -1, 0],
    }[key as string] ?? any;
    return random.pick(random.chance(0.8) ? fitting : any) as LogFilter["value"][number];
  };
  return Array.from({ length: random.pick([1, 1, 1, 2, 3, 0]) }, one);
}

function filter(random: Random, key: LogField, around: number): LogFilter {
  const operator = random.pick(["eq", "eq", "neq", "contains", "lt", "gt"] as const);
  return { key, operator, value: values(random, key, around) };
}

export function randomSelection(random: Random, around: number): LogSelection {
  const selection: LogSelection = {};
  if (random.chance(0.7)) selection.gateway = random.pick(["default", "other"]);
  if (random.chance(0.9)) {
    selection.filters = Array.from(
      { length: 1 + random.int(3) },
      () => filter(random, random.pick(logFields), around),
    );
  }
  if (random.chance(0.2)) {
    const value = [random.pick(keys)];
    selection.filters = [
      ...selection.filters ?? [],
      { key: "metadata.key", operator: "eq", value },
      filter(random, "metadata.value", around),
    ];
  }
  if (random.chance(0.15)) selection.search = random.pick([...texts, "id-1", "red", "OPENAI"]);
  if (random.chance(0.5)) selection.order_by = random.pick(orders);
  if (random.chance(0.6)) selection.direction = random.pick(["asc", "desc"]);
  return selection;
}
