// Redraws the parts of a live page that changed, as the server sends them. Without it the page stays
// as it was loaded.
"use strict";
(() => {
  if (!("live" in document.body.dataset)) return;
  const state = document.getElementById("state");
  const say = (text) => { if (state && state.textContent !== text) state.textContent = text; };

  // What a fold is known by when its part is drawn again.
  const nameOf = (fold, within) => {
    const owner = fold.closest("[data-name]");
    const strong = fold.querySelector(":scope > summary strong");
    const place = [...within.querySelectorAll("details")].indexOf(fold);
    return owner?.dataset.name ?? strong?.textContent ?? `${within.id} ${place}`;
  };

  // Open folds, scrolled boxes and the focus stay as they are.
  const replace = (old, now) => {
    const open = new Map([...old.querySelectorAll("details")].map((fold) => [nameOf(fold, old), fold.open]));
    const places = [...old.querySelectorAll(".scroll, pre")].map((box) => [box.scrollLeft, box.scrollTop]);
    const focus = old.contains(document.activeElement) ? document.activeElement : null;
    const href = focus?.getAttribute("href");
    const place = focus ? [...old.querySelectorAll(focus.localName)].indexOf(focus) : -1;
    for (const fold of now.querySelectorAll("details")) {
      const was = open.get(nameOf(fold, now));
      if (was !== undefined) fold.open = was;
    }
    old.replaceWith(now);
    now.querySelectorAll(".scroll, pre").forEach((box, at) => {
      if (places[at]) [box.scrollLeft, box.scrollTop] = places[at];
    });
    if (focus) {
      const same = href ? now.querySelector(`a[href="${CSS.escape(href)}"]`) : null;
      (same || now.querySelectorAll(focus.localName)[place])?.focus({ preventScroll: true });
    }
  };

  // The search field keeps its text and the focus: only its counts are new.
  const replaceFilter = (old, now) => {
    const names = (part) => [...part.querySelectorAll("[data-outcome]")].map((one) => one.dataset.outcome).join();
    if (names(old) !== names(now)) {
      const field = old.querySelector("input");
      const [text, focused] = [field.value, field === document.activeElement];
      old.replaceWith(now);
      const fresh = now.querySelector("input");
      fresh.value = text;
      if (focused) fresh.focus({ preventScroll: true });
      return;
    }
    const counts = now.querySelectorAll(".count");
    old.querySelectorAll(".count").forEach((count, at) => { count.textContent = counts[at].textContent; });
  };

  const parse = (text) => {
    const box = document.createElement("template");
    box.innerHTML = text;
    return box.content.firstElementChild;
  };

  const draw = (update) => {
    const main = document.querySelector("main");
    // What is at the top of the window stays there.
    const fixed = [...main.children].find((part) => part.getBoundingClientRect().bottom > 0);
    const before = fixed?.getBoundingClientRect().top;
    for (const old of [...main.children]) if (!update.order.includes(old.id)) old.remove();
    for (const [id, text] of update.parts) {
      const old = document.getElementById(id);
      const now = parse(text);
      if (old?.outerHTML === now.outerHTML) continue;
      if (!old) {
        const later = update.order.slice(update.order.indexOf(id) + 1).map((other) => document.getElementById(other));
        main.insertBefore(now, later.find((other) => other?.parentNode === main) ?? null);
      } else if (id === "filter") {
        replaceFilter(old, now);
      } else {
        replace(old, now);
      }
    }
    const after = fixed && document.getElementById(fixed.id)?.getBoundingClientRect().top;
    if (scrollY > 0 && after !== undefined && after !== before) scrollBy({ top: after - before, behavior: "instant" });
    document.title = update.title;
    document.dispatchEvent(new Event("redrawn"));
  };

  const source = new EventSource(`${location.pathname.replace(/\/$/, "")}/events${location.search}`);
  source.onmessage = (event) => {
    const update = JSON.parse(event.data);
    draw(update);
    if (update.live) {
      say("Live: what is new appears by itself.");
    } else {
      source.close();
      delete document.body.dataset.live;
      say("The run has ended.");
    }
  };
  source.addEventListener("gone", () => {
    source.close();
    say("It is no longer in the runs folder.");
  });
  source.addEventListener("trouble", () => say("It cannot be read at the moment; trying again."));
  source.onerror = () => say("crashrate serve does not answer; trying again.");
})();
