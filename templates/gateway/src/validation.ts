import type { FastifySchemaValidationError } from "fastify";

/**
 * How requests are checked against the schemas of their routes: nothing is converted or left out
 * in silence. A quantity of "2" is an error of the client, and so is a field that a closed schema
 * does not know, which may be a misspelt one.
 */
export const validation = {
  ajv: { customOptions: { coerceTypes: false, removeAdditional: false } },
  schemaErrorFormatter,
} as const;

/** Say where the first thing that is wrong stands, down to the name of an unknown field. */
function schemaErrorFormatter(errors: FastifySchemaValidationError[], part: string): Error {
  const [{ instancePath = "", message = "is wrong", params = {} } = {}] = errors;
  const field = params.additionalProperty;
  return new Error(`${part}${instancePath} ${message}${field === undefined ? "" : `: ${field}`}`);
}
