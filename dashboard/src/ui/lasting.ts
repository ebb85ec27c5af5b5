import type { Locale } from "../i18n.ts";

const units = [["day", 86_400], ["hour", 3600], ["minute", 60], ["second", 1]] as const;

/** Seconds in words: 10 minutes, 1.5 hours, 30 days. */
export function lasting({ language }: Locale, seconds: number): string {
  const [unit, size] = units.find(([, size]) => seconds >= size) ?? units[3];
  return new Intl.NumberFormat(language === "zh" ? "zh-CN" : "en", {
    style: "unit",
    unit,
    unitDisplay: "long",
    maximumFractionDigits: 2,
  }).format(seconds / size);
}

/** A day and a time in any year, to the minute. */
export function dayOf({ language }: Locale, at: string): string {
  return new Intl.DateTimeFormat(language === "zh" ? "zh-CN" : navigator.language, {
    dateStyle: "medium",
    timeStyle: "short",
  }).format(new Date(at));
}
