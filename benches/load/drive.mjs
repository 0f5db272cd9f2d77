// Drive one HTTP endpoint: `users` requests in flight, the next as soon as one is answered, or at a
// fixed `rate` a second shared by all users. Costs about 0.1 ms of CPU a request, since it shares
// the cores with what it measures.
//
//     node drive.mjs '{"origin": "http://127.0.0.1:3000", "path": "/", "users": 20, "count": 1000}'
import { randomUUID } from "node:crypto";
import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";

const { origin, path, body, users, count, rate, method = body ? "POST" : "GET" } = JSON.parse(
  process.argv[2],
);
const pool = new Pool(origin, { connections: users });
const milliseconds = new Float64Array(count);
const answers = body ? new Array(count) : undefined;
const statuses = {};
let next = 0;

async function user() {
  while (next < count) {
    const index = next++;
    if (rate) {
      const early = begin + (index * 1000) / rate - performance.now();
      if (early > 1) await sleep(early);
    }
    const started = performance.now();
    const { statusCode, text } = await send();
    const ended = performance.now();
    milliseconds[index] = ended - started;
    statuses[statusCode] = (statuses[statusCode] ?? 0) + 1;
    if (answers) answers[index] = [JSON.parse(text).orderId, performance.timeOrigin + ended];
  }
}

async function send() {
  const headers = body && { "content-type": "application/json", "idempotency-key": randomUUID() };
  const response = await pool.request({ method, path, headers, body });
  return { statusCode: response.statusCode, text: await response.body.text() };
}

const begin = performance.now();
await Promise.all(Array.from({ length: users }, user));
const seconds = (performance.now() - begin) / 1000;
await pool.close();

milliseconds.sort();
const at = (share) => milliseconds[Math.min(count - 1, Math.floor(count * share))];
const { user: userCpu, system } = process.cpuUsage();
console.log(
  JSON.stringify({
    seconds,
    statuses,
    p50: at(0.5),
    p99: at(0.99),
    cpu: (userCpu + system) / 1000 / count,
    // Only of orders: the id of each, and when its answer was there, in ms since 1970.
    answers,
  }),
);
