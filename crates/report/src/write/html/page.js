// Search, filters, links to folded parts, and copy buttons. Without it the page shows everything.
"use strict";
(() => {
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const filter = { text: "", outcomes: new Set() };

  // Whether something with this name and these outcomes is shown.
  const fits = (name, outcomes) =>
    name.toLowerCase().includes(filter.text) &&
    (filter.outcomes.size === 0 || outcomes.some((one) => filter.outcomes.has(one)));

  const nameOf = (part) => part.dataset.name || part.querySelector("th, summary").textContent;

  const apply = () => {
    const outcomes = filter.outcomes;
    for (const part of all("[data-o]")) part.hidden = !fits(nameOf(part), part.dataset.o.split(" "));
    for (const one of all(".attempt")) {
      one.hidden = outcomes.size > 0 && ![...outcomes].some((o) => one.classList.contains(o));
    }
    for (const square of all(".grid .o")) {
      square.classList.toggle("dim", outcomes.size > 0 && ![...outcomes].some((o) => square.classList.contains(o)));
    }
    if (filter.text || outcomes.size) {
      for (const fold of all("details.fold")) if (fold.querySelector("[data-o]:not([hidden])")) fold.open = true;
    }
    for (const pill of all("#filter button[data-outcome]")) {
      pill.setAttribute("aria-pressed", outcomes.has(pill.dataset.outcome));
    }
    const said = document.getElementById("found");
    if (said) {
      const rows = all("#rates [data-o]");
      const shown = rows.filter((row) => !row.hidden).length;
      const text = filter.text || outcomes.size ? `${shown} of ${rows.length} chapters` : "";
      if (said.textContent !== text) said.textContent = text;
    }
  };

  // A link to a folded part opens it.
  const open = () => {
    const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let part = target; part; part = part.parentElement) {
      part.hidden = false;
      if (part.localName === "details") part.open = true;
    }
    target.scrollIntoView({ block: "center" });
  };

  const copy = async (button, text) => {
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = "copied";
    } catch {
      button.textContent = "press Ctrl+C";
      getSelection().selectAllChildren(button.parentElement.querySelector("pre"));
    }
    setTimeout(() => { button.textContent = "copy"; }, 2000);
  };

  const addButtons = () => {
    for (const block of all(".block")) {
      if (block.querySelector("button")) continue;
      const button = document.createElement("button");
      button.type = "button";
      button.className = "copy";
      button.textContent = "copy";
      button.setAttribute("aria-label", `copy ${block.querySelector("pre").getAttribute("aria-label")}`);
      block.append(button);
    }
  };

  // Called at first, and by the script of live pages after each change.
  const enhance = () => {
    const bar = document.querySelector("#filter .bar");
    if (bar) bar.hidden = false;
    addButtons();
    apply();
  };

  document.addEventListener("input", (event) => {
    if (event.target.matches("#filter input")) {
      filter.text = event.target.value.trim().toLowerCase();
      apply();
    }
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (button?.matches("#filter button[data-outcome]")) {
      const outcome = button.dataset.outcome;
      if (!filter.outcomes.delete(outcome)) filter.outcomes.add(outcome);
      apply();
    } else if (button?.matches(".copy")) {
      copy(button, button.parentElement.querySelector("pre").textContent);
    }
  });
  document.addEventListener("keydown", (event) => {
    const search = document.querySelector("#filter input");
    if (event.key === "/" && search && !event.target.matches("input, textarea")) {
      event.preventDefault();
      search.focus();
    }
  });
  addEventListener("hashchange", open);
  document.addEventListener("redrawn", enhance);
  // A browser keeps what was typed when a page is loaded again.
  const search = document.querySelector("#filter input");
  if (search) filter.text = search.value.trim().toLowerCase();
  enhance();
  open();
})();
