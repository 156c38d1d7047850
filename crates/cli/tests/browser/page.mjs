// Checks of any page: its width, its links, its first screen, and accessibility. Each returns problems.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/// WCAG 2.1, levels A and AA.
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"];

/** The page is not wider than its window. Names the elements that are, unless a box scrolls them. */
export function width(page) {
  return page.evaluate(() => {
    const { scrollWidth } = document.documentElement;
    if (scrollWidth <= innerWidth) return [];
    const scrolls = (element) => element && (getComputedStyle(element).overflowX !== "visible" || scrolls(element.parentElement));
    const wide = [...document.body.querySelectorAll("*")].filter(
      (element) => element.getBoundingClientRect().right > innerWidth && !scrolls(element.parentElement),
    );
    const name = (element) => `${element.localName}${element.id && `#${element.id}`}.${element.className}`;
    return [`the page is ${scrollWidth} px wide: ${wide.slice(0, 3).map(name).join(", ")}`];
  });
}

/** Opens all that is folded. */
export function unfold(page) {
  return page.evaluate(() => {
    for (const fold of document.querySelectorAll("details")) fold.open = true;
  });
}

/** Links within the page have targets, and ids are unique. */
export function links(page) {
  return page.evaluate(() => {
    const ids = [...document.querySelectorAll("[id]")].map((element) => element.id);
    const known = new Set(ids);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const hrefs = [...document.querySelectorAll('a[href^="#"]')].map((link) => link.getAttribute("href"));
    const dead = hrefs.filter((href) => !known.has(decodeURIComponent(href.slice(1))));
    return [
      ...twice.slice(0, 3).map((id) => `two elements have the id ${id}`),
      ...dead.slice(0, 3).map((href) => `nothing has the id of the link ${href}; ${dead.length} such links`),
    ];
  });
}

/** The crash section begins within the first screen. */
export function crashes(page, height) {
  return page.evaluate((height) => {
    const section = document.getElementById("crashes");
    if (!section?.checkVisibility()) return ["there is no visible crash section"];
    const top = section.getBoundingClientRect().top + scrollY;
    return top < height ? [] : [`the crash section begins at ${top} px`];
  }, height);
}

/** The verdict has the class of its tone. */
export function verdict(page, tone) {
  return page.evaluate((tone) => {
    const found = document.getElementById("verdict");
    if (!found) return ["there is no verdict"];
    return found.classList.contains(`tone-${tone}`) ? [] : [`the verdict has the class ${found.className}, not tone-${tone}`];
  }, tone);
}

/** The server answers every link to another of its pages. */
export async function sites(page) {
  const here = new URL(page.url());
  const hrefs = await page.evaluate(() => [...document.querySelectorAll("a[href]")].map((link) => link.href));
  const others = new Set(hrefs.map((href) => href.split("#")[0]).filter((href) => new URL(href).host === here.host));
  const problems = [];
  for (const href of others) {
    const answer = await page.request.get(href);
    if (!answer.ok()) problems.push(`the link ${href} is answered with ${answer.status()}`);
  }
  return problems;
}

/** axe-core finds no violation. It is not loaded by the page, so the page's content policy does not block it. */
export async function accessibility(page) {
  await page.evaluate(AXE);
  const violations = await page.evaluate(async (values) => {
    const options = { runOnly: { type: "tag", values }, resultTypes: ["violations"], preload: false };
    const { violations } = await globalThis.axe.run(document, options);
    return violations.map(({ id, nodes }) => ({
      id,
      count: nodes.length,
      target: nodes[0].target.join(" "),
      why: [...nodes[0].any, ...nodes[0].all, ...nodes[0].none][0]?.message,
    }));
  }, RULES);
  return violations.map(({ id, count, target, why }) => `axe ${id}: ${target} (${why}); ${count} elements`);
}
