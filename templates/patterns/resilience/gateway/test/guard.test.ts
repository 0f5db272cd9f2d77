import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { Guard } from "../src/clients/guard.ts";
import { Upstream } from "../src/clients/upstream.ts";
import { PATIENCE_MS } from "./support/patience.ts";
import { answering, startServer } from "./support/upstream-server.ts";

const anything = Compile(Type.Object({}));

/** A guarded client of a service that does what the test wants. */
async function guarded(t: TestContext, listener: RequestListener, deadlineMs = PATIENCE_MS) {
  const guard = new Guard(deadlineMs);
  let asked = 0;
  const url = await startServer(t, (request, response) => {
    asked++;
    listener(request, response);
  });
  const upstream = new Upstream("books", url, (call) => guard.run(call));
  t.after(() => upstream.close());
  return { guard, get: () => upstream.get("/", anything), asked: () => asked };
}

/** A service that fails as long as `down` is true. */
function service() {
  const state = { down: true };
  const listener: RequestListener = (request, response) =>
    answering({}, state.down ? 503 : 200)(request, response);
  return { state, listener };
}

async function open({ guard, get }: { guard: Guard; get: () => Promise<unknown> }) {
  while (guard.breaker === "closed") await assert.rejects(get());
}

async function until(condition: () => boolean) {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}

test("a call that fails is tried once more", async (t) => {
  let failures = 1;
  const { guard, get, asked } = await guarded(t, (request, response) => {
    if (failures-- > 0) request.destroy();
    else answering({})(request, response);
  });

  await get();

  assert.equal(asked(), 2);
  assert.equal(guard.retries, 1);
  assert.equal(guard.outcomes.ok, 1);
});

test("it is not tried for ever", async (t) => {
  const { get, asked } = await guarded(t, answering({}, 500));

  await assert.rejects(get(), { status: 502, message: /answered 500/ });

  assert.equal(asked(), 2);
});

test("an answer that says no is an answer", async (t) => {
  const { guard, get, asked } = await guarded(t, answering({}, 404));

  for (let i = 0; i < 10; i++) await assert.rejects(get(), { name: "UpstreamNotFound" });

  assert.equal(asked(), 10);
  assert.equal(guard.breaker, "closed");
});

test("a service that hangs is given up at the deadline, retries included", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const hang: RequestListener = (request) => {
    request.once("close", resolve);
    t.mock.timers.tick(1_000);
  };
  const { guard, get, asked } = await guarded(t, hang, 1_000);

  await assert.rejects(get(), { status: 504 });
  await closed;

  assert.equal(asked(), 1);
  assert.equal(guard.outcomes.late, 1);
});

test("after failures in a row the service is left alone", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const books = await guarded(t, answering({}, 503));

  await open(books);
  const before = books.asked();
  const answers = Array.from({ length: 100 }, books.get);
  const results = await Promise.allSettled(answers);

  assert.ok(results.every(({ status }) => status === "rejected"));
  assert.equal(books.asked(), before);
  assert.ok(books.guard.outcomes.broken >= 100);
});

test("once it is back, the breaker closes again", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { state, listener } = service();
  const books = await guarded(t, listener);
  await open(books);
  state.down = false;

  t.mock.timers.tick(999);
  await assert.rejects(books.get());
  assert.equal(books.guard.breaker, "open");

  t.mock.timers.tick(1);
  await assert.rejects(books.get());
  await until(() => books.guard.breaker === "closed");
  await books.get();
});

test("while it is not back, the breaker stays open, and asks once in a while", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const books = await guarded(t, answering({}, 503));
  await open(books);
  const before = books.asked();

  for (let i = 1; i <= 3; i++) {
    t.mock.timers.tick(1_000);
    const answers = await Promise.allSettled(Array.from({ length: 20 }, books.get));
    assert.ok(answers.every(({ status }) => status === "rejected"));
    await until(() => books.guard.breaker === "open");
    assert.equal(books.asked(), before + i);
  }
});

test("nobody waits for a service that hangs, not even to find out whether it is back", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const { promise: hung, resolve } = Promise.withResolvers<void>();
  let hangs = false;
  const books = await guarded(t, (request, response) => {
    if (hangs) resolve();
    else answering({}, 503)(request, response);
  });
  await open(books);
  hangs = true;
  t.mock.timers.tick(1_000);

  const answers = await Promise.allSettled(Array.from({ length: 20 }, books.get));
  await hung;

  assert.ok(answers.every(({ status }) => status === "rejected"));
  assert.equal(books.guard.breaker, "half-open");
  assert.equal(books.guard.outcomes.late, 0);
});

test("a service that hangs holds a limited number of calls", async () => {
  const guard = new Guard(PATIENCE_MS);
  const { promise: released, resolve } = Promise.withResolvers<void>();

  const calls = Array.from({ length: 151 }, () => guard.run(() => released));

  await assert.rejects(Promise.race(calls), { name: "Error", message: /[Bb]ulkhead/ });
  assert.equal(guard.inFlight, 50);
  resolve();
  const results = await Promise.allSettled(calls);
  assert.equal(results.filter(({ status }) => status === "fulfilled").length, 150);
  assert.deepEqual([guard.outcomes.ok, guard.outcomes.full], [150, 1]);
});

test("a service that dies is a breaker that opens, and one that starts again a breaker that closes", async (t) => {
  t.mock.timers.enable({ apis: ["Date"] });
  const listener = answering({});
  const first = createServer(listener).listen(0, "127.0.0.1");
  await once(first, "listening");
  const { port } = first.address() as AddressInfo;
  const guard = new Guard(PATIENCE_MS);
  const upstream = new Upstream("books", `http://127.0.0.1:${port}`, (call) => guard.run(call));
  t.after(() => upstream.close());
  const get = () => upstream.get("/", anything);
  await get();

  first.close();
  first.closeAllConnections();
  await open({ guard, get });

  const second = createServer(listener).listen(port, "127.0.0.1");
  await once(second, "listening");
  t.after(() => {
    second.closeAllConnections();
    second.close();
  });
  t.mock.timers.tick(1_000);
  await assert.rejects(get());
  await until(() => guard.breaker === "closed");
  await get();
});
