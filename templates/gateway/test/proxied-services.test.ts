import assert from "node:assert/strict";
import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { ProxiedServices, parseServices } from "../src/clients/proxied-services.ts";
import type { Logger } from "../src/logger.ts";
import { log } from "./support/silent-logger.ts";

const NOTES = "/api/notes http://notes:8000\n";
const PAYMENTS = "/api/payments http://127.0.0.1:21000\n";

/** The services of a file that the test changes as it likes; `errors` is what was logged. */
async function follow(t: TestContext, text: string) {
  const folder = await mkdtemp(join(tmpdir(), "proxied-"));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, "services.txt");
  await writeFile(path, text);
  const errors: string[] = [];
  // As git and editors do it: another file in the place of the old one.
  const replace = async (text: string) => {
    await writeFile(`${path}.new`, text);
    await rename(`${path}.new`, path);
  };
  const silent = Object.create(log, {
    error: { value: ({ err }: { err: Error }) => errors.push(err.message) },
  }) as Logger;
  const services = await ProxiedServices.open(path, silent, 1);
  t.after(() => services.close());
  return { services, errors, path, replace };
}

async function until(condition: () => boolean) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10));
}

test("each line is a service, apart from comments and empty ones", () => {
  const services = parseServices(`# open\n${NOTES}\n${PAYMENTS}`);

  assert.deepEqual(Object.fromEntries(services), {
    notes: "http://notes:8000",
    payments: "http://127.0.0.1:21000",
  });
});

test("a file that is wrong is refused with the line", () => {
  for (const [text, message] of [
    ["", /missing, or written by half/],
    ["/api/notes http://no", /missing, or written by half/],
    [`${NOTES}/notes http://notes:8000\n`, /Line 2 is not/],
    ["/api/notes notes:8000\n", /Line 1 is not/],
    ["/api/notes http://notes:8000/v1\n", /Line 1 is not/],
    [`${NOTES}\n${NOTES}`, /Line 3 is the second one for notes/],
    ["<<<<<<< ours\n", /Line 1 is not/],
  ] as const) {
    assert.throws(() => parseServices(text), message);
  }
});

test("a service that comes into the file is open, and one that leaves it is not", async (t) => {
  const { services, replace } = await follow(t, NOTES);
  const notes = services.get("notes");
  assert.ok(notes);

  await replace(NOTES + PAYMENTS);
  await until(() => services.get("payments") !== undefined);
  assert.equal(services.get("payments")?.url, "http://127.0.0.1:21000");
  assert.equal(services.get("notes"), notes);

  await replace(PAYMENTS);
  await until(() => services.get("notes") === undefined);
  assert.ok(notes.pool.closed);
});

test("a service that moves is asked at its new address", async (t) => {
  const { services, replace } = await follow(t, NOTES);

  await replace("/api/notes http://notes:9000\n");

  await until(() => services.get("notes")?.url === "http://notes:9000");
});

test("while the file is wrong or gone, all stays as it was, and the log says so once", async (t) => {
  const { services, errors, path, replace } = await follow(t, NOTES);

  await replace(`${NOTES}/api/payments http://pay`);
  await until(() => errors.length > 0);
  await replace(`${NOTES}/api/payments payments:8000\n`);
  await until(() => errors.length > 1);
  assert.ok(services.get("notes"));

  await replace(NOTES + PAYMENTS);
  await until(() => services.get("payments") !== undefined);
  await rm(path);
  await until(() => errors.length > 2);
  assert.ok(services.get("payments"));
  const told = errors.map((error) => error.slice(0, 15));
  assert.deepEqual(told, ["The file is mis", 'Line 2 is not "', "The file is mis"]);
});

test("a file that is wrong from the start is an error", async (t) => {
  await assert.rejects(follow(t, "nonsense\n"), /Line 1 is not/);
});
