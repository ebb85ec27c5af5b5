/** Words, numbers, times and money in the reader's language. */
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import { en, type Word } from "./text/en.ts";
import { zh } from "./text/zh.ts";

export type Language = "en" | "zh";

const words: Record<Language, Record<Word, string>> = { en, zh };

/** Words that a page brings along: each language has the same ones. */
export interface Dictionary<Name extends string = string> {
  en: Readonly<Record<Name, string>>;
  zh: Readonly<Record<Name, string>>;
}

type Values = Record<string, string | number>;

/** What a page says things with. */
export interface Locale {
  language: Language;
  /** Of the reader, for `Intl`. */
  tag: string;
  /** The word, with `{name}` filled in. */
  t(word: Word, values?: Values): string;
  /** The same of a page's own words. */
  of<Name extends string>(words: Dictionary<Name>): (word: Name, values?: Values) => string;
  /** A whole number, grouped; `compact` is 1.2K. */
  number(value: number | null | undefined, compact?: boolean): string;
  /** US dollars, with as many digits as the sum needs; `compact` has two of them. */
  money(value: number | null | undefined, compact?: boolean): string;
  percent(value: number | null | undefined): string;
  /** `+12%`. */
  change(value: number): string;
  /** Milliseconds as `340 ms`, `1.2 s`, `2 min`. */
  duration(ms: number | null | undefined): string;
  /** A point in time; with the day unless it is today. */
  time(at: number | string | Date): string;
  bytes(value: number | null | undefined): string;
}

const none = "–";

const locales = new Map<Language, Locale>();

/** The same one each time: its formats take long to be made. */
export function localeFor(language: Language): Locale {
  const known = locales.get(language) ?? localeOf(language);
  locales.set(language, known);
  return known;
}

function localeOf(language: Language): Locale {
  // The reader's own habits (decimal comma, 24 hours) within the language of the page.
  const tag = navigator.languages?.find((each) => each.toLowerCase().startsWith(language)) ??
    (language === "zh" ? "zh-CN" : "en-US");
  const plain = new Intl.NumberFormat(tag, { maximumFractionDigits: 1 });
  const short = new Intl.NumberFormat(tag, { notation: "compact", maximumFractionDigits: 1 });
  const share = new Intl.NumberFormat(tag, { style: "percent", maximumFractionDigits: 1 });
  const signed = [0, 1].map((maximumFractionDigits) =>
    new Intl.NumberFormat(tag, {
      style: "percent",
      signDisplay: "exceptZero",
      maximumFractionDigits,
    })
  );
  const brief = new Intl.NumberFormat(tag, {
    style: "currency",
    currency: "USD",
    notation: "compact",
    minimumFractionDigits: 0,
    maximumSignificantDigits: 2,
  });
  const today = new Intl.DateTimeFormat(tag, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const dated = new Intl.DateTimeFormat(tag, {
    month: "short",
    day: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
  const dollars = (digits: number) =>
    new Intl.NumberFormat(tag, {
      style: "currency",
      currency: "USD",
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  const coarse = dollars(2);
  const fine = dollars(6);
  const middle = dollars(4);
  const known = (value: number | null | undefined): value is number =>
    typeof value === "number" && Number.isFinite(value);
  return {
    language,
    tag,
    t: (word, values) => filled(words[language][word], values),
    of: (own) => (word, values) => filled(own[language][word], values),
    number: (value, compact = false) =>
      known(value) ? (compact ? short : plain).format(value) : none,
    money(value, compact = false) {
      if (!known(value)) return none;
      if (compact) return brief.format(value);
      const size = Math.abs(value);
      return (size === 0 || size >= 1 ? coarse : size >= 0.01 ? middle : fine).format(value);
    },
    percent: (value) => known(value) ? share.format(value) : none,
    change: (value) => signed[Math.abs(value) < .1 ? 1 : 0]!.format(value),
    duration(ms) {
      if (!known(ms)) return none;
      if (ms < 1000) return `${plain.format(ms < 10 ? ms : Math.round(ms))} ms`;
      return ms < 120_000 ? `${plain.format(ms / 1000)} s` : `${plain.format(ms / 60_000)} min`;
    },
    time(value) {
      const at = new Date(value);
      return (at.toDateString() === new Date().toDateString() ? today : dated).format(at);
    },
    bytes(value) {
      if (!known(value)) return none;
      const units = ["B", "KB", "MB", "GB"];
      let size = value, unit = 0;
      while (size >= 1024 && unit < units.length - 1) (size /= 1024, unit++);
      return `${plain.format(size)} ${units[unit]}`;
    },
  };
}

function filled(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** Set by the shell. */
export const LocaleContext = createContext<Locale>(localeFor("en"));
export const useLocale = (): Locale => useContext(LocaleContext);
