// Starts headless Chromium.

import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";
import { chromium } from "playwright-core";

/** The path of a program on the PATH. */
function which(name) {
  const paths = (process.env.PATH ?? "").split(delimiter).map((folder) => join(folder, name));
  const found = paths.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
  if (!found) throw new Error(`${name} is not on the PATH`);
  return found;
}

export function launch() {
  return chromium.launch({ executablePath: which("chromium"), args: ["--no-sandbox"] });
}
