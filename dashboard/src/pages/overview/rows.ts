/** A row of the log, as far as the overview shows it, and what several of them come to. */
import { get } from "../../api.ts";

export interface Row {
  id: string;
  created_at: string;
  provider: string;
  model: string;
  success: boolean;
  cached: boolean;
  status_code: number;
  duration: number;
  cost: number | null;
  tokens_in: number | null;
  tokens_out: number | null;
  timings: { first_token: number | null };
  cost_parts: { saved?: number } | null;
}

/** The latest rows, newest first. */
export async function latestRows(
  gateway: string,
  pages: number,
  signal: AbortSignal,
): Promise<Row[]> {
  const path = (page: number) =>
    `/gateways/${encodeURIComponent(gateway)}/logs?per_page=50&page=${page}`;
  const first = await get<Row[]>(path(1), signal);
  if (first.result.length < 50) return first.result;
  const rest = await Promise.all(
    Array.from({ length: pages - 1 }, (_, i) => get<Row[]>(path(i + 2), signal)),
  );
  return [first, ...rest].flatMap(({ result }) => result);
}

/** The value below which that part of the values lies. */
export function percentile(values: number[], part: number): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))];
}

/** Sum of what is known. */
export function sum(rows: Row[], of: (row: Row) => number | null): number {
  return rows.reduce((total, row) => total + (of(row) ?? 0), 0);
}
