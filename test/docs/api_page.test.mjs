// SPDX-License-Identifier: MIT
// docs/api.md is what docs/openapi.yaml makes of it.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { it } from "node:test";

import { apiPage, page } from "./api_page.mjs";

it("docs/api.md is up to date with docs/openapi.yaml (else: make docs-api)", () => {
  assert.equal(readFileSync(page, "utf8"), apiPage());
});
