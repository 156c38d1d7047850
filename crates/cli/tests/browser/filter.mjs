// Checks of the search and of the pills that filter by outcome. Each returns problems.

import { unfold } from "./page.mjs";

/// Presses of the Tab key from the top of the page until the filter must have been reached.
const TABS = 80;
const SEARCH = '#filter input[type="search"]';
const ROWS = "#rates tbody tr";
const pill = (outcome) => `#filter button[data-outcome="${outcome}"]`;

/** In the page: how many rows and attempts are shown, and how many of the attempts shown lack the outcome. */
function shown([rows, outcome]) {
  const visible = (selector) => [...document.querySelectorAll(selector)].filter((one) => one.checkVisibility());
  const attempts = visible('[id^="round-"]');
  const others = attempts.filter((one) => !hasOutcome(one, outcome));
  return { count: visible(rows).length + attempts.length, others: others.length };
}

/** Whether a condition on what the page shows becomes true soon. */
async function soon(page, inPage, argument, holds) {
  let last;
  for (let frames = 0; frames < 100; frames += 1) {
    last = await page.evaluate(inPage, argument);
    if (holds(last)) return null;
    await page.waitForTimeout(20);
  }
  return last;
}

/** Each outcome that occurred has a pill with its count. Pressed, it leaves only what has the outcome. */
export async function pills(page, { outcomes }) {
  const problems = [];
  for (const [outcome, count] of Object.entries(outcomes)) {
    const button = page.locator(pill(outcome));
    if ((await button.count()) !== 1 || !(await button.isVisible())) {
      problems.push(`there is no visible pill for ${outcome}`);
      continue;
    }
    const text = (await button.locator(".count").allTextContents()).join("|");
    if (text !== count.toLocaleString("en-US")) problems.push(`the pill for ${outcome} says ${text}, not ${count}`);
    problems.push(...(await press(page, button, outcome)));
  }
  return problems;
}

async function press(page, button, outcome) {
  const argument = [ROWS, outcome];
  // What is folded could hide that nothing is filtered.
  await unfold(page);
  const before = await page.evaluate(shown, argument);
  await button.click();
  const during = await soon(page, shown, argument, (now) => now.others === 0 && (now.count < before.count || before.others === 0));
  await button.click();
  const after = await soon(page, shown, argument, (now) => now.count === before.count);
  const problems = [];
  if (during?.others) problems.push(`the pill for ${outcome} leaves ${during.others} attempts without it`);
  else if (during) problems.push(`the pill for ${outcome} hides nothing of ${before.count} rows and attempts`);
  if (after) problems.push(`pressed again, the pill for ${outcome} shows ${after.count} of ${before.count}`);
  return problems;
}

/** In the page: rows that the search should show but does not, and the reverse. */
function searched([rows, text]) {
  const has = (element) => element.textContent.toLowerCase().includes(text.toLowerCase());
  const all = [...document.querySelectorAll(rows)];
  const named = all.filter((row) => has(row.querySelector("th") ?? row));
  const hidden = named.filter((row) => !row.checkVisibility());
  const shown = all.filter((row) => row.checkVisibility() && !has(row));
  return { named: named.length, hidden: hidden.length, shown: shown.length };
}

/** Typing a chapter's name leaves its rows. Without text, what was shown before is shown, and folds may stay open. */
export async function search(page, { chapter }) {
  const box = page.locator(SEARCH);
  if ((await box.count()) !== 1 || !(await box.isVisible())) return ["there is no visible search"];
  const count = (rows) => [...document.querySelectorAll(rows)].filter((row) => row.checkVisibility()).length;
  const before = await page.evaluate(count, ROWS);
  await box.pressSequentially(chapter);
  const matches = (now) => now.named > 0 && now.hidden === 0 && now.shown === 0;
  const problems = [];
  const wrong = await soon(page, searched, [ROWS, chapter], matches);
  if (wrong) problems.push(`the search for ${chapter} is wrong: ${JSON.stringify(wrong)}`);
  await box.fill("");
  const after = await soon(page, count, ROWS, (now) => now >= before);
  if (after !== null) problems.push(`after the search ${after} of ${before} rows are shown`);
  return problems;
}

/** The Tab key reaches the search and a pill. */
export async function keyboard(page) {
  const reached = new Set();
  for (let tab = 0; tab < TABS && reached.size < 2; tab += 1) {
    await page.keyboard.press("Tab");
    const part = await page.evaluate((search) => {
      const { activeElement } = document;
      if (activeElement?.matches(search)) return "the search";
      return activeElement?.matches("#filter button[data-outcome]") ? "a pill" : null;
    }, SEARCH);
    if (part) reached.add(part);
  }
  const missed = ["the search", "a pill"].filter((part) => !reached.has(part));
  return missed.map((part) => `${TABS} presses of Tab do not reach ${part}`);
}
