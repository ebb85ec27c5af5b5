import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
import { chat, type Json, managed, problem } from "./manage.ts";

/** Ids of the rows that a query finds. */
async function found(call: ReturnType<typeof managed>["call"], query: string): Promise<string[]> {
  const { status, body } = await call("GET", `gateways/default/logs?${query}`);
  assert.equal(status, 200, JSON.stringify(body));
  assert.equal(body.result_info.count, body.result.length);
  return body.result.map(({ id }: Json) => id);
}

describe("logs over the API", () => {
  it("are there as soon as the answer is, with Cloudflare's names", async () => {
    const { logged, call, ok } = managed();
    const id = await logged("/openai/chat/completions", {
      headers: { "cf-aig-metadata": '{"team":"a","n":7}', "cf-aig-event-id": "event-1" },
    });
    const { body } = await call("GET", "gateways/default/logs");
    assert.deepEqual(body.result_info, { page: 1, per_page: 20, count: 1, total_count: 1 });
    const [row] = body.result;
    const { created_at, duration, timings, metadata, usage_metadata, ...rest } = row;
    assert.match(created_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.ok(duration >= 0);
    assert.deepEqual(Object.keys(timings).sort(), [
      "first_byte",
      "first_token",
      "latency",
      "total",
    ]);
    assert.deepEqual(JSON.parse(metadata), { team: "a", n: 7 });
    assert.deepEqual(usage_metadata, {
      input_tokens: 12,
      output_tokens: 5,
      total_tokens: 17,
      output_reasoning_tokens: 2,
      input_cached_tokens: 4,
    });
    const expected = {
      id,
      event_id: "event-1",
      gateway: "default",
      provider: "openai",
      model: "openai/gpt-4o-mini",
      path: "/v1/chat/completions",
      method: "POST",
      request_type: "native",
      request_content_type: "application/json",
      response_content_type: "application/json",
      status_code: 200,
      success: true,
      cached: false,
      step: 0,
      attempt: 0,
      streamed: false,
      end: "complete",
      finish_reason: "stop",
      tokens_in: 12,
      tokens_out: 5,
      usage_quality: "reported",
      custom_cost: false,
      feedback: null,
      score: null,
      authentication: false,
      wholesale: false,
      byok: false,
      byok_alias: null,
      compatibilityMode: false,
      key_id: null,
      error: null,
      request: "",
      response: "",
    };
    for (const [name, value] of Object.entries(expected)) {
      assert.deepEqual(rest[name], value, name);
    }
    assert.ok(!("usage" in rest) && !("request_head" in rest));

    const detail = await ok("GET", `logs/${id}`);
    for (const name of Object.keys(row)) assert.deepEqual(detail[name], row[name], name);
    assert.match(detail.request_head, /^\{"model":"gpt-4o-mini"/);
    assert.deepEqual(JSON.parse(detail.response_head), chat);
    assert.deepEqual([detail.request_head_complete, detail.response_head_complete], [true, true]);
    assert.equal(detail.response_size, JSON.stringify(chat).length);
  });

  it("are found by filters, search, order and page", async () => {
    let status = 200;
    const { logged, call } = managed({}, () => Response.json(chat, { status }));
    const first = await logged("/openai/chat/completions", {
      headers: { "cf-aig-metadata": '{"team":"blue","n":42}' },
    });
    status = 500;
    const second = await logged("/groq/chat/completions");
    status = 200;
    const third = await logged("/openai/chat/completions");

    assert.deepEqual(await found(call, ""), [third, second, first]);
    assert.deepEqual(await found(call, "order_by_direction=asc"), [first, second, third]);
    assert.deepEqual(await found(call, "direction=asc"), [first, second, third]);
    assert.deepEqual(await found(call, "order_by=provider&order_by_direction=asc"), [
      second,
      ...(await found(call, "provider=openai&direction=asc")),
    ]);
    assert.deepEqual(await found(call, "per_page=2&page=2"), [first]);
    assert.deepEqual(await found(call, "page=9"), []);
    const failed = "filters.key=success&filters.operator=eq&filters.value=false";
    assert.deepEqual(await found(call, failed), [second]);
    assert.deepEqual(
      await found(call, `${failed}&filters.key=provider&filters.operator=eq&filters.value=openai`),
      [],
    );
    assert.deepEqual(await found(call, "success=false"), [second]);
    assert.deepEqual(
      await found(call, "filters[0][key]=provider&filters[0][operator]=neq&filters[0][value]=groq"),
      [third, first],
    );
    assert.deepEqual(await found(call, "search=blue"), [first]);
    assert.deepEqual(await found(call, "min_tokens_in=12&max_tokens_in=12"), [third, first]);
    assert.deepEqual(await found(call, "min_tokens_in=13"), []);
    assert.deepEqual(await found(call, "start_date=2099-01-01"), []);
    assert.equal((await found(call, "end_date=2099-01-01")).length, 3);
    const json = JSON.stringify([
      { key: "metadata.key", operator: "eq", value: ["team"] },
      { key: "metadata.value", operator: "eq", value: ["blue"] },
    ]);
    assert.deepEqual(await found(call, `filters=${encodeURIComponent(json)}`), [first]);
    const entry = "filters.key=metadata.key&filters.operator=eq&filters.value=n" +
      "&filters.key=metadata.value&filters.operator=gt&filters.value=";
    assert.deepEqual(await found(call, `${entry}41`), [first]);
    assert.deepEqual(await found(call, `${entry}42`), []);
    const { body } = await call("GET", "gateways/default/logs?meta_info=true&per_page=1");
    const { total_count, count, min_tokens_in, max_total_tokens } = body.result_info;
    assert.deepEqual([total_count, count, min_tokens_in, max_total_tokens], [3, 1, 12, 17]);
  });

  it("belong to their gateway", async () => {
    const { logged, call } = managed({ gateways: { team: {} } });
    const id = await logged();
    assert.deepEqual((await call("GET", "gateways/team/logs")).body.result, []);
    for (const rest of ["", "/request", "/response"]) {
      assert.equal((await call("GET", `gateways/team/logs/${id}${rest}`)).status, 404);
    }
    const body = { feedback: 1 };
    assert.equal((await call("PATCH", `gateways/team/logs/${id}`, { body })).status, 404);
    assert.equal((await call("DELETE", "gateways/team/logs")).body.result.deleted, 0);
    assert.equal((await call("GET", `gateways/default/logs/${id}`)).status, 200);
  });

  const wrong: [query: string, path: string, message: RegExp][] = [
    ["page=0", "query.page", /a whole number from 1/],
    ["page=x", "query.page", /a whole number from 1/],
    ["page=1e3", "query.page", /a whole number from 1/],
    ["page=99999999999999999999", "query.page", /a whole number from 1/],
    ["per_page=51", "query.per_page", /a whole number from 1 to 50/],
    ["per_page=", "query.per_page", /a whole number from 1 to 50/],
    ["order_by=secret", "query.order_by", /created_at/],
    ["order_by_direction=up", "query.order_by_direction", /asc/],
    ["meta_info=maybe", "query.meta_info", /true or false/],
    [`search=${"x".repeat(1025)}`, "query.search", /1,024 characters/],
    ["filters=x", "query.filters", /JSON/],
    ["success=x", "query.success", /true or false/],
  ];
  for (const [query, path, message] of wrong) {
    it(`are not listed for ${query.slice(0, 40)}`, async () => {
      const answer = await managed().call("GET", `gateways/default/logs?${query}`);
      const [status, code, text, where] = problem(answer);
      assert.deepEqual([status, code, where], [400, 7001, path]);
      assert.match(text, message);
    });
  }
});

describe("bodies over the API", () => {
  it("come as they are, under their own type, and cannot act as a page", async () => {
    const page = "<script>alert(1)</script>";
    const { logged, call } = managed(
      {},
      () => new Response(page, { headers: { "content-type": "text/html; charset=utf-8" } }),
    );
    const id = await logged();
    const request = await call("GET", `gateways/default/logs/${id}/request`);
    assert.equal(request.body.model, "gpt-4o-mini");
    assert.match(request.headers.get("content-type")!, /^application\/json\b/);
    const { body, headers } = await call("GET", `gateways/default/logs/${id}/response`);
    assert.equal(body, page);
    assert.equal(headers.get("content-type"), "text/html; charset=utf-8");
    assert.match(headers.get("content-security-policy")!, /^sandbox;/);
    assert.match(headers.get("content-disposition")!, /^attachment;/);
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    assert.equal(headers.get("x-sluice-truncated"), null);
  });

  it("say when only the beginning was kept, and are no JSON then", async () => {
    const options = { gateways: { default: { log_payload_bytes: 20 } } };
    const { logged, call, ok } = managed(options);
    const id = await logged();
    const { body, headers } = await call("GET", `gateways/default/logs/${id}/response`);
    assert.equal(body, JSON.stringify(chat).slice(0, 20));
    assert.equal(headers.get("x-sluice-truncated"), "true");
    assert.match(headers.get("content-type")!, /^text\/plain/);
    const detail = await ok("GET", `logs/${id}`);
    assert.equal(detail.response_head, body);
    assert.equal(detail.response_head_complete, false);
    assert.equal(detail.response_size, JSON.stringify(chat).length);
  });

  it("are bytes, shown in the detail only when they are text", async () => {
    const bytes = new Uint8Array([0xff, 0x00, 0xfe, 0x80]);
    const { logged, gateway, ok } = managed(
      {},
      () => new Response(bytes, { headers: { "content-type": "audio/mpeg" } }),
    );
    const id = await logged();
    const url =
      `http://localhost/client/v4/accounts/a/ai-gateway/gateways/default/logs/${id}/response`;
    const headers = { authorization: "Bearer an-admin-token-for-tests" };
    const response = await gateway.fetch(new Request(url, { headers }));
    assert.deepEqual(new Uint8Array(await response.arrayBuffer()), bytes);
    assert.equal((await ok("GET", `logs/${id}`)).response_head, "");
  });

  it("are 404 where none were kept", async () => {
    const { logged, call, ok } = managed();
    const id = await logged("/openai/chat/completions", {
      headers: { "cf-aig-collect-log-payload": "false" },
    });
    for (const which of ["request", "response"]) {
      const answer = await call("GET", `gateways/default/logs/${id}/${which}`);
      assert.deepEqual(problem(answer).slice(0, 2), [404, 7002]);
    }
    const { request_head, response_head_complete } = await ok("GET", `logs/${id}`);
    assert.deepEqual([request_head, response_head_complete], ["", false]);
  });
});

describe("feedback over the API", () => {
  it("changes what is said and leaves the rest", async () => {
    const { logged, ok } = managed();
    const id = await logged("/openai/chat/completions", {
      headers: { "cf-aig-metadata": '{"team":"a"}' },
    });
    const state = async () => {
      const { feedback, score, metadata } = await ok("GET", `logs/${id}`);
      return [feedback, score, JSON.parse(metadata)];
    };
    assert.deepEqual(await ok("PATCH", `logs/${id}`, { feedback: 1 }), {});
    assert.deepEqual(await state(), [1, null, { team: "a" }]);
    await ok("PATCH", `logs/${id}`, { score: 99.5, metadata: { reviewed: true, n: 1, x: null } });
    assert.deepEqual(await state(), [1, 99.5, { reviewed: true, n: 1 }]);
    await ok("PATCH", `logs/${id}`, { feedback: -1, score: 0 });
    assert.deepEqual(await state(), [-1, 0, { reviewed: true, n: 1 }]);
    await ok("PATCH", `logs/${id}`, {});
    await ok("PATCH", `logs/${id}`, { feedback: null, score: null, metadata: null });
    assert.deepEqual(await state(), [null, null, null]);
  });

  it("cannot write what is the gateway's own", async () => {
    const { logged, ok } = managed();
    const id = await logged();
    await ok("PATCH", `logs/${id}`, { metadata: { "cf.user_id": "boss", team: "a" } });
    assert.deepEqual(JSON.parse((await ok("GET", `logs/${id}`)).metadata), { team: "a" });
  });

  const wrong: [body: unknown, path: string][] = [
    [{ feedback: 2 }, "body.feedback"],
    [{ feedback: 0.5 }, "body.feedback"],
    [{ feedback: "1" }, "body.feedback"],
    [{ score: 101 }, "body.score"],
    [{ score: -1 }, "body.score"],
    ['{"score":1e999}', "body.score"],
    [{ metadata: "x" }, "body.metadata"],
    [{ metadata: { a: { b: 1 } } }, "body.metadata.a"],
    [{ metadata: { a: [] } }, "body.metadata.a"],
    [{ metadata: { a: "x".repeat(4097) } }, "body.metadata.a"],
    [
      { metadata: Object.fromEntries(Array.from({ length: 65 }, (_, i) => [i, 1])) },
      "body.metadata",
    ],
  ];
  for (const [body, path] of wrong) {
    it(`is refused: ${JSON.stringify(body).slice(0, 40)}`, async () => {
      const { logged, call } = managed();
      const id = await logged();
      const answer = await call("PATCH", `gateways/default/logs/${id}`, { body });
      const [status, code, , where] = problem(answer);
      assert.deepEqual([status, code, where], [400, 7001, path]);
    });
  }

  it("is 404 for a log that is not there", async () => {
    const { call } = managed();
    for (const body of [{ feedback: 1 }, { metadata: {} }]) {
      const answer = await call("PATCH", "gateways/default/logs/none", { body });
      assert.deepEqual(problem(answer).slice(0, 2), [404, 7002]);
    }
  });
});

describe("deleting logs over the API", () => {
  it("goes by filter, order and limit, the oldest first", async () => {
    const { logged, call, ok } = managed();
    const ids: string[] = [];
    for (const provider of ["openai", "groq", "openai", "openai"]) {
      ids.push(await logged(`/${provider}/chat/completions`));
    }
    const openai = "filters.key=provider&filters.operator=eq&filters.value=openai";
    assert.deepEqual(await ok("DELETE", `logs?${openai}&limit=1`), { deleted: 1 });
    assert.deepEqual(await found(call, ""), [ids[3], ids[2], ids[1]]);
    await ok("DELETE", `logs?${openai}&limit=1&order_by=created_at&order_by_direction=desc`);
    assert.deepEqual(await found(call, ""), [ids[2], ids[1]]);
    assert.deepEqual(await ok("DELETE", "logs"), { deleted: 2 });
    assert.equal((await call("GET", `gateways/default/logs/${ids[1]}/response`)).status, 404);
  });

  const wrong: [query: string, path: string][] = [
    ["limit=0", "query.limit"],
    ["limit=10001", "query.limit"],
    ["order_by=x", "query.order_by"],
    ["provider=openai", "query.provider"],
    ["filter[0][key]=provider", "query.filter[0][key]"],
    ["filters=provider", "query.filters"],
    ["filters_key=provider&filters_operator=eq&filters_value=none", "query.filters_key"],
    ["filtersJson=[]", "query.filtersJson"],
    ["filters.key=provider", "query.filters.0.operator"],
    ["filters.key=provider&filters.operator=eq", "query.filters.0.value"],
  ];
  for (const [query, path] of wrong) {
    it(`deletes nothing for ${query}`, async () => {
      const { logged, call } = managed();
      const id = await logged();
      const [status, code, , where] = problem(
        await call("DELETE", `gateways/default/logs?${query}`),
      );
      assert.deepEqual([status, code, where], [400, 7001, path]);
      assert.deepEqual(await found(call, ""), [id]);
    });
  }
});
