/**
 * What was heard, in one form for all providers, and OpenAI's ways to write it down.
 *
 * @module
 */
import { amount } from "../../formats/counts.ts";
import { type Json, list, object, string } from "../../formats/json.ts";

/** A word or more, and when it was said, in seconds. */
export interface Said {
  text: string;
  start: number;
  end: number;
}

/** What was heard. */
export interface Transcript {
  text: string;
  /** As the provider names it. */
  language?: string;
  /** Seconds. */
  duration?: number;
  words?: Said[];
  segments?: Said[];
}

/** The answer of any provider, or nothing where it is none. */
export function readTranscript(raw: Json): Transcript | undefined {
  const body = object(raw.result) ?? raw; // Cloudflare's envelope
  const channel = object(list(object(body.results)?.channels)[0]);
  const told = channel === undefined ? body : object(list(channel.alternatives)[0]) ?? {};
  const text = told.text ?? told.transcript;
  if (typeof text !== "string") return undefined;
  const info = object(body.transcription_info) ?? {};
  const language = string(body.language) ?? string(body.language_code) ??
    string(channel?.detected_language) ?? string(info.language);
  const words = list(told.words).flatMap((word) => saidIn(word, ["word", "text"]));
  const segments = list(body.segments).flatMap((one) => saidIn(one, ["text"]));
  const duration = amount(body.duration) ?? amount(info.duration) ??
    amount(object(body.metadata)?.duration) ?? (words.at(-1) ?? segments.at(-1))?.end;
  return {
    text: text.trim(),
    ...language !== undefined && { language },
    ...duration !== undefined && { duration },
    ...words.length > 0 && { words },
    ...segments.length > 0 && { segments },
  };
}

function saidIn(value: unknown, names: readonly string[]): Said[] {
  const one = object(value);
  const text = string(one?.punctuated_word) ??
    names.map((name) => string(one?.[name])).find((found) => found !== undefined);
  const start = amount(one?.start);
  const end = amount(one?.end);
  // ElevenLabs tells of spaces as well.
  if (text === undefined || start === undefined || end === undefined || one?.type === "spacing") {
    return [];
  }
  return [{ text: text.trim(), start, end }];
}

/** As the client wants it: a body and its type. */
export function writeTranscript(
  transcript: Transcript,
  format: string,
  granularities: readonly string[],
  task: string,
): { body: string; type: string } {
  switch (format) {
    case "text":
      return { body: `${transcript.text}\n`, type: "text/plain; charset=utf-8" };
    case "srt":
      return { body: subtitles(transcript, false), type: "text/plain; charset=utf-8" };
    case "vtt":
      return { body: `WEBVTT\n\n${subtitles(transcript, true)}`, type: "text/vtt; charset=utf-8" };
    default:
      return {
        body: JSON.stringify(
          format === "verbose_json"
            ? verbose(transcript, granularities, task)
            : { text: transcript.text, ...usageOf(transcript) },
        ),
        type: "application/json",
      };
  }
}

function usageOf({ duration }: Transcript): Json {
  return duration === undefined
    ? {}
    : { usage: { type: "duration", seconds: Math.ceil(duration) } };
}

function verbose(transcript: Transcript, granularities: readonly string[], task: string): Json {
  const { text, language, duration, words } = transcript;
  const wantsWords = granularities.includes("word");
  const wantsSegments = !wantsWords || granularities.includes("segment");
  return {
    task,
    language: language ?? "unknown",
    duration: duration ?? 0,
    text,
    ...wantsWords && {
      words: (words ?? []).map(({ text, start, end }) => ({ word: text, start, end })),
    },
    ...wantsSegments && {
      segments: linesOf(transcript).map(({ text, start, end }, id) => ({
        id,
        seek: 0,
        start,
        end,
        text,
        tokens: [],
        temperature: 0,
        avg_logprob: 0,
        compression_ratio: 0,
        no_speech_prob: 0,
      })),
    },
    ...usageOf(transcript),
  };
}

/** Most letters of a line, where the provider does not tell lines. */
const lineLength = 84;

/** The provider's own segments, else words up to the end of a sentence or of a line. */
function linesOf({ text, duration = 0, words = [], segments }: Transcript): Said[] {
  if (segments !== undefined) return segments;
  if (words.length === 0) return text === "" ? [] : [{ text, start: 0, end: duration }];
  const lines: Said[] = [];
  let line: Said | undefined;
  for (const { text: word, start, end } of words) {
    if (line === undefined || line.text.length + word.length >= lineLength) {
      lines.push(line = { text: word, start, end });
    } else {
      line.text += ` ${word}`;
      line.end = end;
    }
    if (/[.!?。！？]$/.test(word)) line = undefined;
  }
  return lines;
}

function subtitles(transcript: Transcript, isVtt: boolean): string {
  return linesOf(transcript).map(({ text, start, end }, i) => {
    const times = `${clock(start, isVtt)} --> ${clock(end, isVtt)}`;
    return `${isVtt ? "" : `${i + 1}\n`}${times}\n${text}\n\n`;
  }).join("");
}

function clock(seconds: number, isVtt: boolean): string {
  const ms = Math.round(seconds * 1000);
  const pad = (value: number, length = 2) => String(Math.floor(value)).padStart(length, "0");
  return `${pad(ms / 3_600_000)}:${pad(ms / 60_000 % 60)}:${pad(ms / 1000 % 60)}${
    isVtt ? "." : ","
  }${pad(ms % 1000, 3)}`;
}
