/**
 * Traces, figures and lines in OpenTelemetry's own names.
 *
 * @module
 */
import type { Context } from "../core/context.ts";
import type { Host } from "../core/host.ts";
import { definePlugin, type Next, type Plugin } from "../core/plugin.ts";
import type { TelemetryConfig } from "../core/telemetry/settings.ts";
import type { Telemetry } from "../core/telemetry/telemetry.ts";
import { secretsOf } from "./log.ts";

/** Options of {@link otel}; each wins over `telemetry` of the configuration. */
export interface OtelOptions extends TelemetryConfig {
  /** Where the lines of `lines` go; the console's standard output unless given. */
  print?: (text: string) => void;
}

/** What there is for one gateway. */
interface Slot {
  telemetry: Telemetry | undefined;
  loading: Promise<Telemetry | undefined> | undefined;
  /** The configuration, the environment or the options ask for it. */
  wanted: boolean;
}

/**
 * Exports a span for each request and one for each attempt, counts both, and prints a line for each
 * request, as far as the configuration (`telemetry`, `gateways.<id>.otel`), the environment (`OTEL_*`,
 * `SLUICE_LOG=json`) or the options ask for it. Stands outermost: what is refused further in is a request,
 * too. All work is done behind the answer; a collector that is away holds nothing up.
 */
export function otel(options: OtelOptions = {}): Plugin {
  const { print = (text: string) => console.log(text), ...given } = options;
  const asked = Object.keys(given).length > 0 ? given : undefined;
  const slots = new WeakMap<Host, Slot>();
  const slotOf = (host: Host): Slot => {
    let slot = slots.get(host);
    if (slot === undefined) {
      const wanted = asked !== undefined || host.mayTrace;
      slots.set(host, slot = { telemetry: undefined, loading: undefined, wanted });
    }
    return slot;
  };
  const load = (host: Host, slot: Slot): Promise<Telemetry | undefined> =>
    slot.loading ??= start(host, slot).catch((error) => {
      host.report("Telemetry is off: it cannot be started", error);
      slot.wanted = false;
      return undefined;
    });
  const start = async (host: Host, slot: Slot): Promise<Telemetry> => {
    const { Telemetry } = await import("../core/telemetry/telemetry.ts");
    let settings = await host.telemetry(asked);
    slot.wanted = settings !== undefined;
    // A gateway's own exporters alone: the rest stays off.
    settings ??= (await host.telemetry({ metrics: false }))!;
    return slot.telemetry = new Telemetry({ host, settings, secretsOf, print });
  };

  return definePlugin("otel", (ctx, next) => {
    if (ctx.shared.trace !== undefined) return next(); // one further out does it
    const slot = slotOf(ctx.host);
    if (!slot.wanted && (ctx.gateway.otel?.length ?? 0) === 0) return next();
    const { telemetry } = slot;
    if (telemetry !== undefined) return observed(telemetry, ctx, next);
    return load(ctx.host, slot).then((telemetry) =>
      telemetry === undefined ? next() : observed(telemetry, ctx, next)
    );
  });
}

async function observed(telemetry: Telemetry, ctx: Context, next: Next): Promise<Response> {
  const { settler, immediate } = ctx.host;
  const loading = telemetry.ready(ctx);
  if (loading !== undefined) await loading;
  const operation = telemetry.begin(ctx);
  // Whatever goes wrong here is not the request's affair.
  const over = (work: () => void | Promise<void>) => {
    const done = settler.run(work);
    if (immediate) ctx.waitUntil(done);
  };
  let response: Response;
  try {
    response = await next();
  } catch (error) {
    over(() => operation.failed(error));
    throw error;
  }
  over(() => operation.answered(response));
  return response;
}
