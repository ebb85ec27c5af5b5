/** From when to when: how long until now, by its name, or two times. */

/** Names of ranges that end now, in minutes. */
export const ranges = {
  "15m": 15,
  "1h": 60,
  "24h": 1440,
  "7d": 10_080,
  "30d": 43_200,
  "90d": 129_600,
} as const;
export type RangeName = keyof typeof ranges;

/** `range` is empty where the times say it; all three are where there is no limit. */
export interface Range {
  range: RangeName | "";
  /** RFC 3339, empty where it is open. */
  from: string;
  to: string;
}

export function rangeFrom(params: URLSearchParams): Range {
  const range = params.get("range") ?? "";
  return {
    range: Object.hasOwn(ranges, range) ? range as RangeName : "",
    from: params.get("from") ?? "",
    to: params.get("to") ?? "",
  };
}
