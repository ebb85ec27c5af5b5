/**
 * How each provider is asked for pictures, and answers. Facts: the providers' API references, spec 3.1, 3.5,
 * 3.6, 3.13 to 3.15.
 *
 * @module
 */
import { type Json, list, object, parse, string } from "../../formats/json.ts";
import type { Question } from "../ask.ts";
import { dataOf, toBase64 } from "../base64.ts";
import type { Shape } from "../dialect.ts";
import type { Lost } from "../lost.ts";
import type { Spot } from "../place.ts";
import { type Picture, type PictureRequest, ratioOf, urlOf } from "./picture.ts";
import { wholeBytes, wholeText } from "../whole.ts";

/** The requests that it takes. */
export function writePictures(
  request: PictureRequest,
  shape: Shape,
  spot: Spot,
  lost: Lost,
): Question[] {
  const { path, query } = spot;
  const of = (body: Question["body"], headers?: Record<string, string>): Question => ({
    path,
    query,
    body,
    ...headers && { headers },
  });
  const each = (body: Question["body"], headers?: Record<string, string>): Question[] =>
    Array.from({ length: request.n }, () => of(body, headers));
  const { images, quality } = request;
  const takes = shape === "grok" || shape === "openrouter" ||
    shape === "gemini" && !spot.path.endsWith(":predict");
  if (images.length > 0 && !takes) lost.drop("image");
  const graded = shape === "bedrock" || shape === "openrouter";
  if (quality !== undefined && !graded && !/^(?:auto|standard|medium)$/.test(quality)) {
    lost.drop("quality");
  }
  switch (shape) {
    case "gemini":
      return path.endsWith(":predict")
        ? [of(writeImagen(request, lost))]
        : each(writeGemini(request, lost));
    case "bedrock": {
      const body = writeBedrock(request, lost);
      return "prompt" in body ? each(body) : [of(body)];
    }
    case "workers-ai":
      return each(writeWorkersAI(request, lost));
    case "fireworks": {
      const { output_format: format } = request;
      if (format !== undefined && !/^(?:png|jpeg)$/.test(format)) lost.drop("output_format");
      const accept = format === "png" ? "image/png" : "image/jpeg";
      return each(withRatio(request, { prompt: request.prompt }), { accept });
    }
    case "huggingface": {
      const { size, output_format: format, extra } = request;
      if (format !== undefined && format !== "jpeg") lost.drop("output_format");
      return each({ inputs: request.prompt, parameters: { ...size, ...extra } });
    }
    case "fal":
      return [of(writeFal(request))];
    case "ideogram":
      return [of(writeIdeogram(request, lost))];
    case "together":
      return [of(writeTogether(request))];
    case "grok":
      return [of(writeGrok(request, lost))];
    case "openrouter":
      return [of(writeOpenRouter(request))];
    default:
      return [];
  }
}

const ratios = ["1:1", "16:9", "9:16", "4:3", "3:4"];
const moreRatios = [...ratios, "3:2", "2:3", "5:4", "4:5", "21:9"];

function writeGemini(
  { model, prompt, size, images, output_format, extra }: PictureRequest,
  lost: Lost,
): Json {
  if (output_format !== undefined && output_format !== "png") lost.drop("output_format");
  for (const name in extra) lost.drop(name);
  const longest = size && Math.max(size.width, size.height);
  const imageConfig = size && {
    aspectRatio: ratioOf(size, moreRatios),
    // Its first ones know one size only.
    ...!/gemini-2/.test(model) && longest! > 1536 && { imageSize: longest! > 3072 ? "4K" : "2K" },
  };
  return {
    contents: [{
      role: "user",
      parts: [
        { text: prompt },
        ...images.map(({ mime, data, url }) =>
          data === undefined
            ? { fileData: { mimeType: mime, fileUri: url } }
            : { inlineData: { mimeType: mime, data } }
        ),
      ],
    }],
    generationConfig: {
      responseModalities: ["TEXT", "IMAGE"],
      ...imageConfig && { imageConfig },
    },
  };
}

function writeImagen({ prompt, n, size, output_format, extra }: PictureRequest, lost: Lost): Json {
  if (output_format !== undefined && output_format !== "png") lost.drop("output_format");
  return {
    instances: [{ prompt }],
    parameters: {
      sampleCount: n,
      ...size && { aspectRatio: ratioOf(size, ratios) },
      ...extra,
    },
  };
}

function writeBedrock(request: PictureRequest, lost: Lost): Json {
  const { model, prompt, n, size, quality, output_format, extra } = request;
  if (!/amazon\.(?:nova-canvas|titan-image)/.test(model)) {
    if (quality !== undefined && quality !== "auto") lost.drop("quality");
    return withRatio(request, { prompt, ...output_format !== undefined && { output_format } });
  }
  if (output_format !== undefined && output_format !== "png") lost.drop("output_format");
  return {
    taskType: "TEXT_IMAGE",
    textToImageParams: { text: prompt },
    imageGenerationConfig: {
      numberOfImages: n,
      ...size,
      ...quality !== undefined && quality !== "auto" && {
        quality: /^(?:high|hd)$/.test(quality) ? "premium" : "standard",
      },
      ...extra,
    },
  };
}

/** A flat body for one picture, whose shape is told by a ratio. */
function withRatio({ size, extra }: PictureRequest, body: Json): Json {
  return { ...body, ...size && { aspect_ratio: ratioOf(size, moreRatios) }, ...extra };
}

function writeWorkersAI(
  { model, prompt, size, output_format, extra }: PictureRequest,
  lost: Lost,
): Json | FormData {
  if (output_format !== undefined) lost.drop("output_format");
  if (/flux-1-schnell/.test(model)) {
    if (size !== undefined) lost.drop("size");
    return { prompt, ...extra };
  }
  const fields = { prompt, ...size, ...extra };
  // Those take forms only.
  return /flux-2/.test(model) ? formOf(fields) : fields;
}

function writeFal(
  { prompt, n, size, output_format, response_format, extra }: PictureRequest,
): Json {
  return {
    prompt,
    num_images: n,
    ...size && { image_size: size },
    ...output_format !== undefined && { output_format },
    // The picture itself in place of its address.
    ...response_format === "b64_json" && { sync_mode: true },
    ...extra,
  };
}

const ideogramRatios = [
  "1x1",
  "16x9",
  "9x16",
  "4x3",
  "3x4",
  "3x2",
  "2x3",
  "5x4",
  "4x5",
  "2x1",
  "1x2",
];

function writeIdeogram(
  { prompt, n, size, output_format, response_format, extra }: PictureRequest,
  lost: Lost,
): FormData {
  if (output_format !== undefined) lost.drop("output_format");
  if (response_format === "b64_json") lost.drop("response_format");
  return formOf({
    prompt,
    num_images: n,
    ...size && { aspect_ratio: ratioOf(size, ideogramRatios) },
    ...extra,
  });
}

function writeTogether(
  { model, prompt, n, size, output_format, response_format, extra }: PictureRequest,
): Json {
  return {
    model,
    prompt,
    n,
    ...size,
    ...output_format !== undefined && { output_format },
    ...response_format !== undefined && {
      response_format: response_format === "b64_json" ? "base64" : response_format,
    },
    ...extra,
  };
}

function writeGrok(request: PictureRequest, lost: Lost): Json {
  const { model, prompt, n, output_format, response_format, images } = request;
  if (output_format !== undefined) lost.drop("output_format");
  const urls = images.map((image) => ({ type: "image_url", url: urlOf(image) }));
  return withRatio(request, {
    model,
    prompt,
    n,
    ...response_format !== undefined && { response_format },
    ...urls.length === 1 && { image: urls[0] },
    ...urls.length > 1 && { images: urls },
  });
}

/** It refuses what a model does not know, so that nothing is said that goes without saying. */
function writeOpenRouter(request: PictureRequest): Json {
  const { model, prompt, n, quality, output_format, images } = request;
  return withRatio(request, {
    model,
    prompt,
    ...n > 1 && { n },
    ...quality !== undefined && quality !== "auto" && { quality },
    ...output_format !== undefined && { output_format },
    ...images.length > 0 && {
      input_references: images.map((image) => ({
        type: "image_url",
        image_url: { url: urlOf(image) },
      })),
    },
  });
}

function formOf(fields: Json): FormData {
  const form = new FormData();
  for (const name in fields) {
    const value = fields[name];
    if (value != null) {
      form.set(name, typeof value === "object" ? JSON.stringify(value) : `${value}`);
    }
  }
  return form;
}

/** What the answers hold. */
export interface Drawn {
  pictures: Picture[];
  /** The provider's bodies, of those that are JSON. */
  bodies: Json[];
  /** Why there is none, in the provider's words. */
  refused?: string;
}

/** Reads all answers; pictures come as bytes, in JSON, or as addresses. */
export async function readPictures(responses: readonly Response[]): Promise<Drawn> {
  const drawn: Drawn = { pictures: [], bodies: [] };
  for (const response of responses) {
    const type = response.headers.get("content-type") ?? "";
    if (type.startsWith("image/")) {
      const data = toBase64(await wholeBytes(response));
      drawn.pictures.push({ data, mime: type.split(";", 1)[0]! });
      continue;
    }
    const body = object(parse(await wholeText(response)));
    if (body === undefined) continue;
    drawn.bodies.push(body);
    drawn.pictures.push(...picturesIn(body));
    drawn.refused ??= refusalIn(body);
  }
  return drawn;
}

function picturesIn(body: Json): Picture[] {
  const result = object(body.result) ?? body; // Cloudflare's envelope
  const found: Picture[] = [];
  for (const value of list(body.candidates)) {
    for (const part of list(object(object(value)?.content)?.parts)) {
      const { mimeType, data } = object(object(part)?.inlineData) ?? {};
      // A thought may be a draft of the picture.
      if (typeof data === "string" && object(part)?.thought !== true) {
        found.push(picture(data, undefined, mimeType));
      }
    }
  }
  const rest = [
    ...list(body.predictions),
    ...list(body.data),
    ...list(body.images),
    ...list(body.base64),
    ...result.image === undefined ? [] : [result.image],
  ];
  for (const value of rest) {
    if (typeof value === "string") found.push(picture(value, value));
    const one = object(value);
    if (one === undefined || one.is_image_safe === false) continue;
    const data = string(one.bytesBase64Encoded) ?? string(one.b64_json) ?? string(one.image);
    const url = string(one.url);
    if (data === undefined && url === undefined) continue;
    found.push({
      ...picture(data, url, one.mimeType ?? one.mime_type ?? one.media_type ?? one.content_type),
      ...typeof one.revised_prompt === "string" && { prompt: one.revised_prompt },
    });
  }
  return found;
}

/** @param url May hold the picture itself. */
function picture(data: string | undefined, url: string | undefined, mime?: unknown): Picture {
  const type = typeof mime === "string" ? { mime } : {};
  const inside = url === undefined ? undefined : dataOf(url);
  if (inside !== undefined) return { data: inside.data, mime: inside.mime };
  return data === undefined ? { url: url!, ...type } : { data, ...type };
}

/** Google and Bedrock refuse with status 200. */
function refusalIn(body: Json): string | undefined {
  const feedback = object(body.promptFeedback);
  const candidate = object(list(body.candidates)[0]);
  const finish = string(candidate?.finishReason);
  return string(feedback?.blockReasonMessage) ?? string(feedback?.blockReason) ??
    string(candidate?.finishMessage) ?? (finish === "STOP" ? undefined : finish) ??
    string(object(list(body.predictions)[0])?.raiFilteredReason) ??
    string(list(body.finish_reasons)[0]) ?? string(body.error);
}
