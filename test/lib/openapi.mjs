// SPDX-License-Identifier: MIT
// openapi.mjs - reads docs/openapi.yaml: its operations, its responses, the fields its schemas know.
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

import { parse } from "yaml";

export const path = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "docs", "openapi.yaml");
export const document = parse(readFileSync(path, "utf8"));

/** A node, with what its $ref names put in its place; what stands beside the $ref is added. */
export function resolve(node) {
  if (node?.$ref === undefined) {
    return node;
  }
  const { $ref, ...own } = node;
  const target = resolve($ref.split("/").slice(1).reduce((at, key) => at[key], document));
  const properties = { ...target.properties, ...own.properties };
  return { ...target, ...own, ...(target.properties && { properties }) };
}

/** Every operation, in the order of the file: the file's own fields, and its method, path and route. */
export const operations = Object.entries(document.paths).flatMap(([path, item]) =>
  ["get", "post", "put", "delete", "patch"]
    .filter((method) => item[method] !== undefined)
    .map((method) => ({
      ...item[method],
      method: method.toUpperCase(),
      path,
      name: `${method.toUpperCase()} ${path}`,
      route: `${method.toUpperCase()} ${item[method]["x-route"] ?? path}`,
      isForOperators: item.servers !== undefined,
    })),
);

/**
 * The fields of a schema, as players[].score, with their schemas; variants are put together.
 * goesInto(schema): may a part be looked into?  Default: all.
 */
export function fieldsOf(schema, goesInto = () => true, prefix = "") {
  const node = resolve(schema);
  const variants = (node.oneOf ?? []).flatMap((variant) => fieldsOf(variant, goesInto, prefix));
  const items = node.items && goesInto(resolve(node.items)) ? fieldsOf(node.items, goesInto, `${prefix}[]`) : [];
  const own = Object.entries(node.properties ?? {}).flatMap(([name, part]) => {
    const path = prefix === "" ? name : `${prefix}.${name}`;
    return [{ path, schema: resolve(part) }, ...fieldsOf(part, goesInto, path)];
  });
  return [...own, ...variants, ...items];
}
