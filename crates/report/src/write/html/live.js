// Redraws the parts of the page while the run is live. Without it the page stays as it was loaded.
"use strict";
(() => {
  let mark = null;
  const state = document.getElementById("state");
  const say = (text) => { if (state && state.textContent !== text) state.textContent = text; };
  const parts = (page) => [...page.querySelectorAll("header[id], section[id]")];

  // Boxes that were scrolled sideways stay so.
  const replace = (old, now) => {
    const places = [...old.querySelectorAll(".scroll")].map((box) => box.scrollLeft);
    const node = document.importNode(now, true);
    old.replaceWith(node);
    node.querySelectorAll(".scroll").forEach((box, at) => { box.scrollLeft = places[at] || 0; });
  };

  const draw = (page) => {
    const main = document.querySelector("main");
    const wanted = parts(page);
    const ids = new Set(wanted.map((part) => part.id));
    for (const old of parts(document)) if (!ids.has(old.id)) old.remove();
    let last = null;
    for (const now of wanted) {
      const old = document.getElementById(now.id);
      if (!old) {
        const node = document.importNode(now, true);
        if (last && last.parentNode === main) last.after(node); else main.prepend(node);
      } else if (old.outerHTML !== now.outerHTML) {
        replace(old, now);
      }
      last = document.getElementById(now.id);
    }
    document.title = page.title;
  };

  const look = async () => {
    const begin = performance.now();
    let wait = Number(document.body.dataset.refresh) * 1000;
    try {
      const headers = mark ? { "If-None-Match": mark } : {};
      const answer = await fetch(location.href, { cache: "no-store", headers });
      if (answer.ok) {
        mark = answer.headers.get("ETag");
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        draw(page);
        if (!page.body.dataset.refresh) { say("The run has ended."); return; }
        document.body.dataset.refresh = page.body.dataset.refresh;
      } else if (answer.status !== 304) {
        say("It cannot be read at the moment; trying again.");
        setTimeout(look, wait);
        return;
      }
      say("Live: what is new appears by itself.");
    } catch {
      say("crashrate serve does not answer; trying again.");
    }
    // What takes long is not asked for all the time.
    wait = Math.max(wait, 10 * (performance.now() - begin));
    setTimeout(look, wait);
  };

  if (document.body.dataset.refresh) look();
})();
