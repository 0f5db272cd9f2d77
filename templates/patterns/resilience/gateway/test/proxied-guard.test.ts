import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import Fastify from "fastify";
import { Guard } from "../src/clients/guard.ts";
import { checkUpstreams, forgetService, guards, proxyPolicyFor } from "../src/clients/policies.ts";
import { connectPool } from "../src/clients/pool.ts";
import { ProxiedServices } from "../src/clients/proxied-services.ts";
import { useProblems } from "../src/problem.ts";
import { serviceProxy } from "../src/routes/service-proxy.ts";
import { PATIENCE_MS } from "./support/patience.ts";
import { log } from "./support/silent-logger.ts";
import { answering, startServer } from "./support/upstream-server.ts";

/** The way through to a service that does what the test wants; `asked` is what came to it. */
async function proxied(t: TestContext, listener: RequestListener) {
  const asked: string[] = [];
  const url = await startServer(t, (request, response) => {
    asked.push(`${request.method} ${request.url}`);
    listener(request, response);
  });
  const pool = connectPool(url);
  const guard = new Guard(PATIENCE_MS);
  guards.set("notes", guard);
  const notes = { name: "notes", url, pool, policy: proxyPolicyFor("notes", pool) };
  const app = Fastify({ forceCloseConnections: true });
  useProblems(app);
  await app.register(serviceProxy, { services: new Map([["notes", notes]]) });
  const base = await app.listen({ host: "127.0.0.1", port: 0 });
  t.after(async () => {
    await app.close();
    await pool.close();
    forgetService("notes");
  });
  const call = (method = "GET", init: RequestInit = {}) =>
    fetch(`${base}/api/notes/items`, { method, ...init });
  return { asked, guard, call };
}

async function until(condition: () => boolean) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("a reading call that breaks off is made once more, one that may change something is not", async (t) => {
  for (const method of ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]) {
    await t.test(method, async (t) => {
      const { asked, call } = await proxied(t, (request) => request.destroy());

      assert.equal((await call(method)).status, 502);
      assert.equal(asked.length, ["GET", "HEAD"].includes(method) ? 2 : 1);
    });
  }
});

test("an answer of 5xx reaches the client as it is, once, and counts", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { asked, guard, call } = await proxied(t, answering({ sorry: true }, 503));

  for (let i = 0; i < 5; i++) {
    const response = await call();
    assert.equal(response.status, 503);
    assert.deepEqual(await response.json(), { sorry: true });
  }

  assert.equal(asked.length, 5);
  assert.equal(guard.outcomes.failed, 5);
  assert.equal(guard.breaker, "open");
  const refused = await call("POST", { body: "{}" });
  assert.equal(refused.status, 502);
  assert.equal(asked.length, 5);
});

test("no call of a client is the trial after which the breaker closes", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  let down = true;
  const { asked, guard, call } = await proxied(t, (request, response) =>
    answering({}, down ? 500 : 200)(request, response),
  );
  while (guard.breaker === "closed") await call("POST", { body: "{}" });
  down = false;
  asked.length = 0;

  t.mock.timers.tick(1_000);
  assert.equal((await call("POST", { body: "{}" })).status, 502);
  await until(() => guard.breaker === "closed");

  assert.deepEqual(asked, ["GET /health/live"]);
  assert.equal((await call("POST", { body: "{}" })).status, 200);
});

test("an answer streams for as long as it likes, and holds no place meanwhile", async (t) => {
  const { promise: goOn, resolve } = Promise.withResolvers<void>();
  const { guard, call } = await proxied(t, async (_request, response) => {
    response.writeHead(200).write("first");
    await goOn;
    response.end("second");
  });

  const response = await call();
  assert.equal(guard.inFlight, 0);
  assert.deepEqual(guard.outcomes.ok, 1);
  resolve();

  assert.equal(await response.text(), "firstsecond");
});

test("clients that leave are not the fault of the service", async (t) => {
  const { guard, call } = await proxied(t, () => {});
  const endless = () => new ReadableStream({ start: (body) => body.enqueue(new Uint8Array(9)) });

  for (const upload of [false, false, false, true, true, true]) {
    const client = new AbortController();
    const { signal } = client;
    const answer = upload
      ? call("POST", { signal, body: endless(), duplex: "half" })
      : call("GET", { signal });
    await until(() => guard.inFlight === 1);
    client.abort();
    await assert.rejects(answer, { name: "AbortError" });
    await until(() => guard.inFlight === 0);
  }

  assert.equal(guard.outcomes.abandoned, 6);
  assert.equal(guard.breaker, "closed");
});

test("its state is shown until it is gone", async (t) => {
  const folder = await mkdtemp(join(tmpdir(), "proxied-"));
  t.after(() => rm(folder, { recursive: true }));
  await writeFile(join(folder, "services.txt"), "/api/notes http://notes:8000\n");

  const services = await ProxiedServices.open(join(folder, "services.txt"), log);
  assert.deepEqual(checkUpstreams(), {
    status: "ok",
    notes: { breaker: "closed", inFlight: 0 },
  });
  await services.close();

  assert.deepEqual(checkUpstreams(), { status: "ok" });
});
