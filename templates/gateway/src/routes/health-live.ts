import type { FastifyPluginAsyncTypebox } from "@fastify/type-provider-typebox";
import { Type } from "typebox";

/** GET /health/live: checks no dependency, because restarting this process would not repair one. */
export const healthLive: FastifyPluginAsyncTypebox = async (app) => {
  const schema = {
    tags: ["health"],
    summary: "The process runs",
    response: { 200: Type.Object({ status: Type.Literal("ok") }) },
  };

  app.get("/health/live", { schema }, async () => ({ status: "ok" as const }));
};
