// What axe has to say of a page.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Page } from "playwright-core";

const source = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

interface Axe {
  run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }>;
}

/** The rules that the page breaks, and where; its context must be made with `bypassCSP`. */
export async function violationsOf(page: Page): Promise<string[]> {
  await page.evaluate(source);
  return await page.evaluate(async () => {
    // Colours on their way are of no theme.
    const under = document.getAnimations().filter((one) => one instanceof CSSTransition);
    await Promise.all(under.map(({ finished }) => finished));
    const { violations } = await (globalThis as unknown as { axe: Axe }).axe.run();
    return violations.map(({ id, nodes }) => `${id}: ${nodes[0]?.html}`);
  });
}
