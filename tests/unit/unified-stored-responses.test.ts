/** Responses that are kept for clients, over any provider. */
import { strict as assert } from "node:assert";
import { beforeEach, describe, it } from "node:test";
import { isGatewayError } from "../../core/error.ts";
import { memoryKV } from "../../core/storage/memory.ts";
import type { KV } from "../../core/storage/ports.ts";
import { readItems } from "../../core/unified/codecs/openai-responses/items-read.ts";
import {
  continued,
  isStored,
  itemsOf,
  ownerOf,
  recall,
  remember,
  serveStored,
} from "../../core/unified/stored-responses.ts";

type Json = Record<string, unknown>;

const response = (n: number, ...output: Json[]) => ({
  id: `resp_sl${n}`,
  object: "response",
  output: output.length > 0 ? output : [{
    id: `msg_sl${n}_0`,
    type: "message",
    role: "assistant",
    status: "completed",
    content: [{ type: "output_text", text: `Answer ${n}`, annotations: [] }],
  }],
});
const text = (body: Json) =>
  (body.input as Json[]).map((item) =>
    typeof item.content === "string"
      ? item.content
      : (item.content as Json[] | undefined)?.[0]?.text ?? item.type
  );

async function refused(work: Promise<unknown>, status: number, message: RegExp): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(isGatewayError(error));
    assert.equal(error.status, status);
    assert.match(error.message, message);
    return true;
  });
}

describe("stored responses", () => {
  let kv: KV;
  let owner: string;
  beforeEach(async () => {
    kv = memoryKV();
    owner = await ownerOf("account", "gateway", "key");
  });
  const get = (rest: string, query = "", method = "GET") =>
    serveStored(kv, owner, method, rest, new URLSearchParams(query));

  it("a conversation goes on from any of them, without its instructions", async () => {
    const first = { input: "One", instructions: "Be brief" };
    assert.equal(await remember(kv, owner, first, response(1)), true);
    const second = await continued(kv, owner, {
      input: [{ role: "user", content: "Two" }],
      previous_response_id: "resp_sl1",
      model: "m",
    });
    assert.deepEqual(text(second), ["One", "Answer 1", "Two"]);
    assert.equal(second.previous_response_id, undefined);
    assert.equal(second.instructions, undefined);
    assert.equal(second.model, "m");
    await remember(kv, owner, second, response(2));
    const third = await continued(kv, owner, {
      input: "Three",
      previous_response_id: "resp_sl2",
    });
    assert.deepEqual(text(third), ["One", "Answer 1", "Two", "Answer 2", "Three"]);
    const other = await continued(kv, owner, { input: "Or", previous_response_id: "resp_sl1" });
    assert.deepEqual(text(other), ["One", "Answer 1", "Or"]);
  });

  it("items are named instead of sent, over several responses", async () => {
    const call = {
      id: "fc_sl1_0",
      type: "function_call",
      call_id: "c",
      name: "f",
      arguments: "{}",
    };
    await remember(kv, owner, { input: "One" }, response(1, call));
    const input = [
      { role: "user", content: "One" },
      { type: "item_reference", id: "fc_sl1_0" },
      { type: "function_call_output", call_id: "c", output: "1" },
    ];
    const second = await continued(kv, owner, { input });
    assert.deepEqual((second.input as Json[])[1], call);
    await remember(kv, owner, second, response(2));
    await kv.delete(`responses:${owner}:resp_sl1`);
    // The second has the items of the first.
    const third = await continued(kv, owner, {
      input: [...input, { id: "msg_sl2_0" }, { role: "user", content: "Go on" }],
    });
    assert.deepEqual(text(third), [
      "One",
      "function_call",
      "function_call_output",
      "Answer 2",
      "Go on",
    ]);
  });

  it("what a conversation has already is not said twice", async () => {
    await remember(kv, owner, { input: "One" }, response(1));
    const body = await continued(kv, owner, {
      previous_response_id: "resp_sl1",
      input: [{ type: "item_reference", id: "msg_sl1_0" }, { role: "user", content: "Two" }],
    });
    assert.deepEqual(text(body), ["One", "Answer 1", "Two"]);
  });

  it("a body that names nothing is the same body", async () => {
    const body = { input: "Hi", previous_response_id: null };
    assert.equal(await continued(kv, owner, body), body);
    assert.equal(await continued(undefined, owner, body), body);
  });

  it("what is not kept is refused, and a reference to it stays", async () => {
    for (const id of ["resp_sl9", "resp_foreign", "../x", 7, { a: 1 }]) {
      const body = { input: "Hi", previous_response_id: id };
      await refused(continued(kv, owner, body), 400, /^Previous response with id .* not found/);
      await refused(continued(undefined, owner, body), 400, /not found/);
    }
    const input = [{ type: "item_reference", id: "rs_elsewhere" }];
    assert.deepEqual((await continued(kv, owner, { input })).input, input);
    assert.deepEqual((await continued(undefined, owner, { input })).input, input);
  });

  it("nobody reads those of another", async () => {
    await remember(kv, owner, { input: "Secret" }, response(1));
    const others = [
      await ownerOf("account", "gateway", "other"),
      await ownerOf("account", "other", "key"),
      await ownerOf("other", "gateway", "key"),
    ];
    assert.equal(new Set([owner, ...others]).size, 4);
    for (const other of others) {
      assert.equal(await recall(kv, other, "resp_sl1"), undefined);
      const body = { input: "Hi", previous_response_id: "resp_sl1" };
      await refused(continued(kv, other, body), 400, /not found/);
      await refused(
        serveStored(kv, other, "DELETE", "resp_sl1", new URLSearchParams()),
        404,
        /not found/,
      );
    }
    for (const key of await kv.keys("responses:")) assert.doesNotMatch(key, /account|gateway/);
    assert.ok(await recall(kv, owner, "resp_sl1"));
  });

  it("only ours, what is to be kept, and nothing too large is kept", async () => {
    assert.equal(await remember(kv, owner, { input: "x", store: false }, response(1)), false);
    assert.equal(await remember(kv, owner, { input: "x" }, { id: "resp_other" }), false);
    const large = { input: "x".repeat(2000) };
    assert.equal(await remember(kv, owner, large, response(2), { bytes: 1000 }), false);
    assert.equal(await remember(kv, owner, large, response(2), { ttl: 0 }), true);
    assert.equal(await recall(kv, owner, "resp_sl2"), undefined);
    assert.deepEqual(await kv.keys("responses:"), []);
  });

  it("tells ids of ours from a provider's", () => {
    assert.ok(isStored("resp_sl0198ab"));
    const others = ["resp_0a02cdbf39789cc8016a85be", "resp_slA", "resp_sl1_0", "sl1", 7, undefined];
    for (const id of others) assert.equal(isStored(id), false, String(id));
  });

  it("is given, and forgotten", async () => {
    await remember(kv, owner, { input: "One" }, response(1));
    assert.deepEqual(await get("resp_sl1"), response(1));
    assert.deepEqual(await get("resp_sl1", "", "DELETE"), {
      id: "resp_sl1",
      object: "response",
      deleted: true,
    });
    await refused(get("resp_sl1"), 404, /^Response with id 'resp_sl1' not found/);
    await refused(get("resp_sl1", "", "DELETE"), 404, /not found/);
    await refused(get("resp_sl1", "", "POST"), 405, /GET and DELETE/);
    await refused(get("resp_sl1/cancel"), 404, /cancel/);
    await refused(get("resp_sl1/input_items/x"), 404, /input_items/);
  });

  it("lists what was asked, page by page", async () => {
    const input = [
      { role: "user", content: "One" },
      {
        id: "msg_x",
        type: "message",
        role: "assistant",
        content: [{ type: "output_text", text: "A" }],
      },
      { type: "function_call_output", call_id: "c", output: "1" },
    ];
    await remember(kv, owner, { input }, response(1));
    const list = await get("resp_sl1/input_items", "order=asc");
    assert.deepEqual(list, {
      object: "list",
      data: [
        {
          id: "msg_sl1_i0",
          type: "message",
          status: "completed",
          role: "user",
          content: [{ type: "input_text", text: "One" }],
        },
        { status: "completed", ...input[1] },
        { id: "fco_sl1_i2", ...input[2] },
      ],
      first_id: "msg_sl1_i0",
      last_id: "fco_sl1_i2",
      has_more: false,
    });
    const page = await get("resp_sl1/input_items", "limit=2");
    assert.equal(page.last_id, "msg_x");
    assert.equal(page.has_more, true);
    const next = await get("resp_sl1/input_items", "limit=2&after=msg_x");
    assert.equal(next.last_id, "msg_sl1_i0");
    assert.equal(next.has_more, false);
    const empty = await get("resp_sl1/input_items", "after=msg_sl1_i0&limit=x");
    assert.deepEqual(empty.data, []);
  });

  it("is a conversation in canonical messages", async () => {
    await remember(kv, owner, { input: "One" }, response(1));
    const stored = await recall(kv, owner, "resp_sl1");
    assert.deepEqual(
      readItems(itemsOf(stored!), "input").map(({ role, parts }) => [role, ...parts]),
      [
        ["user", { type: "text", text: "One" }],
        ["assistant", { type: "text", text: "Answer 1" }],
      ],
    );
  });
});
