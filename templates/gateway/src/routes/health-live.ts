import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";

/**
 * GET /health/live: the process runs. It asks nothing else: a restart does not repair another
 * process.
 */
export const healthLive: FastifyPluginAsyncTypebox = async (app) => {
  const schema = {
    tags: ["health"],
    summary: "The process runs",
    response: { 200: Type.Object({ status: Type.Literal("ok") }) },
  };

  app.get("/health/live", { schema }, async () => ({ status: "ok" as const }));
};
