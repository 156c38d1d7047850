// Opens a page in headless Chromium and prints its problems, a JSON array of strings:
//
//     node check.mjs PAGE EXPECTATIONS.json
//
// PAGE is a URL or the path of a file. Each key of the expectations turns on a check:
//
//     crashed   true: the crash section begins within the first 900 px
//     tone      the class of the verdict is `tone-TONE`
//     grid      true: every square of the grid links to an attempt with the square's outcome
//     attempts  [{ unit, round, outcome }]: the page has each of these attempts
//     filter    { outcomes: { WORD: COUNT }, chapter }: the pills and the search
//     sites     true: every link to another page of the server leads somewhere
//     live      { next, last, ended }: files to write, so that a live run goes on, and so that it ends; what the
//               report says then
//
// The console, the width and accessibility are always checked. The version of playwright-core in package.json is
// one that still runs on the Node.js of Debian 12.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "./launch.mjs";
import { accessibility, crashes, links, sites, unfold, verdict, width } from "./page.mjs";
import { attempts, clicks, grid, hasOutcome } from "./rounds.mjs";
import { keyboard, pills, search } from "./filter.mjs";
import { live } from "./live.mjs";

const HEIGHT = 900;
const WIDTHS = [1280, 400];
const SCHEMES = ["light", "dark"];
/// Far longer than any step takes, in milliseconds.
const TOO_LONG = 120_000;

/** Collects what the page's console and its requests report. */
function watch(page, report) {
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) report(`console ${message.type()}: ${message.text()}`);
  });
  page.on("pageerror", (error) => report(`script error: ${error.message}`));
  page.on("requestfailed", (request) => {
    const why = request.failure()?.errorText;
    // Leaving a page aborts its open requests.
    if (why !== "net::ERR_ABORTED") report(`${request.url()} failed: ${why}`);
  });
  page.on("response", (response) => {
    if (response.status() >= 400) report(`${response.url()} answered ${response.status()}`);
  });
}

/** Opens the page, passes it to `use`, and collects its problems. */
async function open(browser, url, [wide, colorScheme, options], use) {
  const viewport = { width: wide, height: HEIGHT };
  const context = await browser.newContext({ viewport, colorScheme, ...options });
  context.setDefaultTimeout(TOO_LONG);
  await context.addInitScript(`globalThis.hasOutcome = ${hasOutcome};`);
  const page = await context.newPage();
  // Pages are loaded several times, with the same problems.
  const problems = new Set();
  const report = (problem) => problems.add(`${wide} px, ${colorScheme}: ${problem}`);
  watch(page, report);
  await page.goto(url);
  await use(page, report);
  await context.close();
  return problems;
}

/** Runs every check that applies. Those that change the page load it again first. */
async function check(page, expect, report) {
  const run = async (one, ...args) => {
    for (const problem of await one(page, ...args)) report(problem);
  };
  const reload = () => page.goto(page.url().split("#")[0]);
  await run(width);
  await run(links);
  if (expect.crashed) await run(crashes, HEIGHT);
  if (expect.tone) await run(verdict, expect.tone);
  if (expect.sites) await run(sites);
  if (expect.attempts) await run(attempts, expect.attempts);
  // What is folded is neither measured nor read.
  await unfold(page);
  await run(width);
  await run(accessibility);
  if (expect.grid) {
    await reload();
    await run(grid);
  }
  if (expect.filter) {
    for (const one of [pills, search, keyboard]) {
      await reload();
      await run(one, expect.filter);
    }
  }
}

/** Checks what a page shows where scripts are forbidden. */
async function checkPlain(page, expect, report) {
  const found = [await width(page), expect.crashed ? await crashes(page, HEIGHT) : []];
  if (expect.grid) found.push(await clicks(page));
  for (const problem of found.flat()) report(`without scripts: ${problem}`);
}

async function main([place, expectations]) {
  const url = /^https?:/.test(place) ? place : pathToFileURL(resolve(place)).href;
  const expect = JSON.parse(readFileSync(expectations, "utf8"));
  const browser = await launch();
  const problems = [];
  try {
    for (const wide of WIDTHS) {
      for (const scheme of SCHEMES) {
        const found = await open(browser, url, [wide, scheme], (page, report) => check(page, expect, report));
        problems.push(...found);
      }
    }
    const plain = [WIDTHS[0], SCHEMES[0], { javaScriptEnabled: false }];
    problems.push(...(await open(browser, url, plain, (page, report) => checkPlain(page, expect, report))));
    if (expect.live) {
      const found = await open(browser, url, [WIDTHS[0], SCHEMES[0]], (page, report) => live(page, expect.live, report));
      problems.push(...found);
    }
  } finally {
    await browser.close();
  }
  process.stdout.write(`${JSON.stringify(problems)}\n`);
}

await main(process.argv.slice(2));
