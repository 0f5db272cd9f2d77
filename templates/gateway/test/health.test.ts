import assert from "node:assert/strict";
import { test } from "node:test";
import Fastify from "fastify";
import { type Check, runChecks } from "../src/health.ts";
import { healthReady } from "../src/routes/health-ready.ts";

const ok: Check = () => ({ status: "ok", lag: 0 });

test("ready when all checks pass, and it shows what they found", async () => {
  const app = Fastify().register(healthReady, { checks: { consumer: ok } });

  const response = await app.inject("/health/ready");

  assert.equal(response.statusCode, 200);
  assert.deepEqual(response.json(), {
    status: "ok",
    checks: { consumer: { status: "ok", lag: 0 } },
  });
});

test("not ready when one check fails", async () => {
  const broken = () => Promise.reject(new Error("connection refused"));
  const app = Fastify().register(healthReady, { checks: { consumer: ok, database: broken } });

  const response = await app.inject("/health/ready");

  assert.equal(response.statusCode, 503);
  assert.equal(response.json().status, "unavailable");
  assert.deepEqual(response.json().checks.database, {
    status: "unavailable",
    reason: "connection refused",
  });
});

test("a check that does not come back counts as failed", async () => {
  const never = () => new Promise<never>(() => {});

  const { database } = await runChecks({ database: never }, 1);

  assert.equal(database?.status, "unavailable");
});
