import assert from "node:assert/strict";
import { once } from "node:events";
import { type IncomingMessage, type RequestListener, request as send } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import Fastify from "fastify";
import { deadline } from "../src/clients/policy.ts";
import { connectPool } from "../src/clients/pool.ts";
import { useProblems } from "../src/problem.ts";
import { serviceProxy } from "../src/routes/service-proxy.ts";
import { PATIENCE_MS } from "./support/patience.ts";
import { answering, silent, startServer } from "./support/upstream-server.ts";

const route = "/api/notes";

/** The gateway's side of one service, listening; it ends with the test. */
async function proxyTo(t: TestContext, url: string, deadlineMs = PATIENCE_MS): Promise<string> {
  const app = Fastify({ forceCloseConnections: true });
  useProblems(app);
  app.post(route, async () => ({ answeredBy: "gateway" }));
  const pool = connectPool(url);
  const notes = { name: "notes", url, pool, policy: deadline(deadlineMs) };
  await app.register(serviceProxy, { services: new Map([["notes", notes]]) });
  t.after(async () => {
    await app.close();
    await pool.close();
  });
  return app.listen({ host: "127.0.0.1", port: 0 });
}

/** The gateway's side of a service that does what the test wants. */
async function proxyOf(t: TestContext, listener: RequestListener, deadlineMs?: number) {
  return proxyTo(t, await startServer(t, listener), deadlineMs);
}

/** A service that answers with what it was asked. */
const echo: RequestListener = async (request, response) => {
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, body: await text(request) }));
};

test("the path below the route, the query and the body reach the service as they are", async (t) => {
  const base = await proxyOf(t, echo);

  const paths = {
    "/items": "/items",
    "/items/a%2Fb?limit=2&after=%C3%A9": "/items/a%2Fb?limit=2&after=%C3%A9",
    "/": "/",
    "": "/",
    "?limit=2": "/?limit=2",
  };
  for (const [outside, inside] of Object.entries(paths)) {
    const response = await fetch(`${base}${route}${outside}`);
    assert.equal(((await response.json()) as { url: string }).url, inside);
  }

  for (const method of ["POST", "PUT", "PATCH", "DELETE"]) {
    const response = await fetch(`${base}${route}/items`, { method, body: "any bytes" });
    const { body, ...seen } = (await response.json()) as Record<string, unknown>;
    assert.deepEqual([seen.method, body], [method, "any bytes"]);
  }
});

test("the status, the headers and the body of the answer reach the client", async (t) => {
  const base = await proxyOf(t, (_request, response) => {
    response
      .writeHead(418, { "content-type": "text/plain", "set-cookie": ["a=1", "b=2"], etag: "x" })
      .end("short and stout");
  });

  const response = await fetch(`${base}${route}/tea`);

  assert.equal(response.status, 418);
  assert.equal(response.headers.get("content-type"), "text/plain");
  assert.equal(response.headers.get("etag"), "x");
  assert.deepEqual(response.headers.getSetCookie(), ["a=1", "b=2"]);
  assert.equal(await response.text(), "short and stout");
});

test("an answer without a body stays one", async (t) => {
  const base = await proxyOf(t, (request, response) => {
    response.writeHead(request.method === "HEAD" ? 200 : 204, { "x-seen": "yes" }).end();
  });

  for (const [method, status] of [
    ["DELETE", 204],
    ["HEAD", 200],
  ] as const) {
    const response = await fetch(`${base}${route}/items/1`, { method });
    assert.equal(response.status, status);
    assert.equal(response.headers.get("x-seen"), "yes");
    assert.equal(await response.text(), "");
  }
});

test("a location inside the service is told as it is seen from outside", async (t) => {
  const locations = {
    "/items/1": "/api/notes/items/1",
    "//other.example/1": "//other.example/1",
    "https://other.example/1": "https://other.example/1",
  };
  const base = await proxyOf(t, (request, response) => {
    response.writeHead(201, { location: decodeURIComponent(request.url?.slice(2) ?? "") }).end();
  });

  for (const [inside, outside] of Object.entries(locations)) {
    const response = await fetch(`${base}${route}/?${encodeURIComponent(inside)}`);
    assert.equal(response.headers.get("location"), outside);
  }
});

test("headers of a connection stay with it, and the service learns who asked", async (t) => {
  const base = await proxyOf(t, async (request, response) => {
    response.setHeader("keep-alive", "timeout=77");
    response.setHeader("x-private", "service");
    response.setHeader("connection", "x-private");
    await echo(request, response);
  });
  const headers = {
    connection: "close, X-Secret",
    "x-secret": "client",
    te: "trailers",
    "x-kept": "1",
    "x-forwarded-for": "192.0.2.7",
    "proxy-authorization": "Basic abc",
  };

  const request = send(`${base}${route}/items`, { headers }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const seen = JSON.parse(await text(response)).headers;

  assert.equal(seen["x-kept"], "1");
  for (const name of ["x-secret", "te", "proxy-authorization"]) assert.ok(!(name in seen), name);
  assert.equal(seen["x-forwarded-for"], "192.0.2.7, 127.0.0.1");
  assert.equal(seen["x-forwarded-host"], new URL(base).host);
  assert.equal(seen["x-forwarded-proto"], "http");
  assert.equal(seen["x-forwarded-prefix"], route);
  assert.ok(seen["x-request-id"]);
  assert.ok(!("x-private" in response.headers));
  assert.notEqual(response.headers["keep-alive"], "timeout=77");
});

test("bodies stream both ways, before either has ended", async (t) => {
  const base = await proxyOf(t, (request, response) => {
    request.on("data", (chunk) => response.write(chunk)).on("end", () => response.end());
  });

  const request = send(`${base}${route}/echo`, { method: "POST" });
  request.write("first");
  const [response] = (await once(request, "response")) as [IncomingMessage];
  const [first] = await once(response, "data");
  request.end("second");

  assert.equal(String(first), "first");
  assert.equal(await text(response), "second");
});

test("a body that is larger than the gateway would read goes through", async (t) => {
  const base = await proxyOf(t, echo);
  const body = "x".repeat(3_000_000);

  const response = await fetch(`${base}${route}/items`, { method: "POST", body });

  assert.equal(((await response.json()) as { body: string }).body.length, body.length);
});

test("a call that the gateway answers itself is not passed on", async (t) => {
  const base = await proxyOf(t, echo);

  const own = await fetch(`${base}${route}`, { method: "POST" });
  const passedOn = await fetch(`${base}${route}`);

  assert.deepEqual(await own.json(), { answeredBy: "gateway" });
  assert.equal(((await passedOn.json()) as { url: string }).url, "/");
});

test("a service that nobody knows is a 404", async (t) => {
  const base = await proxyOf(t, echo);

  for (const path of ["/api/nowhere", "/api/nowhere/items", "/api/Notes/items"]) {
    const response = await fetch(`${base}${path}`, { method: "POST", body: "{}" });

    assert.equal(response.status, 404);
    assert.match(String(response.headers.get("content-type")), /^application\/problem\+json/);
    const { detail } = (await response.json()) as { detail: string };
    assert.equal(detail, `There is no POST ${path}`);
  }
});

test("an answer may take longer than the deadline, once it has begun", async (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const { promise: over, resolve: goOn } = Promise.withResolvers<void>();
  const base = await proxyOf(
    t,
    async (_request, response) => {
      response.writeHead(200).write("first");
      await over;
      response.end("second");
    },
    1_000,
  );

  const response = await fetch(`${base}${route}/slow`);
  t.mock.timers.tick(1_000);
  goOn();

  assert.equal(await response.text(), "firstsecond");
});

test("a service that is not there is a 502, and one that is too slow a 504", async (t) => {
  for (const [base, status] of [
    [await proxyTo(t, "http://127.0.0.1:1"), 502],
    [await proxyOf(t, silent, 1), 504],
  ] as const) {
    const response = await fetch(`${base}${route}/items`, { method: "POST", body: "{}" });

    assert.equal(response.status, status);
    assert.match(String(response.headers.get("content-type")), /^application\/problem\+json/);
    assert.match(((await response.json()) as { detail: string }).detail, /^The service notes/);
  }
});

test("a service that dies within its answer breaks it off, rather than to end it", async (t) => {
  const base = await proxyOf(t, (_request, response) => {
    response.writeHead(200, { "content-length": "100" }).write("half", () => response.destroy());
  });

  const response = await fetch(`${base}${route}/items`);

  await assert.rejects(response.text());
});

test("a client that leaves ends the call to the service", async (t) => {
  const { promise: left, resolve } = Promise.withResolvers<void>();
  const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
  const base = await proxyOf(t, (_request, response) => {
    response.once("close", resolve);
    ask();
  });
  const client = new AbortController();

  const answer = fetch(`${base}${route}/items`, { signal: client.signal });
  await asked;
  client.abort();

  await assert.rejects(answer, { name: "AbortError" });
  await left;
});

test("a path that only becomes the route when it is decoded is not the route", async (t) => {
  const base = await proxyOf(t, answering({}));
  const { port } = new URL(base) as unknown as AddressInfo;

  const request = send({ host: "127.0.0.1", port, path: "/api/n%6Ftes/items" }).end();
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();

  assert.equal(response.statusCode, 404);
});
