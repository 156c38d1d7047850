// The check of a live page: it follows its run without being loaded again, and ends as the report.

import { writeFileSync } from "node:fs";

/// Steps of a second within which the page must have followed. Far more than it takes.
const STEPS = 60;

/** The text that a reader sees, one line per element. */
function text(page) {
  return page.evaluate(() => document.querySelector("main").innerText.replace(/[ \t]+/g, " ").trim());
}

/** The first line in which two texts differ. */
function difference(one, other) {
  const [lines, others] = [one.split("\n"), other.split("\n")];
  const place = lines.findIndex((line, at) => line !== others[at]);
  const at = place < 0 ? lines.length : place;
  return `${JSON.stringify(lines[at] ?? "")} v ${JSON.stringify(others[at] ?? "")}`;
}

/** Lets the run go on by writing files. `next` ends a round, `last` the run, whose report then says `ended`. */
export async function live(page, { next, last, ended }, report) {
  let loads = 0;
  page.on("load", () => { loads += 1; });
  const before = await text(page);
  for (const file of next) writeFileSync(file, "");
  let step = 0;
  for (; step < STEPS && (await text(page)) === before; step += 1) await page.waitForTimeout(1000);
  if (step === STEPS) report("the page does not show that a round has ended");

  for (const file of last) writeFileSync(file, "");
  const fresh = await page.context().newPage();
  let [followed, loaded] = ["", ""];
  for (step = 0; step < STEPS; step += 1) {
    await page.waitForTimeout(1000);
    await fresh.goto(page.url());
    loaded = await text(fresh);
    followed = await text(page);
    if (followed === loaded && loaded.includes(ended)) break;
  }
  if (step === STEPS) report(`the live page does not become the report's: ${difference(followed, loaded)}`);
  if (loads) report(`the page was loaded ${loads} more times`);
}
