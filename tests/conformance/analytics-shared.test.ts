// Two processes on one store: the figures of either are those of both, exact to the row, after one was
// killed as well.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import {
  type RunningGateway,
  type RuntimeName,
  runtimes,
  startGateway,
} from "../support/gateway.ts";
import { until } from "../support/logs.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const token = "an-admin-token-for-the-test";
const each = 40;

// What is compared, not typed.
// deno-lint-ignore no-explicit-any
type Json = any;

const withFiles = runtimes.filter((runtime) => runtime !== "workers");

for (const runtime of withFiles) {
  const other = withFiles.find((name) => name !== runtime) ?? runtime;
  describe(`figures of two processes, on ${runtime} and ${other}`, () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-figures-"));
    let upstream: Upstream;
    let one: RunningGateway;
    let two: RunningGateway;

    const start = (name: RuntimeName) =>
      startGateway(name, {
        config: { providers: { openai: { base_url: `${upstream.url}/v1` } } },
        env: { SLUICE_DATA: folder, SLUICE_ADMIN_TOKEN: token },
      });
    const ask = async (at: RunningGateway, team: string) => {
      const response = await fetch(`${at.url}/v1/acc/default/openai/chat/completions`, {
        method: "POST",
        headers: {
          authorization: "Bearer sk-own",
          "content-type": "application/json",
          "cf-aig-metadata": JSON.stringify({ team }),
        },
        body: '{"model":"gpt-4o-mini","messages":[]}',
      });
      await response.arrayBuffer();
    };
    const get = async (at: RunningGateway, path: string): Promise<Json> => {
      const url = `${at.url}/client/v4/accounts/acc/ai-gateway/gateways/default/${path}`;
      const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
      assert.equal(response.status, 200);
      return await response.json();
    };

    before(async () => {
      upstream = await startUpstream();
      let turn = 0;
      upstream.handle((_req, res) => {
        turn++;
        res.setHeader("content-type", "application/json");
        if (turn % 4 === 0) {
          res.statusCode = 500;
          return void res.end('{"error":{"message":"no"}}');
        }
        res.end(JSON.stringify({
          id: "chatcmpl-1",
          object: "chat.completion",
          model: "gpt-4o-mini",
          choices: [{ index: 0, message: { role: "assistant", content: "Hi" } }],
          usage: {
            prompt_tokens: 100 + turn,
            completion_tokens: turn,
            total_tokens: 100 + 2 * turn,
          },
        }));
      });
      [one, two] = await Promise.all([start(runtime), start(other)]);
    }, { timeout: 90_000 });
    after(async () => {
      await Promise.all([one?.stop("SIGKILL"), two?.stop("SIGKILL")]);
      await upstream?.close();
      rmSync(folder, { recursive: true, force: true });
    });

    /** The figures as the rows have them. */
    const fromRows = async (at: RunningGateway) => {
      const rows: Json[] = [];
      for (let next: string | null = ""; next !== null;) {
        const page = await get(at, `logs?per_page=200&after=${encodeURIComponent(next)}`);
        rows.push(...page.result);
        next = page.result_info.next;
      }
      const sum = (name: string) => rows.reduce((all, row) => all + (row[name] ?? 0), 0);
      return {
        attempts: rows.length,
        errors: rows.filter(({ success }) => !success).length,
        tokens_in: sum("tokens_in"),
        tokens_out: sum("tokens_out"),
        cost: Number(sum("cost").toPrecision(9)),
      };
    };
    const fromSums = async (at: RunningGateway) => {
      const { result } = await get(at, "analytics?group_by=provider,status");
      const { attempts, errors, tokens_in, tokens_out, cost } = result.totals;
      const parts = result.series.reduce(
        (all: number, { totals }: Json) => all + totals.attempts,
        0,
      );
      assert.equal(parts, attempts);
      return {
        attempts,
        errors: errors.total,
        tokens_in,
        tokens_out,
        cost: Number(cost.toPrecision(9)),
      };
    };

    it("are those of both", { timeout: 60_000 }, async () => {
      await Promise.all(
        Array.from({ length: each }, (_, i) => [ask(one, `a${i % 3}`), ask(two, "b")]).flat(),
      );
      await until(
        "All rows are there",
        async () =>
          (await fromSums(one)).attempts === 2 * each &&
          (await fromSums(two)).attempts === 2 * each,
      );
      const expected = await fromRows(one);
      assert.equal(expected.attempts, 2 * each);
      assert.equal(expected.errors, each / 2);
      assert.ok(expected.cost > 0);
      assert.deepEqual(await fromSums(one), expected);
      assert.deepEqual(await fromSums(two), expected);
    });

    it(
      "lose and double nothing that was stored when one is killed",
      { timeout: 60_000 },
      async () => {
        await Promise.all(Array.from({ length: each }, () => ask(two, "c")));
        await get(two, "logs?per_page=1"); // writes what waits
        await two.stop("SIGKILL");
        two = await start(other);
        const expected = await fromRows(one);
        assert.equal(expected.attempts, 3 * each);
        assert.deepEqual(await fromSums(two), expected);
        assert.deepEqual(await fromSums(one), expected);
      },
    );
  });
}
