import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Database } from "../src/database/database.ts";
import { migrate } from "../src/database/migrate.ts";
import { log } from "./support/silent-logger.ts";

const READY = Buffer.from([...Buffer.from("R\0\0\0\x08\0\0\0\0"), ...Buffer.from("Z\0\0\0\x05I")]);

/** A Postgres that takes a connection and then never answers a statement. */
async function silentPostgres(t: TestContext) {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return { url: `postgres://gateway@127.0.0.1:${port}/gateway`, asked: firstStatement(server) };
}

async function firstStatement(server: Server): Promise<Socket> {
  const [socket] = (await once(server, "connection")) as [Socket];
  await once(socket, "data");
  socket.write(READY);
  await once(socket, "data");
  return socket;
}

test("a migration takes as long as it takes", async (t) => {
  const { url, asked } = await silentPostgres(t);
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const migrating = assert.rejects(migrate(new Database(url, log), log), (error: Error) =>
    /terminated/.test(String(error.cause)),
  );

  const socket = await asked;
  t.mock.timers.tick(3_600_000);
  socket.destroy();

  await migrating;
});
