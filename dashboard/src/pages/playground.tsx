/** Any model, several at once: what they say, how fast, and for how much. */
import type { JSX } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { playHeaders, unifiedBase } from "../playkey.ts";
import { send } from "../read/send.ts";
import type { PageProps } from "../shell.tsx";
import { TextList } from "../ui/lists.tsx";
import { modelsAt, rowOf } from "./logs/run.ts";
import "./logs.css";
import "./playground.css";
import { Column, type Exchange } from "./playground/column.tsx";
import { Composer } from "./playground/composer.tsx";
import { type Form, Settings, usual } from "./playground/settings.tsx";
import {
  assistantMessage,
  type Message,
  resultMessages,
  toolsFrom,
  userMessage,
} from "./playground/talk.ts";
import { useWords } from "./playground/words.ts";

const kept = "sluice.playground";
/** Models at a time. */
const most = 4;

type Talks = Readonly<Record<string, readonly Exchange[]>>;

function remembered(): Form {
  try {
    const { models, ...rest } = JSON.parse(localStorage.getItem(kept) ?? "{}") as Partial<Form>;
    return { ...usual, ...rest, ...Array.isArray(models) && models.length > 0 && { models } };
  } catch {
    return usual;
  }
}

export function Playground({ gateway }: PageProps): JSX.Element {
  const words = useWords();
  const { w, t } = words;
  const [form, setForm] = useState(remembered);
  const [key, setKey] = useState("");
  const [talks, setTalks] = useState<Talks>({});
  const [running, setRunning] = useState(0);
  const [known, setKnown] = useState<readonly string[]>([]);
  const stop = useRef<AbortController>(undefined);
  const list = useId();
  useEffect(() => () => stop.current?.abort(), []);
  useEffect(() => {
    let isHere = true;
    void modelsAt(gateway).then((found) => isHere && setKnown(found));
    setTalks({});
    return () => {
      isHere = false;
      stop.current?.abort();
    };
  }, [gateway]);
  const set = (change: Partial<Form>) => setForm((old) => ({ ...old, ...change }));
  const { models } = form;
  let tools: unknown[] | undefined, wrong: string | undefined;
  try {
    tools = toolsFrom(form.tools);
  } catch (error) {
    wrong = (error as Error).message;
  }

  /** Asks one model, with all that was said before. */
  const ask = async (model: string, asked: readonly Message[], signal: AbortSignal) => {
    const before = talks[model] ?? [];
    const put = (exchange: Exchange) =>
      setTalks((all) => ({ ...all, [model]: [...before, exchange] }));
    const messages = [
      ...form.system === "" ? [] : [{ role: "system", content: form.system }],
      ...before.flatMap((one) =>
        one.sent === undefined || one.error !== undefined || one.sent.answer.error !== undefined
          ? [] // nothing was said that could go on
          : [...one.asked, assistantMessage(one.sent.answer)]
      ),
      ...asked,
    ];
    let exchange: Exchange = { asked };
    put(exchange);
    setRunning((count) => count + 1);
    try {
      const headers = key === "" ? await playHeaders(gateway) : { authorization: `Bearer ${key}` };
      const body = {
        model,
        messages,
        stream: form.stream,
        ...form.stream && { stream_options: { include_usage: true } },
        ...form.temperature !== "" && { temperature: Number(form.temperature) },
        ...form.max !== "" && { max_completion_tokens: Number(form.max) },
        ...tools !== undefined && { tools },
      };
      const url = `${unifiedBase(gateway)}/chat/completions`;
      const sent = await send(url, headers, body, signal, (now) => {
        if (!signal.aborted || now.state === "stopped") put(exchange = { asked, sent: now });
      });
      if (sent.id !== undefined) put({ ...exchange, row: await rowOf(gateway, sent.id) });
    } catch (error) {
      put({ ...exchange, error });
    } finally {
      setRunning((count) => count - 1);
    }
  };
  const begin = () => {
    localStorage.setItem(kept, JSON.stringify(form));
    return (stop.current = new AbortController()).signal;
  };

  return (
    <div class="play">
      <div class="head">
        <h1>{t("nav.playground")}</h1>
        {Object.keys(talks).length > 0 && (
          <button
            type="button"
            class="button"
            onClick={() => {
              stop.current?.abort();
              setTalks({});
            }}
          >
            {w("clear")}
          </button>
        )}
      </div>
      <div class="card card-body">
        <TextList
          label={w("models")}
          hint={w("modelsHint")}
          list={list}
          values={models}
          placeholder="provider/model"
          onChange={(next) => set({ models: next.slice(0, most) })}
        />
        <datalist id={list}>{known.map((one) => <option key={one} value={one} />)}</datalist>
      </div>
      <Settings
        form={form}
        set={set}
        providerKey={key}
        setKey={setKey}
        wrong={wrong}
        words={words}
      />
      <div class="play-columns">
        {models.map((model) => (
          <Column
            key={model}
            model={model}
            talk={talks[model] ?? []}
            isBusy={running > 0}
            onResults={(results) => {
              const answer = talks[model]!.at(-1)!.sent!.answer;
              void ask(model, resultMessages(answer, results), begin());
            }}
            words={words}
          />
        ))}
      </div>
      <Composer
        isBusy={running > 0}
        isReady={models.length > 0 && wrong === undefined}
        onSend={(text, pictures) => {
          const signal = begin();
          const asked = [userMessage(text, pictures)];
          for (const model of models) void ask(model, asked, signal);
        }}
        onStop={() => stop.current?.abort()}
        words={words}
      />
    </div>
  );
}
