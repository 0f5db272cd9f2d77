import assert from "node:assert/strict";
import { test } from "node:test";
import Fastify from "fastify";
import { UpstreamFailed } from "../src/clients/upstream.ts";
import { Unavailable } from "../src/errors.ts";
import { Problem, useProblems } from "../src/problem.ts";

function appThatThrows(error: Error) {
  const app = Fastify();
  useProblems(app);
  app.get("/", async () => {
    throw error;
  });
  return app;
}

test("a problem is sent as it is", async () => {
  const response = await appThatThrows(new Problem(422, "Not possible")).inject("/");

  assert.equal(response.statusCode, 422);
  assert.match(response.headers["content-type"] as string, /^application\/problem\+json/);
  assert.deepEqual(response.json(), {
    type: "about:blank",
    title: "Unprocessable Entity",
    status: 422,
    detail: "Not possible",
    instance: "/",
  });
});

test("an unexpected error reveals nothing", async () => {
  const response = await appThatThrows(new Error("the password is swordfish")).inject("/");

  assert.equal(response.statusCode, 500);
  assert.doesNotMatch(response.body, /swordfish/);
});

test("a dependency that is unavailable is a 503 that asks to retry", async () => {
  const response = await appThatThrows(new Unavailable("The database is down")).inject("/");

  assert.equal(response.statusCode, 503);
  assert.equal(response.headers["retry-after"], "1");
});

test("a service that fails is a 502 or 504", async () => {
  const failure = new UpstreamFailed("books", 504, "did not answer in time");
  const response = await appThatThrows(failure).inject("/");

  assert.equal(response.statusCode, 504);
  assert.equal(response.json().detail, "The service books did not answer in time");
});

test("a request that fails validation is a problem", async () => {
  const app = Fastify();
  useProblems(app);
  const schema = { body: { type: "object", required: ["name"] } };
  app.post("/", { schema }, async () => "fine");

  const response = await app.inject({ method: "POST", url: "/", payload: {} });

  assert.equal(response.statusCode, 400);
  assert.equal(response.json().detail, "body must have required property 'name'");
});

test("a body that is not JSON and an unknown route are problems", async () => {
  const app = appThatThrows(new Error());
  app.post("/", async () => "fine");
  const headers = { "content-type": "application/json" };

  const broken = await app.inject({ method: "POST", url: "/", headers, payload: "{" });
  const missing = await app.inject("/nowhere");

  assert.deepEqual([broken.statusCode, broken.json().title], [400, "Bad Request"]);
  assert.deepEqual([missing.statusCode, missing.json().title], [404, "Not Found"]);
});
