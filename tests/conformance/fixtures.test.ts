// Every recorded exchange goes through the gateway byte for byte, in both directions.
import assert from "node:assert/strict";
import { it, test } from "node:test";
import { send } from "../support/client.ts";
import { fixtureNames, loadFixture, replay, replayHeaders } from "../support/fixtures.ts";
import { providersAt, routeOf } from "../support/routes.ts";
import { onEachRuntime } from "../support/suite.ts";

const cases = fixtureNames().flatMap((name) => {
  const fixture = loadFixture(name);
  const route = routeOf(fixture);
  return route ? [{ fixture, route }] : [];
});

test("every recording has a route", () => {
  const routed = new Set(cases.map(({ fixture }) => fixture.name));
  const left = fixtureNames().filter((name) => !routed.has(name));
  assert.deepEqual(left, []);
  assert.ok(routed.size > 90);
});

onEachRuntime(
  (upstream) => ({ config: { providers: providersAt(upstream.url) }, bare: false }),
  (bench) => {
    for (const { fixture, route } of cases) {
      it(fixture.name, async () => {
        const { gateway, upstream } = bench;
        upstream.reset();
        // Two cuts, so that the body is three pieces on the wire.
        const length = fixture.responseBody.length;
        const cuts = [Math.floor(length / 3), Math.floor((2 * length) / 3)];
        upstream.handle((_req, res) => void replay(res, fixture, { cuts }));

        const answer = await send(gateway.url, route.path, {
          method: fixture.method,
          headers: {
            ...(fixture.requestBody && { "content-length": fixture.requestBody.length }),
            "content-type": fixture.requestHeaders["content-type"] ?? "application/json",
            authorization: "Bearer sk-test",
          },
          body: fixture.requestBody,
        });

        assert.equal(answer.status, fixture.status, answer.body.toString().slice(0, 500));
        assert.deepEqual(answer.body, fixture.responseBody);
        for (const [name, value] of Object.entries(replayHeaders(fixture))) {
          if (/^content-type$|request-?id$|ratelimit/i.test(name)) {
            assert.equal(answer.headers[name.toLowerCase()], value, name);
          }
        }

        assert.equal(upstream.requests.length, 1);
        const seen = upstream.requests[0]!;
        assert.equal(seen.method, fixture.method);
        assert.equal(seen.target, route.target);
        assert.deepEqual(seen.body, fixture.requestBody ?? Buffer.alloc(0));
      });
    }
  },
);
