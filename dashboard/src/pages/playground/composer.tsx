/** Where the next message is written. */
import type { JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { Icon } from "../../ui/mod.tsx";
import type { Picture } from "./talk.ts";
import type { Words } from "./words.ts";

/** Bytes of an image: with its base64, a request of several stays below what gateways take. */
const largest = 10 * 1024 * 1024;

export function Composer({ isBusy, isReady, onSend, onStop, words: { w } }: {
  isBusy: boolean;
  /** There is a model to ask. */
  isReady: boolean;
  onSend(text: string, pictures: readonly Picture[]): void;
  onStop(): void;
  words: Words;
}): JSX.Element {
  const [text, setText] = useState("");
  const [pictures, setPictures] = useState<readonly Picture[]>([]);
  const [problem, setProblem] = useState<string>();
  const file = useRef<HTMLInputElement>(null);
  const canSend = isReady && !isBusy && (text.trim() !== "" || pictures.length > 0);
  const send = (event: Event) => {
    event.preventDefault();
    if (!canSend) return;
    onSend(text.trim(), pictures);
    setText("");
    setPictures([]);
  };
  const add = async (files: Iterable<File>) => {
    setProblem(undefined);
    for (const one of files) {
      if (!one.type.startsWith("image/")) continue;
      if (one.size > largest) setProblem(w("imageBig", { name: one.name }));
      else {
        const picture = { name: one.name, url: await urlOf(one) };
        setPictures((all) => [...all, picture]);
      }
    }
  };
  return (
    <form
      class="card play-composer"
      onSubmit={send}
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void add(event.dataTransfer?.files ?? []);
      }}
    >
      <textarea
        class="input"
        rows={3}
        aria-label={w("prompt")}
        placeholder={w("prompt")}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
        onPaste={(event) => void add(event.clipboardData?.files ?? [])}
        onKeyDown={(event) => {
          // Enter also ends what is composed of several keys.
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) send(event);
        }}
      />
      {problem !== undefined && <p class="bad" role="alert">{problem}</p>}
      {pictures.length > 0 && (
        <ul class="row play-pictures">
          {pictures.map(({ name, url }, i) => (
            <li key={i}>
              <img src={url} alt={name} />
              <button
                type="button"
                class="button icon"
                aria-label={w("removeImage", { name })}
                onClick={() => setPictures(pictures.filter((_, at) => at !== i))}
              >
                <Icon name="close" />
              </button>
            </li>
          ))}
        </ul>
      )}
      <div class="row">
        <input
          ref={file}
          type="file"
          accept="image/*"
          multiple
          hidden
          onChange={(event) => {
            void add([...event.currentTarget.files ?? []]);
            event.currentTarget.value = "";
          }}
        />
        <button type="button" class="button" onClick={() => file.current!.click()}>
          <Icon name="plus" />
          {w("image")}
        </button>
        <span class="soft play-hint">{w("promptHint")}</span>
        {isBusy
          ? <button type="button" class="button" onClick={onStop}>{w("stop")}</button>
          : (
            <button type="submit" class="button primary" disabled={!canSend}>
              {w("send")}
            </button>
          )}
      </div>
    </form>
  );
}

function urlOf(file: File): Promise<string> {
  return new Promise((resolve, reject) => {
    const reader = new FileReader();
    reader.onload = () => resolve(String(reader.result));
    reader.onerror = () => reject(reader.error);
    reader.readAsDataURL(file);
  });
}
