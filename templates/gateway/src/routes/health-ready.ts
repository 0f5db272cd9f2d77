import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";
import { type Check, runChecks } from "../health.ts";

const Status = Type.Enum(["ok", "unavailable"]);

const Readiness = Type.Object({
  status: Status,
  checks: Type.Record(
    Type.String(),
    Type.Object({ status: Status }, { additionalProperties: Type.Unknown() }),
  ),
});

/** GET /health/ready: the dependencies answer and the background work makes progress. */
export const healthReady: FastifyPluginAsyncTypebox<{ checks: Record<string, Check> }> = async (
  app,
  { checks },
) => {
  const schema = {
    tags: ["health"],
    summary: "The process can do its work",
    response: { 200: Readiness, 503: Readiness },
  };

  app.get("/health/ready", { schema }, async (_request, reply) => {
    const results = await runChecks(checks);
    const ready = Object.values(results).every(({ status }) => status === "ok");
    return reply
      .code(ready ? 200 : 503)
      .send({ status: ready ? "ok" : "unavailable", checks: results });
  });
};
