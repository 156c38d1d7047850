// Watches a live page until its run has ended, and prints what the browser used:
//
//     node soak.mjs URL
//
// A JSON object: `heap_mib`, the size of the page's heap after a collection, about every 10 seconds; `nodes`, the
// number of its elements at the same times; `equal`, whether the page's text is that of the report in the end.

import { launch } from "./launch.mjs";

const EVERY = 10_000;

async function watch(page) {
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  const [heap, nodes] = [[], []];
  const isLive = () => page.evaluate(() => "live" in document.body.dataset);
  for (let live = true; live; live = await isLive()) {
    await session.send("HeapProfiler.collectGarbage");
    const { usedSize } = await session.send("Runtime.getHeapUsage");
    heap.push(Number((usedSize / 2 ** 20).toFixed(2)));
    nodes.push(await page.evaluate(() => document.getElementsByTagName("*").length));
    await page.waitForTimeout(EVERY);
  }
  const text = (one) => one.evaluate(() => document.querySelector("main").innerText);
  const fresh = await page.context().newPage();
  await fresh.goto(page.url());
  return { heap_mib: heap, nodes, equal: (await text(page)) === (await text(fresh)) };
}

const browser = await launch();
try {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
  const page = await context.newPage();
  await page.goto(process.argv[2]);
  process.stdout.write(`${JSON.stringify(await watch(page))}\n`);
} finally {
  await browser.close();
}
