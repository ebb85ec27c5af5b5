// Recorded answers, as clients read them through the gateway.
import { strict as assert } from "node:assert";
import type { Client, Fetch } from "./unified-clients.ts";
import { expected, type Explained, unanswered, unread } from "./unified-explained.ts";
import { gatewayOver, speaking } from "./unified-gateway.ts";
import { modelOf, recordedChats, type Recording, type Told } from "./unified-told.ts";

export const recordings: readonly Recording[] = recordedChats();
/** Those that are an answer. */
export const answered: readonly Recording[] = recordings
  .filter(({ name }) => !unanswered.some((one) => one.name.test(name)));

/** A gateway whose provider answers with the recording. */
export const over = ({ slug, format, body, type }: Recording): Fetch =>
  gatewayOver(
    () => new Response(body as Uint8Array<ArrayBuffer>, { headers: { "content-type": type } }),
    { adapters: [speaking(slug, format)] },
  );

/** Paragraphs of thoughts are joined in one way here and in another there. */
const comparable = ({ thoughts, text, usage = {}, ...told }: Told) => ({
  ...told,
  // Who cannot take a picture gets it as Markdown.
  text: text.replace(/!\[image\]\(data:[^)]*\)/g, ""),
  thoughts: thoughts.replace(/\s+/g, ""),
  usage: { input: 0, output: 0, cached: 0, ...usage },
});

/** Not every format tells how many tokens were thoughts, nor does every provider. */
function check(got: Told, told: Told): void {
  const [a, b] = [comparable(got), comparable(told)];
  for (const usage of [a.usage, b.usage]) {
    if (got.usage?.reasoning === undefined || told.usage?.reasoning === undefined) {
      delete usage.reasoning;
    }
  }
  assert.deepEqual(a, b);
}

/**
 * Whether a client reads what the provider said, whole and as a stream.
 *
 * @param met Gets the explanations that were needed.
 */
export async function reads(
  client: Client,
  recording: Recording,
  explained: readonly Explained[],
  met: Set<Explained>,
): Promise<void> {
  const gateway = over(recording);
  const { told, streamed, name } = recording;
  const tools = [...new Set(told.calls.map((call) => call.name))];
  for (const stream of [streamed, !streamed]) {
    const cannot = unread.some((one) =>
      one.name.test(name) && one.client.test(client.name) && one.streamed.includes(stream)
    );
    if (cannot) continue;
    const got = await client.ask(gateway, { model: modelOf(recording), stream, tools });
    check(got, expected(recording, client.name, explained, met));
  }
}
