// Three services that answer at once, each on a port of its own, so that what is measured is the
// process in front of them: GET /profiles/{id}, /orders?userId={id}, /recommendations/{id}.
// A further port takes calls and never answers. Prints the ports as JSON.
// Bytes for bytes, without an HTTP server: it shares the cores with what is measured.
import { createServer } from "node:net";

const createdAt = "2026-01-01T00:00:00.000Z";
const order = { items: [{ sku: "book-1", quantity: 1 }], status: "completed", createdAt };
const bodies = {
  profiles: { userId: "u1", name: "Ada Lovelace", email: "ada@example.com", city: "London" },
  orders: Array.from({ length: 10 }, (_, n) => ({ orderId: `order-${n}`, ...order })),
  recommendations: Array.from({ length: 10 }, (_, n) => ({ sku: `book-${n}`, score: n })),
};

const END = "\r\n\r\n"; // of a request: none has a body

const ports = {};
for (const [name, body] of Object.entries({ ...bodies, hung: undefined })) {
  const answer = body && answerOf(JSON.stringify(body));
  const server = createServer((socket) => {
    let rest = "";
    socket.setNoDelay(true).on("error", () => {});
    socket.on("data", (chunk) => {
      const requests = (rest + chunk.toString("latin1")).split(END);
      rest = requests.pop();
      if (answer && requests.length > 0) socket.write(answer.repeat(requests.length));
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  ports[name] = server.address().port;
}
console.log(JSON.stringify(ports));

function answerOf(text) {
  const head = ["HTTP/1.1 200 OK", "content-type: application/json", `content-length: ${text.length}`];
  return head.join("\r\n") + END + text;
}
