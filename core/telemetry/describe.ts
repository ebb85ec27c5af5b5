/**
 * The attributes that many spans have alike, put together.
 *
 * @module
 */
import type { Measured } from "../measured.ts";
import type { Name, Value } from "./attribute.ts";
import { type AttemptFigures, type Figures, infers } from "./figures.ts";
import {
  cloudflare,
  common,
  genAI,
  operationName,
  outputType,
  own,
  providerName,
} from "./names.ts";
import type { Operation } from "./operation.ts";
import type { Statics } from "./span-writer.ts";

/** What attempts of one kind have alike. */
export interface AttemptKind {
  spanName: string;
  statics: Statics;
  figures: AttemptFigures | undefined;
  /** A model's work that has tokens and may be a stream. */
  infers: boolean;
}

/** Characters of what callers and providers may choose. */
const longest = { model: 256, path: 256, agent: 256, finish: 64 };

/**
 * What attempts like this one have alike.
 *
 * @param origin Of the URL.
 * @param reason Why there was another attempt.
 */
export function describeAttempt(
  measured: Measured,
  origin: string,
  reason: string | undefined,
  figures: Figures | undefined,
): AttemptKind {
  const { attempt, status, end, streamed, finish, quality, modelType } = measured;
  const { ctx, number } = attempt;
  const operation = operationName(modelType, ctx.path);
  const provider = providerName(ctx.provider.slug);
  const model = measured.model.slice(0, longest.model);
  const answeredAs = measured.answeredAs?.slice(0, longest.model) ?? "";
  const errorType = status >= 400 ? String(status) : end === "complete" ? "" : end;
  const list: [Name, Value][] = [];
  const add = (name: Name, value: Value | undefined | null) => {
    if (value !== undefined && value !== null && value !== "") list.push([name, value]);
  };
  add(genAI.operation, operation);
  add(genAI.provider, provider);
  add(genAI.requestModel, model);
  add(genAI.responseModel, answeredAs);
  if (streamed) add(genAI.stream, true);
  if (operation !== "") add(genAI.outputType, outputType(modelType));
  const why = end === "complete" || operation === "" ? finish : "error";
  if (why !== null) add(genAI.finishReasons, [why.slice(0, longest.finish)]);
  const { address, port } = addressOf(origin);
  add(common.address, address);
  add(common.port, port);
  add(common.method, ctx.method);
  add(common.status, status);
  add(common.errorType, errorType);
  add(own.gateway, ctx.gateway.id);
  add(own.provider, ctx.provider.slug);
  add(own.step, ctx.step);
  add(own.index, number);
  add(own.reason, reason);
  add(own.end, end);
  add(own.quality, quality);
  add(own.byok, attempt.keyAlias);
  const counted = figures?.ofAttempt({
    gateway: ctx.gateway.id,
    provider,
    operation,
    requestModel: model,
    responseModel: answeredAs,
    errorType,
  }, status < 300);
  return {
    spanName: operation === ""
      ? `${ctx.method} ${provider}`
      : model === ""
      ? operation
      : `${operation} ${model}`,
    statics: { attributes: list },
    figures: counted,
    infers: infers(operation),
  };
}

/** What requests like this one have alike. */
export function describeRequest(
  operation: Operation,
  about: { path: string; agent: string; keyId: string },
): Statics {
  const { ctx, status, cache, errorType, provider, streamed } = operation;
  const { attempts } = ctx.shared;
  const path = about.path.slice(0, longest.path);
  const agent = about.agent.slice(0, longest.agent);
  const model = operation.model.slice(0, longest.model);
  const { keyId } = about;
  const name = provider === undefined ? "" : providerName(provider);
  const list: [Name, Value][] = [];
  const add = (name: Name, value: Value) => {
    if (value !== "") list.push([name, value]);
  };
  add(common.method, ctx.method);
  add(common.path, path);
  add(common.status, status);
  add(common.userAgent, agent);
  add(common.errorType, errorType);
  add(genAI.operation, operationName(operation.modelType, ctx.path));
  add(genAI.provider, name);
  add(cloudflare.provider, provider ?? "");
  add(genAI.requestModel, model);
  if (streamed) add(genAI.stream, true);
  add(own.gateway, ctx.gateway.id);
  add(own.requestType, ctx.requestType);
  add(own.attempts, attempts);
  add(own.cache, cache);
  add(own.key, keyId);
  if (attempts > 0 || cache === "hit") add(own.end, operation.end);
  return { attributes: list };
}

/** Scheme, host and port of a URL; empty where it is none. */
export function originOf(url: string): string {
  const start = url.indexOf("://");
  if (start < 0) return "";
  const end = url.indexOf("/", start + 3);
  return end < 0 ? url : url.slice(0, end);
}

function addressOf(origin: string): { address: string | undefined; port: number | undefined } {
  if (!URL.canParse(origin)) return { address: undefined, port: undefined };
  const { hostname, port, protocol } = new URL(origin);
  return {
    address: hostname,
    port: port === "" ? protocol === "http:" ? 80 : 443 : Number(port),
  };
}
