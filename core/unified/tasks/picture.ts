/**
 * Pictures in one form for all providers, and what they say of sizes.
 *
 * @module
 */

/** What is to be drawn. */
export interface PictureRequest {
  /** As the provider names it. */
  model: string;
  prompt: string;
  /** How many. */
  n: number;
  /** In pixels; the provider's choice when absent. */
  size?: { width: number; height: number };
  /** `low`, `high`, `hd`, ... */
  quality?: string;
  /** `png`, `jpeg`, `webp`. */
  output_format?: string;
  /** As the client wants to have them: `url` or `b64_json`. */
  response_format?: string;
  /** To be changed. */
  images: Source[];
  /** Members that OpenAI does not know; for whoever takes a flat body. */
  extra: Record<string, unknown>;
}

/** A picture that a client sends. */
export interface Source {
  mime: string;
  /** Base64; absent for one at a URL. */
  data?: string;
  url?: string;
}

/** A picture that was drawn; one of the two is there. */
export interface Picture {
  /** Base64. */
  data?: string;
  url?: string;
  /** As `image/png`. */
  mime?: string;
  /** What the provider made of the prompt. */
  prompt?: string;
}

/** As a URL that holds it, where it has no other. */
export function urlOf({ mime, data, url }: Source): string {
  return url ?? `data:${mime};base64,${data ?? ""}`;
}

/** The ratio, of those that there are, that is closest to a size. @param ratios As `16:9` or `16x9`. */
export function ratioOf(
  { width, height }: { width: number; height: number },
  ratios: readonly string[],
): string {
  const distance = (ratio: string) => {
    const [across = 1, down = 1] = ratio.split(/[:x]/).map(Number);
    return Math.abs(Math.log(width / height) - Math.log(across / down));
  };
  return ratios.reduce((best, ratio) => distance(ratio) < distance(best) ? ratio : best);
}
