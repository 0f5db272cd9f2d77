// What the gateway's GET /api/users/{id} is compared with: the same handler as one would write it
// with Express and fetch. Fan out, a deadline for each call, a fallback for each part.
import express from "express";

const parts = [
  ["profile", (id) => `${process.env.PROFILES_URL}/profiles/${id}`, null],
  ["orders", (id) => `${process.env.ORDERS_URL}/orders?userId=${id}&limit=10`, []],
  ["recommendations", (id) => `${process.env.RECOMMENDATIONS_URL}/recommendations/${id}`, []],
];

const app = express();
app.get("/api/users/:id", async (request, response) => {
  const id = encodeURIComponent(request.params.id);
  const results = await Promise.allSettled(parts.map(([, url]) => get(url(id))));
  const page = { degraded: [] };
  results.forEach((result, index) => {
    const [name, , fallback] = parts[index];
    if (result.status === "rejected") page.degraded.push(name);
    page[name] = result.status === "fulfilled" ? result.value : fallback;
  });
  response.json(page);
});
app.listen(Number(process.env.PORT), "127.0.0.1");

async function get(url) {
  const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
  if (!response.ok) throw new Error(`answered ${response.status}`);
  return await response.json();
}
