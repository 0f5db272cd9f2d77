import assert from "node:assert/strict";
import { test } from "node:test";
import Fastify from "fastify";
import { checkUpstreams, guards, policyFor } from "../src/clients/policies.ts";
import { healthReady } from "../src/routes/health-ready.ts";
import { metrics } from "../src/routes/metrics.ts";

const fails = () => Promise.reject(new Error("connection refused"));

test("a service in trouble is shown, and leaves the gateway ready", async (t) => {
  t.after(() => guards.clear());
  const profiles = policyFor("profiles");
  const orders = policyFor("orders");
  await profiles(async () => "fine");
  for (let i = 0; i < 5; i++) await assert.rejects(orders(fails));
  const app = Fastify()
    .register(healthReady, { checks: { upstreams: checkUpstreams } })
    .register(metrics);

  const ready = await app.inject("/health/ready");
  assert.equal(ready.statusCode, 200);
  assert.deepEqual(ready.json().checks.upstreams, {
    status: "ok",
    profiles: { breaker: "closed", inFlight: 0 },
    orders: { breaker: "open", inFlight: 0 },
  });

  const { headers, body } = await app.inject("/metrics");
  assert.match(String(headers["content-type"]), /^text\/plain; version=0\.0\.4/);
  const lines = body.split("\n");
  for (const line of [
    "# TYPE upstream_calls_total counter",
    'upstream_calls_total{service="profiles",outcome="ok"} 1',
    'upstream_breaker_open{service="profiles"} 0',
    'upstream_breaker_open{service="orders"} 1',
    'upstream_in_flight{service="orders"} 0',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.match(body, /upstream_retries_total\{service="orders"\} [1-9]/);
  assert.equal(body.at(-1), "\n");
});
