// The configuration of a gateway with everything on, for tests: what JSON cannot say of it is the target
// of native requests.
import process from "node:process";
import { auth, cache, fallback, log, type Plugin, rateLimit, retry, timeout } from "../../mod.ts";
import type { RuntimeName } from "./gateway.ts";
import { journeyOf } from "./journeys.ts";

const { TEST_CONFIG, TEST_SEED, TEST_RUNTIME } = process.env;
const seed = Number(TEST_SEED);

/** The request of the second step, which the test expects. */
function second(json: unknown): unknown {
  const number = Number(/Request (\d+)/.exec(JSON.stringify(json))?.[1]);
  const { steps } = journeyOf(seed, Math.floor(number / 10), TEST_RUNTIME as RuntimeName);
  return JSON.parse(steps[1]!.attempts[0]!.body);
}

const plugins: Plugin[] = [
  log(),
  auth(),
  fallback({
    to: [{ provider: "anthropic", path: "v1/messages", body: second }],
    when: (_failure, ctx) => !ctx.clientHeaders.has("x-plain"),
  }),
  cache(),
  rateLimit(),
  retry(),
  timeout(),
];

export default { ...JSON.parse(TEST_CONFIG!), plugins };
