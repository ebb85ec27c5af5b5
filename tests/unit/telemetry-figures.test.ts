/** Figures: as Prometheus reads them, as collectors get them, and how many there can be. */
import { strict as assert } from "node:assert";
import { describe, it } from "node:test";
// @ts-ignore: it has no types
import parse from "parse-prometheus-text-format";
import { Figures } from "../../core/telemetry/figures.ts";
import { Metrics } from "../../mod.ts";
import { attributesOf, figuresOf } from "../support/otlp.ts";
import { chat, cut, failing, json, stream, whole } from "./scripted.ts";
import { ask, body, collector, completion, good, page, watched } from "./telemetry.ts";

interface Family {
  name: string;
  type: string;
  metrics: { labels?: Record<string, string>; value: string }[];
}
/** Samples by name. */
type Samples = Map<string, Family["metrics"]>;

/**
 * Read by a parser of others'. It takes a histogram for one whatever its labels, so it is shown the samples
 * of each as they are.
 */
async function samplesOf(made: Parameters<typeof page>[0]): Promise<Samples> {
  const text = await page(made);
  const types = new Map(
    [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name!, type!] as const),
  );
  const lines = Map.groupBy(
    text.split("\n").filter((line) => !/^#|^$/.test(line)),
    (line) => /^\w+/.exec(line)![0],
  );
  const list: Family[] = parse(
    [...lines].map(([name, lines]) => `# TYPE ${name} untyped\n${lines.join("\n")}\n`).join(""),
  );
  assert.deepEqual(list.map(({ name }) => name), [...lines.keys()]);
  for (const { name } of list) {
    const histogram = name.replace(/_(?:bucket|sum|count)$/, "");
    assert.ok(types.has(name) || types.get(histogram) === "histogram", name);
  }
  const samples: Samples = new Map(list.map(({ name, metrics }) => [name, metrics]));
  for (const [name, type] of types) if (type === "histogram") assertHistogram(name, samples);
  return samples;
}

/** Buckets that rise up to the count, for each set of labels. */
function assertHistogram(name: string, samples: Samples): void {
  const setOf = ({ le: _, ...labels }: Record<string, string> = {}) => JSON.stringify(labels);
  const buckets = Map.groupBy(samples.get(`${name}_bucket`)!, ({ labels }) => setOf(labels));
  const counts = samples.get(`${name}_count`)!;
  assert.deepEqual(counts.map(({ labels }) => setOf(labels)), [...buckets.keys()]);
  for (const { labels, value } of counts) {
    const values = buckets.get(setOf(labels))!.map(({ value }) => Number(value));
    assert.deepEqual(values, values.toSorted((a, b) => a - b), name);
    assert.equal(values.at(-1), Number(value), name);
  }
}

const prices = { "openai/*": { input: 1, output: 10, cache_read: 0.5 } };

describe("/metrics", () => {
  it("has the conventions' families, with the same labels as the spans", async () => {
    const made = watched({ telemetry: {}, prices }, [good, stream(whole), failing(500)]);
    await ask(made);
    await ask(made, {}, { ...body, stream: true });
    await ask(made);
    await made.gateway.flush();
    const all = await samplesOf(made);
    const base = "gen_ai_client_inference";
    assert.deepEqual(
      all.get(`${base}_duration_seconds_count`)!.map(({ labels, value }) => [
        labels!["gen_ai_provider_name"],
        labels!["gen_ai_operation_name"],
        labels!["gen_ai_request_model"],
        labels!["gen_ai_response_model"],
        labels!["error_type"],
        value,
      ]),
      [
        ["openai", "chat", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", "", "1"],
        ["openai", "chat", "gpt-4o-mini", "", "", "1"],
        ["openai", "chat", "gpt-4o-mini", "", "500", "1"],
      ],
    );
    const buckets = all.get(`${base}_duration_seconds_bucket`)!.slice(0, 15);
    assert.deepEqual(
      buckets.map(({ labels }) => labels!["le"]),
      [
        ...["0.01", "0.02", "0.04", "0.08", "0.16", "0.32", "0.64", "1.28", "2.56", "5.12"],
        ...["10.24", "20.48", "40.96", "81.92", "+Inf"],
      ],
    );
    assert.equal(buckets.at(-1)!.value, "1");
    const first = (name: string) => all.get(name)![0]!.value;
    const tokens = (kind: string) =>
      all.get(`${base}_usage_${kind}_total`)!.map(({ labels, value }) => [
        labels!["gen_ai_token_modality"],
        labels!["error_type"],
        value,
      ]);
    assert.deepEqual(tokens("input_tokens")[0], ["text", "", "100"]);
    assert.deepEqual(tokens("input_tokens").at(-1), ["unknown", "500", "0"]);
    assert.deepEqual(tokens("output_tokens")[0], ["text", "", "20"]);
    assert.deepEqual(tokens("cache_read_input_tokens"), [["text", "", "60"]]);
    assert.deepEqual(tokens("reasoning_output_tokens"), [["text", "", "5"]]);
    assert.equal(first(`${base}_operation_input_tokens_sum`), "100");
    assert.equal(first(`${base}_time_to_first_chunk_seconds_count`), "1");
    assert.equal(
      first(`${base}_time_per_output_chunk_seconds_count`),
      String(whole.length - 1),
    );
    assert.equal(first("sluice_time_to_first_token_seconds_count"), "1");
    assert.ok(Math.abs(Number(first("sluice_cost_usd_total")) - 270e-6) < 1e-12);
    assert.deepEqual(
      all.get("sluice_request_duration_seconds_count")!.map(({ labels, value }) => [
        labels!["http_response_status_code"],
        value,
      ]),
      [["200", "2"], ["500", "1"]],
    );
    assert.equal(first("sluice_gateway_overhead_seconds_count"), "3");
    assert.ok(all.has("sluice_store_up") && all.has("sluice_log_rows_total"));
  });

  it("tells an operation from an attempt: retries, hits and cut streams", async () => {
    const gateways = { default: { retry_max_attempts: 2, retry_delay: 0, cache_ttl: 60 } };
    const made = watched({ telemetry: {}, gateways }, [
      failing(503),
      good,
      stream([chat.role, chat.text("a"), cut]),
    ]);
    await ask(made); // two attempts
    await ask(made); // a hit
    await ask(made, { "cf-aig-skip-cache": "true" }, { ...body, stream: true }); // one, cut
    await made.gateway.flush();
    const all = await samplesOf(made);
    const sum = (name: string) => all.get(name)!.reduce((all, { value }) => all + Number(value), 0);
    assert.equal(sum("sluice_request_duration_seconds_count"), 3);
    assert.equal(sum("gen_ai_client_inference_duration_seconds_count"), 3);
    const kinds = all.get("sluice_request_duration_seconds_count")!.map(({ labels }) => [
      labels!["sluice_cache_status"],
      labels!["error_type"],
    ]);
    assert.deepEqual(kinds.sort(), [["", "upstream_cut"], ["hit", ""], ["miss", ""]]);
  });

  it("has other work than inference in a family of its own", async () => {
    const embedding = { data: [{ embedding: [1] }], model: "e", usage: { prompt_tokens: 3 } };
    const made = watched({ telemetry: {} }, [json(embedding), json({ data: [] })]);
    await ask(made, {}, { model: "e", input: "x" }, "/v1/acc/default/openai/embeddings");
    await ask(made, {}, {}, "/v1/acc/default/openai/files");
    await made.gateway.flush();
    const all = await samplesOf(made);
    assert.deepEqual(
      all.get("gen_ai_client_operation_duration_seconds_count")!.map(({ labels }) =>
        labels!["gen_ai_operation_name"]
      ),
      ["embeddings", ""],
    );
    assert.ok(!all.has("gen_ai_client_inference_duration_seconds_count"));
  });

  it("has none of it where telemetry is not configured", async () => {
    const made = watched({ telemetry: undefined as never }, [good]);
    await ask(made);
    await made.gateway.flush();
    assert.deepEqual(
      [...(await samplesOf(made)).keys()].filter((name) => !/^sluice_(?:log|store)_/.test(name)),
      [],
    );
  });

  it("escapes what callers choose", async () => {
    const model = 'a"b\\c\n{d="1"} 5';
    const made = watched({ telemetry: {} }, [json({ ...completion, model })]);
    await ask(made, {}, { ...body, model });
    await made.gateway.flush();
    const text = await page(made);
    assert.ok(text.includes('gen_ai_response_model="a\\"b\\\\c\\n{d=\\"1\\"} 5"'));
    for (const line of text.trimEnd().split("\n")) {
      assert.match(
        line,
        /^(?:# .+|[a-z_]+(?:\{(?:[a-z_]+="(?:[^"\\]|\\.)*",?)+\})? [-+.\deInf]+)$/,
      );
    }
  });
});

describe("how many figures there can be", () => {
  const labels = (model: string, more = {}) => ({
    gateway: "default",
    provider: "openai",
    operation: "chat",
    requestModel: model,
    responseModel: model,
    errorType: "",
    ...more,
  });
  const cells = (metrics: Metrics) =>
    [...metrics.families()].find(({ name }) => name === "gen_ai.client.inference.duration")!.cells;

  it("does not depend on the models that callers think of", () => {
    const metrics = new Metrics();
    const figures = new Figures(metrics);
    for (let i = 0; i < 5000; i++) {
      figures.ofAttempt(labels(`invented-${i}`, { errorType: "404" }), false).duration.observe(1);
    }
    assert.equal(cells(metrics).size, 1);
    for (let i = 0; i < 5000; i++) {
      figures.ofAttempt(labels(`real-${i}`), true).duration.observe(1);
    }
    assert.ok(cells(metrics).size <= 302, `${cells(metrics).size}`);
    const counted = [...cells(metrics).values()]
      .reduce((sum, cell) => sum + (cell as unknown as { count: number }).count, 0);
    assert.equal(counted, 10_000, "none is lost");
  });

  it("is bounded in all", () => {
    const metrics = new Metrics();
    const figures = new Figures(metrics);
    for (let model = 0; model < 300; model++) {
      for (let status = 400; status < 500; status++) {
        figures.ofAttempt(labels(`m-${model}`, { errorType: `${status}` }), true);
      }
    }
    assert.ok(cells(metrics).size <= 1100, `${cells(metrics).size}`);
  });
});

describe("collectors", () => {
  for (const content_type of ["json", "protobuf"] as const) {
    it(`get the same figures as ${content_type}, since the start`, async () => {
      const made = watched({
        telemetry: { exporters: [{ url: `${collector}/v1/metrics`, content_type }] },
        prices,
      }, [good, good]);
      await ask(made);
      await made.gateway.flush();
      await ask(made);
      await made.gateway.flush();
      assert.deepEqual(made.exports.map(({ signal }) => signal), ["metrics", "metrics"]);
      const figures = figuresOf(made.exports);
      const { histogram, unit } = figures.get("gen_ai.client.inference.duration");
      assert.equal(unit, "s");
      assert.equal(Number(histogram.aggregationTemporality), 2);
      const [point] = histogram.dataPoints;
      assert.equal(Number(point.count), 2);
      assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
      assert.equal(
        point.bucketCounts.reduce((sum: number, count: string) => sum + Number(count), 0),
        2,
      );
      assert.ok(BigInt(point.timeUnixNano) >= BigInt(point.startTimeUnixNano));
      assert.deepEqual(attributesOf(point.attributes), {
        "sluice.gateway": "default",
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o-mini",
        "gen_ai.response.model": "gpt-4o-mini-2024-07-18",
      });
      const input = figures.get("gen_ai.client.inference.usage.input_tokens");
      assert.equal(input.sum.isMonotonic, true);
      assert.equal(Number(input.sum.dataPoints[0].asInt), 200);
      const dollars = figures.get("sluice.cost").sum.dataPoints[0].asDouble;
      assert.ok(Math.abs(dollars - 540e-6) < 1e-12);
      assert.equal(Number(figures.get("sluice_log_rows_waiting").gauge.dataPoints[0].asInt), 0);
    });
  }

  it("get them at each interval", async () => {
    let now = 1_700_000_000_000;
    const made = watched({
      now: () => now,
      telemetry: { metrics_interval: 30, exporters: [{ url: `${collector}/v1/metrics` }] },
    }, [good]);
    await ask(made);
    await made.gateway.run();
    assert.equal(made.exports.length, 0);
    now += 30_000;
    await made.gateway.run();
    await made.gateway.run();
    await made.gateway.flush();
    assert.equal(made.exports.length, 2, "one was due, one was flushed");
  });
});
