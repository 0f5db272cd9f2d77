// Three services that answer at once, each on a port of its own, so that what is measured is the
// process in front of them: GET /profiles/{id}, /orders?userId={id}, /recommendations/{id}.
// A further port takes calls and never answers. Prints the ports as JSON.
import { createServer } from "node:http";

const createdAt = "2026-01-01T00:00:00.000Z";
const order = { items: [{ sku: "book-1", quantity: 1 }], status: "completed", createdAt };
const bodies = {
  profiles: { userId: "u1", name: "Ada Lovelace", email: "ada@example.com", city: "London" },
  orders: Array.from({ length: 10 }, (_, n) => ({ orderId: `order-${n}`, ...order })),
  recommendations: Array.from({ length: 10 }, (_, n) => ({ sku: `book-${n}`, score: n })),
};

const ports = {};
for (const [name, body] of Object.entries({ ...bodies, hung: undefined })) {
  const text = body && JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": text?.length };
  const server = createServer((_request, response) => {
    if (text) response.writeHead(200, headers).end(text);
  });
  server.keepAliveTimeout = 60_000;
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  ports[name] = server.address().port;
}
console.log(JSON.stringify(ports));
