// A process that opens the stores and does as it is told, a line of JSON at a time: for tests of several
// processes on the same stores, and of ones that are killed.
//   { add: [key, amount, limit], times, at }   -> { added }
//   { write: prefix }                          -> { wrote: n } again and again, each once it is stored
import process from "node:process";
import { createInterface } from "node:readline";
import { openStores } from "../../runtimes/stores.ts";

const stores = await openStores({
  env: process.env,
  report: (message) => console.log(JSON.stringify({ report: message })),
});
const drivers = Object.values(stores).map(({ driver }) => driver);
console.log(JSON.stringify({ ready: drivers }));

const span = { slots: 10, slotMs: 3_600_000 };

for await (const line of createInterface({ input: process.stdin })) {
  const { add, times, at, write } = JSON.parse(line);
  if (add !== undefined) {
    const [key, amount, limit] = add;
    let added = 0;
    for (let i = 0; i < times; i++) {
      if ((await stores.counters.add(key, amount, span, limit, at)).added) added++;
    }
    console.log(JSON.stringify({ added }));
  } else {
    for (let i = 0;; i++) {
      await stores.keys.set(`${write}:${i}`, { i });
      await stores.counters.add(write, 0.5, span, Infinity, at);
      const line = `${JSON.stringify({ wrote: i + 1 })}\n`;
      await new Promise((resolve) => process.stdout.write(line, resolve));
    }
  }
}
for (const store of Object.values(stores)) await store.close();
