// Adds to pages that work without it: a crosshair, a keyboard walk along charts, and the live tail.
"use strict";
for (const box of document.querySelectorAll("[data-picture]")) walk(box);
for (const table of document.querySelectorAll("[data-live]")) follow(table);
for (const each of document.querySelectorAll("[data-reload]")) setTimeout(() => location.reload(), each.dataset.reload * 1000);
// On a phone the menu is wider than the screen: begin where the page is.
const here = document.querySelector(".menu [aria-current]");
if (here) here.closest(".menu").scrollLeft = here.offsetLeft - 40;

function walk(box) {
  const columns = [...box.querySelectorAll(".pk-hover > *")];
  if (!columns.length) return;
  const texts = columns.map((each) => {
    const title = each.querySelector("title");
    const text = title ? title.textContent : "";
    if (title) title.remove(); // the browser's own hint would cover ours
    return text;
  });
  const tip = document.createElement("div");
  tip.className = "tip";
  tip.hidden = true;
  const said = document.createElement("div");
  said.className = "hidden";
  said.setAttribute("aria-live", "polite");
  box.append(tip, said);
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", "Chart: walk along it with the arrow keys");
  let at = -1;
  const show = (index, speaks) => {
    if (columns[at]) columns[at].classList.remove("at");
    at = index;
    tip.hidden = at < 0;
    if (at < 0) return;
    columns[at].classList.add("at");
    tip.textContent = texts[at];
    if (speaks) said.textContent = texts[at].replace(/\n/g, ", ");
    const outer = box.getBoundingClientRect();
    const inner = columns[at].getBoundingClientRect();
    const left = inner.left - outer.left + inner.width / 2;
    const flips = left > outer.width / 2;
    tip.style.left = flips ? "auto" : `${left + 10}px`;
    tip.style.right = flips ? `${outer.width - left + 10}px` : "auto";
    tip.style.top = `${Math.max(0, inner.top - outer.top)}px`;
  };
  columns.forEach((each, index) => each.addEventListener("pointerenter", () => show(index, false)));
  box.addEventListener("pointerleave", () => show(-1, false));
  box.addEventListener("blur", () => show(-1, false));
  box.addEventListener("keydown", (event) => {
    const last = columns.length - 1;
    const to = { ArrowLeft: at < 0 ? last : at - 1, ArrowRight: at + 1, Home: 0, End: last, Escape: -1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    show(event.key === "Escape" ? -1 : Math.min(last, Math.max(0, to)), true);
  });
}

function follow(table) {
  const most = 500;
  const body = table.tBodies[0];
  const pause = document.querySelector("[data-pause]");
  const state = document.querySelector("[data-state]");
  let paused = false;
  let count = 0;
  let least = "";
  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? "Go on" : "Pause";
    state.textContent = paused ? "Paused" : "Watching";
  });
  state.textContent = "Watching";
  const look = async () => {
    if (!paused && !document.hidden) {
      try {
        const answer = await fetch(`${table.dataset.live}?after=${encodeURIComponent(table.dataset.mark)}`, { credentials: "same-origin" });
        if (answer.status === 503) {
          state.textContent = "The server is busy; trying again";
          setTimeout(look, 5000);
          return;
        }
        if (!answer.ok) {
          state.textContent = "The session is over, or the server refuses: load the page again";
          return;
        }
        const holder = document.createElement("tbody");
        holder.innerHTML = await answer.text(); // escaped by the server, and no script may run here
        table.dataset.mark = answer.headers.get("X-Mark") || table.dataset.mark;
        const rows = [...holder.rows];
        for (const row of rows) row.className = "fresh";
        body.prepend(...rows);
        const arrived = Number(answer.headers.get("X-Arrived"));
        count += arrived;
        while (body.rows.length > most) body.lastElementChild.remove();
        setTimeout(() => rows.forEach((row) => row.classList.remove("fresh")), 1500);
        if (arrived >= 1000) least = "at least "; // it reads no more at once, and goes on from now
        const left = arrived > rows.length ? `; of ${least ? "these" : `the last ${arrived}`}, the newest ${rows.length} are shown` : "";
        state.textContent = `Watching · ${least}${count} arrived${left}`;
      } catch {
        state.textContent = "No answer; trying again";
      }
    }
    setTimeout(look, 2000);
  };
  setTimeout(look, 1000);
}
