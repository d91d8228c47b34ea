// The simulator's panel: the try-out rides in #walk, whatever the panel shows meanwhile. It is played
// again when the draft has changed, and comes back when the simulator does.
const PAUSE_MS = 250; // after a change of the draft: several often come at once
const walk = () => document.getElementById("walk");
const panel = document.getElementById("panel");
const base = document.getElementById("canvas")?.dataset.base;
const session = () => walk()?.querySelector("input")?.value;
const shown = () => panel.querySelector("[data-simulator]");
const isPress = (ctx) => ctx.request.action?.startsWith(`${base}/simulate`);
let timer;
let length = 0;

function again() {
  if (!session()) return;
  const here = Boolean(shown());
  const values = { session: session(), do: "again", ...(here ? {} : { only: "walk" }) };
  const swap = here ? "innerMorph" : "none";
  window.htmx.ajax("POST", `${base}/simulate`, { source: walk(), target: panel, swap, values });
}

document.addEventListener("flow:changed", () => {
  clearTimeout(timer);
  timer = setTimeout(again, PAUSE_MS);
});

// Nobody walks any more once the panel is closed; the try-out itself is kept for its return.
document.addEventListener("flow:closed", () => {
  for (const name of ["current", "passed", "path"]) walk()?.removeAttribute(`data-${name}`);
});

// Opened anew, it goes on where it was.
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  if (request.method !== "GET" || request.action !== `${base}/panel/simulate` || !session()) return;
  event.preventDefault();
  const values = { session: session(), do: "again" };
  window.htmx.ajax("POST", `${base}/simulate`, { source: walk(), target: panel, swap: "innerHTML", values });
});

// One press may wait for another: it goes on from what that one led to.
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (!isPress(ctx) || !session()) return;
  ctx.request.body?.set?.("session", session());
  if (ctx.sourceElement.matches("[data-reply]")) ctx.sourceElement.reset();
});

// What somebody has opened stays open.
document.addEventListener("htmx:before:morph:attr", (event) => {
  const { attrName, newValue } = event.detail;
  if (attrName === "open" && newValue === null && event.target.closest("[data-simulator]")) event.preventDefault();
});

document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  const talk = shown()?.querySelector("[data-talk]");
  if (!talk) return;
  const messages = talk.querySelectorAll("li").length;
  if (messages !== length) talk.scrollTop = talk.scrollHeight;
  length = messages;
  if (!isPress(ctx)) return;
  for (const form of panel.querySelectorAll("[data-fresh]")) form.reset();
  if (document.activeElement === document.body) document.getElementById("sim-text")?.focus({ preventScroll: true });
});
