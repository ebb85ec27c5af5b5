/**
 * Answers to what the document asked for (`first.ts`), for whoever asks for the same as the page begins: the
 * first picture has them in it.
 */

export interface Answer {
  response: Response;
  text: string;
}

interface Early {
  promise: Promise<Answer>;
  /** Once it is there. */
  answer?: Answer;
}

declare global {
  /** By address, without times: those that a page asks for are a moment later. */
  var early: Map<string, Early> | undefined;
}

/** What is there already, or a promise of it. */
export type Soon<T> = T | Promise<T>;

/** What is made of it, at once where it is there. */
export function then<T, U>(value: Soon<T>, read: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(read) : read(value);
}

const keyOf = (url: string): string => url.replace(/(start|end)=[^&]*/g, "$1");

export async function ask(url: string, init?: RequestInit): Promise<Answer> {
  const response = await fetch(url, init);
  return { response, text: await response.text() };
}

/** For {@link askOnce}. */
export function askEarly(urls: readonly string[]): void {
  globalThis.early = new Map(urls.map((url) => {
    const early: Early = { promise: ask(url) };
    early.promise.then((answer) => early.answer = answer, () => {}); // whoever wants it hears of it
    return [keyOf(url), early];
  }));
}

/** Asks, unless the document has. */
export function askOnce(url: string, signal?: AbortSignal): Soon<Answer> {
  const key = keyOf(url);
  const found = globalThis.early?.get(key);
  globalThis.early?.delete(key);
  return found?.answer ?? found?.promise ?? ask(url, { ...signal && { signal } });
}

/** When all of it is there, or has failed. */
export const earlyAnswers = (): Promise<unknown> =>
  Promise.allSettled([...globalThis.early?.values() ?? []].map(({ promise }) => promise));

/** From now on everything is asked for anew. */
export function forgetEarly(): void {
  globalThis.early = new Map();
}
