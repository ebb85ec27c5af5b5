// Chromium, where there is one.
import { existsSync } from "node:fs";
import { type Browser, chromium } from "playwright-core";

const path = process.env["CHROMIUM"] ?? "/usr/bin/chromium";

/** Why tests in a browser are skipped, or nothing. */
export const noBrowser: string | undefined = existsSync(path)
  ? undefined
  : `Chromium is not at ${path}; install it, or name it in CHROMIUM`;

export function openBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: path, args: ["--no-sandbox"] });
}
