/**
 * What each generation of Claude takes: the same body is right for one and a 400 for the next.
 *
 * @module
 */

/** Of one model. Facts: platform.claude.com, "Models", "Thinking", "Structured outputs"; spec 3.2. */
export interface Claude {
  /** Most tokens of an answer. */
  most: number;
  /** How it is made to think: by a budget, by itself, both ways, or not at all. */
  thinking: "none" | "budget" | "both" | "adaptive";
  /** How it is kept from thinking: not asking, saying so, saying the least there is; or it always does. */
  off: "omit" | "disabled" | "between_tools" | "never";
  /** Takes `temperature`, `top_p`, `top_k`. */
  sampling: boolean;
  /** Refuses `temperature` beside `top_p`. */
  either: boolean;
  /** Knows `output_config.format` and strict tools. */
  schema: boolean;
  /** Can be made to call a tool. */
  forced: boolean;
  /** Knows the effort `xhigh`. */
  xhigh: boolean;
  /** Takes `role: "system"` after a user's turn. */
  system: boolean;
}

const named = /claude-(opus|sonnet|haiku|fable|mythos)-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/;
const numbered = /claude-(?:v|instant-v?)?(\d)(?:[-.](\d)(?!\d))?/;

/**
 * By its name, in any host's spelling: `claude-opus-4-6`, `us.anthropic.claude-opus-4-6-v1`,
 * `claude-opus-4@20250514`, `anthropic/claude-haiku-4.5`. One that is newer than this file gets only what all
 * newer ones take; one that is no Claude what the format has always had.
 */
export function claudeOf(model: string): Claude {
  if (!model.includes("claude")) return of({ most: 8192, thinking: "budget" });
  const [, tier = "", major, minor] = named.exec(model) ?? [];
  if (major === undefined) {
    const [, old, point] = numbered.exec(model) ?? [];
    if (old !== undefined) return ancient(Number(old) * 100 + Number(point ?? 0));
    return model.includes("mythos-preview") ? { ...fourSix, off: "never" } : newest;
  }
  const version = Number(major) * 100 + Number(minor ?? 0);
  if (version < 405) {
    const most = tier === "opus" ? 32_000 : 64_000;
    return of({ most, thinking: "budget", schema: version > 400, either: version > 400 });
  }
  if (version === 405) return of({ most: 64_000, thinking: "budget", schema: true, either: true });
  if (version === 406) return fourSix;
  const claude = { ...newest, system: version > 407 && (tier !== "sonnet" || version > 500) };
  if (version > 505) return claude;
  if (tier === "fable" || tier === "mythos") return { ...claude, forced: version === 500 };
  if (version === 505 && tier === "opus") return claude;
  if (version === 505 && tier === "sonnet") return { ...claude, off: "between_tools" };
  return { ...claude, off: "disabled", forced: true };
}

function of(claude: Partial<Claude>): Claude {
  return {
    most: 4096,
    thinking: "none",
    off: "omit",
    sampling: true,
    either: false,
    schema: false,
    forced: true,
    xhigh: false,
    system: false,
    ...claude,
  };
}

const fourSix = of({ most: 128_000, thinking: "both", schema: true, either: true });

const newest = of({
  most: 128_000,
  thinking: "adaptive",
  off: "never",
  sampling: false,
  schema: true,
  forced: false,
  xhigh: true,
  system: true,
});

function ancient(version: number): Claude {
  if (version > 306) return of({ most: 64_000, thinking: "budget" });
  return of({ most: version > 304 ? 8192 : 4096 });
}
