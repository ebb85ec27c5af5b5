/** Datasets and evaluations, beyond what Cloudflare's own client shows (see `tests/clients`). */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { type Json, least, managed, problem } from "./manage.ts";

const dataset = { name: "all", enable: true, filters: [] };

describe("datasets", () => {
  it("refuse what they cannot select by, with its place", async () => {
    const { call } = managed();
    const wrong: [Json, string][] = [
      [{ ...dataset, name: "" }, "body.name"],
      [{ ...dataset, enable: "yes" }, "body.enable"],
      [{ name: "x", enable: true }, "body.filters"],
      [{ ...dataset, filters: {} }, "body.filters"],
      [{ ...dataset, filters: [null] }, "body.filters.0"],
      [
        { ...dataset, filters: [{ key: "costs", operator: "gt", value: [1] }] },
        "body.filters.0.key",
      ],
      [
        { ...dataset, filters: [{ key: "__proto__", operator: "eq", value: [1] }] },
        "body.filters.0.key",
      ],
      [
        { ...dataset, filters: [{ key: "cost", operator: "near", value: [1] }] },
        "body.filters.0.operator",
      ],
      [
        {
          ...dataset,
          filters: [
            { key: "cost", operator: "gt", value: [1] },
            { key: "success", operator: "eq", value: ["maybe"] },
          ],
        },
        "body.filters.1.value",
      ],
      [
        { ...dataset, filters: [{ key: "model", operator: "eq", value: ["x".repeat(70_000)] }] },
        "body.filters",
      ],
      [
        { ...dataset, filters: Array(51).fill({ key: "cost", operator: "gt", value: [1] }) },
        "body.filters",
      ],
      [{ ...dataset, filter: [] }, "body.filter"],
    ];
    for (const [body, path] of wrong) {
      const answer = await call("POST", "gateways/default/datasets", { body });
      assert.deepEqual([problem(answer)[0], problem(answer)[1], problem(answer)[3]], [
        400,
        7001,
        path,
      ]);
    }
    assert.equal((await call("GET", "gateways/default/datasets")).body.result.length, 0);
  });

  it("take back what was answered, and filters that only this gateway has", async () => {
    const { ok } = managed();
    const filters = [{ key: "status_code", operator: "neq", value: [200, null] }];
    const made = await ok("POST", "datasets", { ...dataset, filters });
    const put = await ok("PUT", `datasets/${made.id}`, { ...made, name: "other" });
    assert.deepEqual(put, { ...made, name: "other", modified_at: put.modified_at });
    // One value alone is a list of it.
    const one = await ok("POST", "datasets", {
      ...dataset,
      filters: [{ key: "cached", operator: "eq", value: true }],
    });
    assert.deepEqual(one.filters[0].value, [true]);
  });

  it("are in the audit log with what they select", async () => {
    const { call, ok } = managed();
    const filters = [{ key: "provider", operator: "eq", value: ["openai"] }];
    const made = await ok("POST", "datasets", { ...dataset, filters });
    await ok("DELETE", `datasets/${made.id}`);
    const { body } = await call("GET", "audit_logs?resource_type=ai_gateway.dataset");
    assert.deepEqual(body.result.map(({ action }: Json) => action), ["delete", "create"]);
    assert.deepEqual(body.result[1].new.filters, filters);
  });
});

describe("evaluations", () => {
  it("refuse datasets and types that are not there, or switched off", async () => {
    const { call, ok } = managed();
    const { id } = await ok("POST", "datasets", dataset);
    const off = await ok("POST", "datasets", { ...dataset, enable: false });
    const body = { name: "e", dataset_ids: [id], evaluation_type_ids: ["cost"] };
    const wrong: [Json, string][] = [
      [{ ...body, dataset_ids: [] }, "body.dataset_ids"],
      [{ ...body, dataset_ids: Array(6).fill(id) }, "body.dataset_ids"],
      [{ ...body, dataset_ids: [id, "../x"] }, "body.dataset_ids.1"],
      [{ ...body, dataset_ids: [off.id] }, "body.dataset_ids.0"],
      [{ ...body, evaluation_type_ids: ["cost", "taste"] }, "body.evaluation_type_ids.1"],
      [{ ...body, evaluation_type_ids: [7] }, "body.evaluation_type_ids.0"],
    ];
    for (const [body, path] of wrong) {
      const answer = await call("POST", "gateways/default/evaluations", { body });
      assert.deepEqual([problem(answer)[0], problem(answer)[3]], [400, path]);
    }
    assert.equal((await call("GET", "gateways/default/evaluations")).body.result.length, 0);
  });

  it("say so where no row has a figure, and know all types by their names", async () => {
    const { ok } = managed();
    const { id } = await ok("POST", "datasets", dataset);
    const made = await ok("POST", "evaluations", {
      name: "none",
      dataset_ids: [id, id],
      evaluation_type_ids: [],
    });
    assert.deepEqual([made.total_logs, made.datasets.length], [0, 1]);
    assert.deepEqual(
      made.results.map(({ result, status, total_logs }: Json) => [result, status, total_logs]),
      [["", 0, 0], ["", 0, 0], ["", 0, 0]],
    );
    const cost = await ok("POST", "evaluations", {
      name: "cost",
      dataset_ids: [id],
      evaluation_type_ids: ["cost", "cost"],
    });
    assert.deepEqual(cost.results.map(({ unit }: Json) => unit), ["usd"]);
  });

  it("outlive their datasets, and neither outlives its gateway", async () => {
    const { call } = managed();
    const say = async (method: string, path: string, body?: unknown): Promise<Json> => {
      const answer = await call(method, path, { body });
      assert.equal(answer.status, 200, JSON.stringify(answer.body));
      return answer.body.result;
    };
    await say("POST", "gateways", { ...least, id: "a" });
    const { id } = await say("POST", "gateways/a/datasets", dataset);
    const made = await say("POST", "gateways/a/evaluations", {
      name: "e",
      dataset_ids: [id],
      evaluation_type_ids: ["speed"],
    });
    await say("DELETE", `gateways/a/datasets/${id}`);
    assert.deepEqual(await say("GET", `gateways/a/evaluations/${made.id}`), made);
    await say("POST", "gateways/a/datasets", dataset);
    await say("DELETE", "gateways/a");
    await say("POST", "gateways", { ...least, id: "a" });
    assert.deepEqual(await say("GET", "gateways/a/datasets"), []);
    assert.deepEqual(await say("GET", "gateways/a/evaluations"), []);
  });

  it("are 501 where the store of the log cannot sum up", async () => {
    const { memoryLogs } = await import("../../mod.ts");
    const { sums: _, ...logs } = memoryLogs();
    const { call, ok } = managed({ stores: { logs } });
    const { id } = await ok("POST", "datasets", dataset);
    const body = { name: "e", dataset_ids: [id], evaluation_type_ids: ["cost"] };
    const answer = await call("POST", "gateways/default/evaluations", { body });
    assert.deepEqual([problem(answer)[0], problem(answer)[1]], [501, 8010]);
  });
});
