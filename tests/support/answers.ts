// Recorded answers as the gateway hands them to the reader of formats.
import type { Recorded } from "../../core/formats/read.ts";
import type { Fixture } from "./fixtures.ts";
import { routeOf } from "./routes.ts";

/** The whole answer of a case, under the path that it has behind the gateway's slug. */
export function recordedOf(fixture: Fixture): Recorded {
  const route = routeOf(fixture)?.path.replace(/\?.*/, "").split("/").slice(4) ?? [];
  const [provider = "", ...rest] = route;
  // Partners of Hugging Face have a path each.
  const path = provider === "huggingface" ? new URL(fixture.url).pathname.slice(1) : rest.join("/");
  const type = Object.entries(fixture.responseHeaders).findLast(([name]) =>
    name.toLowerCase() === "content-type"
  );
  return {
    provider,
    format: undefined,
    path,
    status: fixture.status,
    contentType: eventStream(fixture) ? "application/vnd.amazon.eventstream" : type?.[1] ?? "",
    head: new Uint8Array(fixture.responseBody),
  };
}

/** One case was kept without headers. */
function eventStream(fixture: Fixture): boolean {
  return fixture.name === "amazon-bedrock/kong-eventstream-chunk";
}

/** The same with only its first and last bytes kept. */
export function withGap(recorded: Recorded, head: number, tail: number): Recorded {
  const { head: body } = recorded;
  return {
    ...recorded,
    head: body.subarray(0, head),
    tail: body.subarray(body.length - tail),
    skipped: body.length - head - tail,
  };
}
