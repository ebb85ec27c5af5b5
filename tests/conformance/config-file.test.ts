// The configuration as a file: TypeScript, JavaScript and JSON mean the same.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { send } from "../support/client.ts";
import { until } from "../support/logs.ts";
import { runtimes, StartError, startGateway } from "../support/gateway.ts";

const folder = mkdtempSync(join(tmpdir(), "sluice-config-"));
after(() => rmSync(folder, { recursive: true }));

const files = {
  "gateway.config.ts":
    `const account: string = "ours";\nexport default { account, gateways: { team: {} } };`,
  "gateway.config.js": `export default { account: "ours", gateways: { team: {} } };`,
  "gateway.config.json": `{ "account": "ours", "gateways": { "team": {} } }`,
  "broken.json": `{ "keys": { "openai": "sk-secret" `,
  "wrong.ts": `export default 1;`,
  "code.json": `{ "plugins": ["cache"] }`,
  "careless.ts": `const careless = (_ctx: unknown, next: () => Promise<Response>) => {
    Promise.reject(new Error("Nobody waits for https://x.test/?key=sk-secret"));
    return next();
  };
  export default { plugins: [careless] };`,
};
for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
writeFileSync(join(folder, "package.json"), `{ "type": "module" }`);

// A worker has no files: its configuration is a variable.
for (const runtime of runtimes.filter((name) => name !== "workers")) {
  const start = (name: string) =>
    startGateway(runtime, { env: { SLUICE_CONFIG: join(folder, name) } });

  describe(runtime, () => {
    for (const name of ["gateway.config.ts", "gateway.config.js", "gateway.config.json"]) {
      it(`reads ${name}`, async () => {
        const gateway = await start(name);
        const code = async (path: string) =>
          JSON.parse((await send(gateway.url, path)).body.toString()).internalCode;
        assert.equal(await code("/v1/theirs/team/openai/x"), 2001);
        assert.equal(await code("/v1/ours/other/openai/x"), 2001);
        assert.equal(await code("/v1/ours/team/nobody/x"), 2008);
        await gateway.stop("SIGKILL");
      });
    }

    it("outlives a plugin that loses a failure, and tells of it without a key", async () => {
      const gateway = await start("careless.ts");
      for (let i = 0; i < 2; i++) await send(gateway.url, "/v1/a/default/ollama/x");
      assert.equal((await send(gateway.url, "/health")).status, 200);
      await until("It is told", () => Promise.resolve(/Nobody waits for/.test(gateway.output())));
      assert.doesNotMatch(gateway.output(), /sk-secret/);
      await gateway.stop("SIGKILL");
    });

    it("takes no plugins from JSON", async () => {
      const error = await start("code.json").then(
        () => assert.fail("It started"),
        (error) => error,
      );
      assert.equal(error.exitCode, 78);
      assert.match(error.output, /plugins: found an unknown key/);
    });

    it("does not start on a port that is taken", async () => {
      const first = await startGateway(runtime);
      const env = { PORT: new URL(first.url).port };
      const error = await startGateway(runtime, { env }).then(
        () => assert.fail("It started"),
        (error) => error,
      );
      assert.equal(error.exitCode, 1);
      assert.match(error.output, /cannot listen on/);
      await first.stop("SIGKILL");
    });

    for (const name of ["broken.json", "wrong.ts", "missing.json"]) {
      it(`ends with 78 on ${name}, and says which file`, async () => {
        const error = await start(name).then(() => assert.fail("It started"), (error) => error);
        assert.ok(error instanceof StartError, String(error));
        assert.equal(error.exitCode, 78);
        assert.match(error.output, new RegExp(name));
        assert.doesNotMatch(error.output, /sk-secret/);
      });
    }
  });
}
