import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import type { Guard } from "../clients/guard.ts";
import { guards } from "../clients/policies.ts";

/** GET /metrics: what the guards of the services have seen, in the text format of Prometheus. */
export const metrics: FastifyPluginAsyncTypebox = async (app) => {
  const schema = {
    tags: ["health"],
    summary: "Numbers for Prometheus",
    response: { 200: { content: { "text/plain": { schema: Type.String() } } } },
  };

  app.get("/metrics", { schema }, async (_request, reply) =>
    reply
      .type("text/plain; version=0.0.4")
      .send(
        [
          metric("upstream_calls_total", "counter", "Calls to a service, by how they ended", calls),
          metric("upstream_retries_total", "counter", "Repeated attempts", ({ retries }) => [
            ["", retries],
          ]),
          metric("upstream_in_flight", "gauge", "Calls that wait for an answer", ({ inFlight }) => [
            ["", inFlight],
          ]),
          metric("upstream_breaker_open", "gauge", "1 while a service is not called", (guard) => [
            ["", guard.breaker === "closed" ? 0 : 1],
          ]),
        ].join(""),
      ),
  );
};

type Sample = [labels: string, value: number];

function calls({ outcomes }: Guard): Sample[] {
  return Object.entries(outcomes).map(([outcome, count]) => [`,outcome="${outcome}"`, count]);
}

function metric(
  name: string,
  type: "counter" | "gauge",
  help: string,
  samples: (guard: Guard) => Sample[],
): string {
  const lines = [...guards].flatMap(([service, guard]) =>
    samples(guard).map(([labels, value]) => `${name}{service="${service}"${labels}} ${value}\n`),
  );
  return [`# HELP ${name} ${help}\n`, `# TYPE ${name} ${type}\n`, ...lines].join("");
}
