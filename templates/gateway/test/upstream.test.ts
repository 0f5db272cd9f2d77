import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { Type } from "typebox";
import { Compile } from "typebox/compile";
import { deadline, type Policy } from "../src/clients/policy.ts";
import { Upstream, UpstreamFailed, UpstreamNotFound } from "../src/clients/upstream.ts";
import { PATIENCE_MS } from "./support/patience.ts";
import { answering, silent, startServer } from "./support/upstream-server.ts";

const shape = Compile(Type.Object({ name: Type.String() }));

function connect(t: TestContext, url: string, policy: Policy = deadline(PATIENCE_MS)): Upstream {
  const upstream = new Upstream("books", url, policy);
  t.after(() => upstream.close());
  return upstream;
}

test("an answer of the right shape is returned", async (t) => {
  const url = await startServer(t, (request, response) => {
    response.end(JSON.stringify({ name: request.url }));
  });

  assert.deepEqual(await connect(t, url).get("/books/1", shape), { name: "/books/1" });
});

test("an answer of another shape is as bad as none", async (t) => {
  const url = await startServer(t, answering({ title: "no name" }));

  await assert.rejects(connect(t, url).get("/", shape), { name: "UpstreamFailed", status: 502 });
});

test("so is one that is not JSON", async (t) => {
  const url = await startServer(t, (_request, response) => response.end("<html>"));

  await assert.rejects(connect(t, url).get("/", shape), UpstreamFailed);
});

test("a service that fails is told from one that has no such thing", async (t) => {
  const failing = await startServer(t, answering({}, 500));
  const empty = await startServer(t, answering({}, 404));

  await assert.rejects(connect(t, failing).get("/", shape), { message: /answered 500/ });
  await assert.rejects(connect(t, empty).get("/", shape), UpstreamNotFound);
});

test("a service that does not answer in time is given up, and so is the request", async (t) => {
  const { promise: closed, resolve } = Promise.withResolvers<void>();
  const late = new AbortController();
  const url = await startServer(t, (request) => {
    request.once("close", resolve);
    late.abort(new DOMException("too late", "TimeoutError"));
  });

  await assert.rejects(connect(t, url, (call) => call(late.signal)).get("/", shape), {
    status: 504,
  });
  await closed;
});

test("the deadline ends a call", async (t) => {
  const url = await startServer(t, silent);

  await assert.rejects(connect(t, url, deadline(1)).get("/", shape), { status: 504 });
});

test("a service that is not there cannot be reached", async (t) => {
  const upstream = connect(t, "http://127.0.0.1:1");

  await assert.rejects(upstream.get("/", shape), { status: 502 });
});
