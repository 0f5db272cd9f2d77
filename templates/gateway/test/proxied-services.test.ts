import assert from "node:assert/strict";
import { test } from "node:test";
import { readProxiedServices } from "../src/clients/proxied-services.ts";

test("a service with a route is open, and no other", () => {
  const env = {
    PROFILES_URL: "http://profiles:8000",
    TEAM_NOTES_URL: "http://team-notes:8000",
    TEAM_NOTES_ROUTE: "/api/team-notes",
    // What a machine may have for reasons of its own.
    DEFAULT_ROUTE: "192.0.2.1",
    HTTP_PROXY: "http://proxy.example",
  };

  assert.deepEqual(readProxiedServices(env), [
    { name: "team-notes", route: "/api/team-notes", url: "http://team-notes:8000" },
  ]);
});

test("a route to nowhere is an error that names what is missing", () => {
  assert.throws(() => readProxiedServices({ NOTES_ROUTE: "/api/notes" }), /NOTES_URL is not/);
});
