import { type Locale, useLocale } from "../../i18n.ts";
import { en } from "../../text/gateways.en.ts";
import { zh } from "../../text/gateways.zh.ts";

export type Name = keyof typeof en;

/** The page's own words, and the common ones. */
export function useWords(): Locale & {
  w(name: Name, values?: Record<string, string | number>): string;
} {
  const locale = useLocale();
  return { ...locale, w: locale.of({ en, zh }) };
}

export type Words = ReturnType<typeof useWords>;
