/**
 * Figures of requests and attempts, in the names of OpenTelemetry's conventions for generative AI, for
 * `/metrics` and exporters. Models come from callers: how many are told apart is bounded.
 *
 * @module
 */
import type { Histogram, MetricLabels, Metrics } from "../metrics.ts";

/** What is told apart of attempts; empty where it is not known, or nothing failed. */
export interface AttemptLabels {
  gateway: string;
  /** As the conventions name it. */
  provider: string;
  /** As the conventions name it; empty for what is no work of a model. */
  operation: string;
  requestModel: string;
  responseModel: string;
  errorType: string;
}

/** What is told apart of requests. */
export interface RequestLabels {
  gateway: string;
  status: string;
  cache: string;
  errorType: string;
}

/** The figures of all requests with the same labels. */
export interface RequestFigures {
  duration: Histogram;
  overhead: Histogram;
}

/** Whose tokens. */
export type TokenKind =
  | "input_tokens"
  | "output_tokens"
  | "cache_read.input_tokens"
  | "cache_write.input_tokens"
  | "reasoning.output_tokens";

/** Seconds, as the conventions have them. */
const seconds = [
  ...[.01, .02, .04, .08, .16, .32, .64],
  ...[1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92],
];
/** Seconds that the gateway itself takes: fractions of a millisecond, unless something is wrong. */
const ownSeconds = [.00005, .0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .5];
const tokenBounds = Array.from({ length: 14 }, (_, power) => 4 ** power);

/** Sets of labels of attempts; what comes on top is counted without its models. */
const mostSets = 1000;
/** Models that are told apart. */
const mostModels = 300;
/** The model of what is not told apart. */
const other = "_other";

const help = {
  duration: "Time of an attempt at a provider, from request to the end of the answer",
  other: "Time of an attempt at a provider that is no inference",
  firstChunk: "Time to the first chunk of a stream",
  perChunk: "Time between two chunks of a stream",
  firstToken: "Time to the first event of a stream that has content",
  input: "Input tokens of one attempt",
  output: "Output tokens of one attempt",
  tokens: "Tokens that attempts used",
  cost: "US dollars that attempts cost, where the price is known",
  request: "Time of a request, from its arrival to the end of the answer",
  overhead: "Time of a request that was not spent waiting for providers, to the head of the answer",
};

const base = "gen_ai.client.inference";

/** Operations that have no tokens of an answer, and a family of their own. */
const others: ReadonlySet<string> = new Set(["", "embeddings", "rerank", "moderation"]);

/** True for what the conventions call inference. */
export function infers(operation: string): boolean {
  return !others.has(operation);
}

/** The figures of all attempts with the same labels, to count on; those that have nothing are not there. */
export class AttemptFigures {
  readonly #metrics: Metrics;
  readonly #labels: MetricLabels;
  readonly duration: Histogram;
  readonly #tokens: Record<string, Record<string, { value: number }>> = {};

  constructor(metrics: Metrics, labels: AttemptLabels) {
    this.#metrics = metrics;
    this.#labels = Object.freeze({
      "sluice.gateway": labels.gateway,
      "gen_ai.operation.name": labels.operation,
      "gen_ai.provider.name": labels.provider,
      "gen_ai.request.model": labels.requestModel,
      "gen_ai.response.model": labels.responseModel,
      "error.type": labels.errorType,
    });
    this.duration = infers(labels.operation)
      ? this.#histogram(`${base}.duration`, help.duration, "s", seconds)
      : this.#histogram("gen_ai.client.operation.duration", help.other, "s", seconds);
  }

  #histogram(name: string, text: string, unit: string, bounds: readonly number[]): Histogram {
    return this.#metrics.histogram({ name, help: text, unit }, bounds, this.#labels);
  }

  #firstChunk: Histogram | undefined;
  get firstChunk(): Histogram {
    const name = `${base}.time_to_first_chunk`;
    return this.#firstChunk ??= this.#histogram(name, help.firstChunk, "s", seconds);
  }

  #perChunk: Histogram | undefined;
  get perChunk(): Histogram {
    const name = `${base}.time_per_output_chunk`;
    return this.#perChunk ??= this.#histogram(name, help.perChunk, "s", seconds);
  }

  #firstToken: Histogram | undefined;
  get firstToken(): Histogram {
    const name = "sluice.time_to_first_token";
    return this.#firstToken ??= this.#histogram(name, help.firstToken, "s", seconds);
  }

  #input: Histogram | undefined;
  get inputTokens(): Histogram {
    const name = `${base}.operation.input_tokens`;
    return this.#input ??= this.#histogram(name, help.input, "{token}", tokenBounds);
  }

  #output: Histogram | undefined;
  get outputTokens(): Histogram {
    const name = `${base}.operation.output_tokens`;
    return this.#output ??= this.#histogram(name, help.output, "{token}", tokenBounds);
  }

  /** Tokens of one kind and modality (`text`, `audio`, ...). */
  tokens(kind: TokenKind, modality: string): { value: number } {
    const ofKind = this.#tokens[kind] ??= {};
    return ofKind[modality] ??= this.#metrics.counter(
      { name: `${base}.usage.${kind}`, help: help.tokens, unit: "{token}" },
      Object.freeze({ ...this.#labels, "gen_ai.token.modality": modality }),
    );
  }

  #cost: { value: number } | undefined;
  /** US dollars. */
  get cost(): { value: number } {
    const kind = { name: "sluice.cost", help: help.cost, unit: "USD" };
    return this.#cost ??= this.#metrics.counter(kind, this.#labels);
  }
}

/** Finds the figures to count on. */
export class Figures {
  readonly #metrics: Metrics;
  readonly #attempts = new Map<string, AttemptFigures>();
  readonly #requests = new Map<string, RequestFigures>();
  readonly #models = new Set<string>();

  constructor(metrics: Metrics) {
    this.#metrics = metrics;
  }

  /**
   * The figures of attempts like this one.
   *
   * @param proven The provider knows the model: only then may it become one that is told apart.
   */
  ofAttempt(labels: AttemptLabels, proven: boolean): AttemptFigures {
    let { requestModel, responseModel } = labels;
    requestModel = this.#known(requestModel, proven);
    if (requestModel === other) responseModel = other;
    else responseModel = this.#known(responseModel, proven);
    const full = this.#attempts.size >= mostSets;
    const { gateway, provider, operation, errorType } = labels;
    let key = [gateway, provider, operation, requestModel, responseModel, errorType].join("\n");
    let figures = this.#attempts.get(key);
    if (figures === undefined && full) {
      requestModel = responseModel = other;
      key = [gateway, provider, operation, other, other, errorType].join("\n");
      figures = this.#attempts.get(key);
    }
    if (figures === undefined) {
      figures = new AttemptFigures(this.#metrics, { ...labels, requestModel, responseModel });
      this.#attempts.set(key, figures);
    }
    return figures;
  }

  #known(model: string, proven: boolean): string {
    if (model === "" || this.#models.has(model)) return model;
    if (!proven || this.#models.size >= mostModels) return other;
    this.#models.add(model);
    return model;
  }

  /** The figures of requests like this one. */
  ofRequest({ gateway, status, cache, errorType }: RequestLabels): RequestFigures {
    const key = `${gateway}\n${status}\n${cache}\n${errorType}`;
    let figures = this.#requests.get(key);
    if (figures === undefined) {
      const labels: MetricLabels = Object.freeze({
        "sluice.gateway": gateway,
        "http.response.status_code": status,
        "sluice.cache.status": cache,
        "error.type": errorType,
      });
      const { request, overhead } = help;
      figures = {
        duration: this.#metrics.histogram(
          { name: "sluice.request.duration", help: request, unit: "s" },
          seconds,
          labels,
        ),
        overhead: this.#metrics.histogram(
          { name: "sluice.gateway.overhead", help: overhead, unit: "s" },
          ownSeconds,
          Object.freeze({ "sluice.gateway": gateway }),
        ),
      };
      this.#requests.set(key, figures);
    }
    return figures;
  }
}
