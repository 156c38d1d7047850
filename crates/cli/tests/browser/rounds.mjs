// Checks of the rounds: the squares of the grid, and the attempts they link to. Each returns problems.

/// Links that are followed; of the others only the targets are checked.
const FOLLOWED = 60;
/// Links that are clicked with the mouse, which takes longer.
const CLICKED = 3;
/// Far longer than it takes to show an attempt, in milliseconds.
const SOON = 10_000;
const LINKS = 'table.grid td a[href^="#"]';

/** The part of an attempt's id that names its unit. */
function slug(unit) {
  const plain = unit.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
  return plain.slice(0, 40).replace(/-$/, "");
}

/**
 * Defined in each page: whether an attempt is said to have an outcome, by its text or, in a list of rounds of one
 * outcome, by the class of the list.
 */
export function hasOutcome(element, outcome) {
  const words = (text) => text.toLowerCase().replaceAll("-", " ");
  return words(element.textContent).includes(words(outcome)) || element.parentElement.classList.contains(outcome);
}

/** The page has each of these attempts, with its outcome. Units of one name differ by a number after the id. */
export function attempts(page, expected) {
  const named = expected.map((one) => ({ ...one, id: `round-${one.round}-${slug(one.unit)}` }));
  return page.evaluate((named) => {
    const problems = [];
    for (const { id, outcome } of named) {
      const found = [];
      for (let number = 1; ; number += 1) {
        const element = document.getElementById(number === 1 ? id : `${id}-${number}`);
        if (!element) break;
        found.push(element);
      }
      if (!found.length) problems.push(`the page has no attempt ${id}`);
      else if (!found.some((element) => hasOutcome(element, outcome))) {
        problems.push(`the attempt ${id} is not said to be ${outcome}: ${found[0].textContent.slice(0, 60)}`);
      }
    }
    return problems.length > 3 ? [...problems.slice(0, 3), `${problems.length} attempts are wrong`] : problems;
  }, named);
}

/** Every square with an outcome links to an attempt with that outcome, which is shown after a click. */
export async function grid(page) {
  const { count, problems } = await page.evaluate(targets, LINKS);
  if (!count) return [...problems, "no square of the grid is a link"];
  const step = Math.ceil(count / FOLLOWED);
  problems.push(...(await page.evaluate(follow, [LINKS, step])));
  return [...problems, ...(await clicks(page))];
}

/** A click with the mouse on a square shows its attempt. */
export async function clicks(page) {
  const problems = [];
  const shown = page.locator(`${LINKS} >> visible=true`);
  for (let place = 0; place < Math.min(CLICKED, await shown.count()); place += 1) {
    const link = shown.nth(place);
    const href = await link.getAttribute("href");
    await link.click();
    const shows = page.locator(`[id="${href.slice(1)}"]`).waitFor({ timeout: SOON });
    await shows.catch(() => problems.push(`a click on ${href} shows nothing`));
  }
  return problems;
}

/** In the page: whether each square's target has its outcome. The class of a square names it. */
function targets(selector) {
  const links = [...document.querySelectorAll(selector)];
  const problems = [];
  for (const link of links) {
    const square = link.closest("td");
    const id = link.getAttribute("href").slice(1);
    const target = document.getElementById(id);
    if (!target) {
      problems.push(`nothing has the id of the square's link #${id}`);
      continue;
    }
    const [, outcome] = square.className.match(/^o ([a-z-]+)/) ?? [];
    if (outcome && outcome !== "open" && !hasOutcome(target, outcome)) {
      problems.push(`a square is ${outcome}, but its attempt #${id} is not: ${target.textContent.slice(0, 60)}`);
    }
  }
  const bare = document.querySelectorAll("table.grid td.o:not(.open):not(:has(a))").length;
  if (bare) problems.push(`${bare} squares with an outcome are no links`);
  return { count: links.length, problems: problems.slice(0, 4) };
}

/** In the page: follows every `step`th link. Its target must be in the window soon. */
async function follow([selector, step]) {
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));
  const isShown = (target) => {
    const { top, bottom, height } = target.getBoundingClientRect();
    return target.checkVisibility({ visibilityProperty: true }) && height > 0 && bottom > 0 && top < innerHeight;
  };
  const links = [...document.querySelectorAll(selector)].filter((_, place) => place % step === 0);
  const problems = [];
  for (const link of links) {
    const id = link.getAttribute("href").slice(1);
    const target = document.getElementById(id);
    if (!target) continue;
    link.click();
    for (let frames = 0; frames < 120 && !isShown(target); frames += 1) await frame();
    if (!isShown(target)) problems.push(`the link #${id} does not lead to a visible attempt`);
  }
  return problems.slice(0, 3);
}
