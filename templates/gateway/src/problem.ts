import { STATUS_CODES } from "node:http";
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from "fastify";
import { type Static, Type } from "typebox";
import { Unavailable } from "./errors.ts";

/** An error with a status and a detail that the client may see. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;

  constructor(status: number, detail: string, options?: ErrorOptions) {
    super(detail, options);
    this.status = status;
  }
}

/** RFC 9457: the body of every error response. */
const ProblemDetails = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.String(),
  instance: Type.String({ description: "The path that was asked for" }),
});

/** Document an error in the `response` of a route's schema. */
export function problemResponse(description: string) {
  return { description, content: { "application/problem+json": { schema: ProblemDetails } } };
}

/** Answer every error as a problem, including validation errors and unknown routes. */
export function useProblems(app: FastifyInstance): void {
  app.setErrorHandler(sendProblem);
  app.setNotFoundHandler((request, reply) =>
    sendProblem(new Problem(404, `There is no ${request.method} ${request.url}`), request, reply),
  );
}

/** Send `error` as a problem; the details of a server error only go to the log. */
export function sendProblem(
  error: FastifyError | Problem,
  request: FastifyRequest,
  reply: FastifyReply,
): FastifyReply {
  const { status, message } = asProblem(error);
  if (status >= 500) request.log.error({ err: error }, "request failed");
  if (status === 503) reply.header("retry-after", "1");
  const body: Static<typeof ProblemDetails> = {
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail: message,
    instance: request.url,
  };
  return reply.code(status).type("application/problem+json").send(body);
}

function asProblem(error: FastifyError | Problem): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof Unavailable) return new Problem(error.status, error.message);
  const status = error.statusCode ?? 500;
  if (status < 500) return new Problem(status, error.message);
  // The message of an unexpected error may reveal internals.
  return new Problem(status, "Unexpected error; the log has it under the id of this request");
}
