// `npm run bench -- --telemetry`: what traces and figures add to a gateway with auth and log.
import { sleep } from "./load.ts";
import { type Plan, type Sample, underLoad, warmUp } from "./measure.ts";
import { start, stop } from "./proc.ts";
import { type Bar, barTable, table } from "./report.ts";
import { type Family, gateway, root, type Running } from "./targets.ts";

/** Most times the CPU without telemetry. */
const limit = 1.25;
/** Processes of each kind: two that are the same may differ by a third, as their compilers chose. */
const copies = 2;
const figures = ["jsonCpuUs", "burstEventCpuUs", "pacedEventCpuUs"] as const;

/** What is configured, by what it is called; the first is what the others are held against. */
function kindsOf(url: string): { name: string; config: object }[] {
  const telemetry = (exporter: object) => ({
    telemetry: { exporters: [{ url, ...exporter }], metrics_interval: 5 },
  });
  return [
    { name: "", config: {} },
    { name: " + traces + metrics", config: telemetry({}) },
    { name: " + the same as JSON", config: telemetry({ content_type: "json" }) },
  ];
}

/** Runs it on each family; true when all bars hold. */
export async function telemetry(families: readonly Family[], plan: Plan): Promise<boolean> {
  const mock = await start([process.execPath, "bench/upstream.ts"], {}, root);
  const collector = await start([process.execPath, "bench/collector.ts"], {}, root);
  const bars: Bar[] = [];
  const rows = [[
    "target",
    ...["us/JSON", "us/event once", "us/event paced"],
    ...["/ without", "/ without", "/ without"],
  ]];
  const kinds = kindsOf(collector.url);
  for (const family of families) {
    if (family === "nginx") continue;
    const group: Running[] = [];
    for (let copy = 0; copy < copies; copy++) {
      for (const kind of kinds) {
        const running = await gateway(family, "logging", kind).start(mock.url);
        group.push(running);
        await warmUp(running, plan);
      }
    }
    const rounds: Partial<Sample>[][] = [];
    for (let round = 0; round < plan.rounds; round++) {
      const found = await underLoad(group, plan);
      rounds.push(found.map((sample) => {
        if (sample instanceof Error) throw sample;
        return sample;
      }));
    }
    for (const [i, running] of group.entries()) {
      if (i % kinds.length > 0) await assertExported(running, family);
    }
    await Promise.all(group.map((one) => one.stop()));
    // Whatever else the machine does only adds.
    const least = (kind: number) =>
      figures.map((figure) =>
        Math.min(
          ...rounds.flatMap((round) =>
            round.filter((_, i) => i % kinds.length === kind).map((sample) => sample[figure]!)
          ),
        )
      );
    const base = least(0);
    for (const [i, { name }] of kinds.entries()) {
      const found = least(i);
      rows.push([
        `${family} gateway, auth + log${name}`,
        ...found.map((value, at) => value.toFixed(at === 0 ? 1 : 2)),
        ...found.map((value, at) => i === 0 ? "" : (value / base[at]!).toFixed(2)),
      ]);
    }
    const all = least(1);
    for (const [at, what] of ["JSON request", "event, at once", "event, paced"].entries()) {
      const value = all[at]! / base[at]!;
      const name = `${family}: CPU per ${what}, auth + log + telemetry / auth + log`;
      bars.push({ name, limit, value, unit: "", pass: value <= limit });
    }
  }
  await Promise.all([stop(mock.child), stop(collector.child)]);
  console.log(`${table(rows)}\n\n${barTable(bars)}`);
  return bars.every((one) => one.pass);
}

/** Work that was not done was not measured: all spans must have come to the collector. */
async function assertExported({ endpoint }: Running, family: Family): Promise<void> {
  if (family === "workers") return; // `/metrics` is that of one isolate
  let exported = 0;
  let dropped = 0;
  for (let tries = 0; tries < 50; tries++) {
    const before = exported;
    const page = await (await fetch(`http://${endpoint.host}:${endpoint.port}/metrics`)).text();
    const sum = (name: string) => {
      const lines = page.matchAll(new RegExp(`^${name}\\{signal="traces".*\\} (\\d+)$`, "gm"));
      return [...lines].reduce((all, [, value]) => all + Number(value), 0);
    };
    exported = sum("sluice_telemetry_exported_total");
    dropped = sum("sluice_telemetry_dropped_total");
    if (exported > 0 && exported === before) break;
    await sleep(300);
  }
  if (exported === 0 || dropped > 0) {
    throw new Error(`${family}: ${exported} spans were exported, ${dropped} were dropped`);
  }
}
