import {
  type FastifyBaseLogger,
  type FastifyReply,
  type FastifyRequest,
  LogController,
} from "fastify";
import { pino, stdTimeFunctions } from "pino";

export type Logger = FastifyBaseLogger;

/** Log one JSON object a line to stdout. */
export function createLogger(): Logger {
  return pino({
    base: { service: "gateway" },
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  });
}

/** Logs one line a request, where Fastify's default is two, and nothing for health probes. */
export class RequestLog extends LogController {
  constructor() {
    super({
      disableRequestLogging: (request: FastifyRequest) => request.url.startsWith("/health/"),
      requestIdLogLabel: "requestId",
    });
  }

  override incomingRequest(): void {}

  override requestCompleted(
    error: Error | null,
    request: FastifyRequest,
    reply: FastifyReply,
  ): void {
    if (this.isLogDisabled(request)) return;
    request.log.info(
      {
        method: request.method,
        url: request.url,
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        ...(error && { err: error }),
      },
      "request completed",
    );
  }
}
