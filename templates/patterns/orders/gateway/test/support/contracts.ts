import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";

const folder = join(import.meta.dirname, "../../../contracts/events");

/** The types of event that the contracts know. */
export const contractTypes = readdirSync(join(folder, "examples")).map((name) =>
  name.replace(/\.json$/, ""),
);

/** The example of an event's data. */
export function example(type: string): unknown {
  return readJson(join(folder, "examples", `${type}.json`));
}

/** What the schema of `type` has against `data`; nothing, if all is well. */
export function violations(type: string, data: unknown): string[] {
  const validate = new Ajv2020().compile(readJson(join(folder, `${type}.schema.json`)));
  validate(data);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}

function readJson(path: string) {
  return JSON.parse(readFileSync(path, "utf8"));
}
