// Results and versions in the panel: forms that send themselves, numbers that stay current, cards
// whose numbers open the contacts behind them, sentences that show their card.
const panel = document.getElementById("panel");
const numbers = new Intl.NumberFormat("en");
const compact = (n) => (n >= 100_000 ? `${numbers.format(Math.floor(n / 1000))}k` : numbers.format(n));

panel?.addEventListener("change", ({ target }) => {
  const form = target.closest("form[data-submits]");
  if (!form) return;
  const days = form.querySelector(".days");
  if (days && target.name === "period") {
    const own = target.value === "custom";
    days.hidden = !own;
    for (const day of days.querySelectorAll("input")) day.disabled = !own;
    if (own) return void days.querySelector("input").focus();
  }
  if (target.type !== "date") form.requestSubmit();
});

// Empty fields make long addresses.
panel?.addEventListener("submit", ({ target }) => {
  if (!target.matches("form[data-submits]")) return;
  for (const field of target.elements) if (field.name && !field.value) field.disabled = true;
});

// What the panel puts in its own place leads on from there.
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target === panel && ctx.sourceElement?.matches("[data-into], #panel dialog *, #panel form, .exit, [data-count]")) {
    document.getElementById("panel-heading")?.focus();
  }
});

const show = (step) => document.dispatchEvent(new CustomEvent("flow:show", { detail: { step, focus: false } }));

document.addEventListener("click", ({ target }) => {
  const shows = target.closest?.("[data-shows]");
  if (shows) show(shows.dataset.shows);
});

// Before the canvas hears of it: there the click would open the step.
document.addEventListener("click", (event) => {
  const slot = event.target.closest?.("[data-mode=results] .card-step :is([data-count], .exit)");
  const { live, people } = document.getElementById("counts")?.dataset ?? {};
  if (!slot || people === undefined) return;
  event.stopPropagation();
  const { step } = slot.closest("[data-step]").dataset;
  const { count: what = "passed", exit = "" } = slot.dataset;
  const [base, view] = live.split("/live?");
  show(step);
  const address = `${base}/panel/results/contacts?${new URLSearchParams({ step, what, exit })}&${view}`;
  htmx.ajax("GET", address, { source: slot, target: "#panel", swap: "innerHTML" });
}, true);

document.addEventListener("flow-counts", ({ detail }) => {
  for (const slot of panel?.querySelectorAll("[data-number]") ?? []) {
    const [step, what, name] = slot.dataset.number.split(" ");
    const one = detail[step];
    if (!one) continue;
    const n = name ? one.exits[name] : one[what] ?? one.messages[what] ?? 0;
    if (n !== undefined && slot.textContent !== compact(n)) slot.textContent = compact(n);
  }
});

// What changed may be anywhere: all of it is seen first.
document.addEventListener("htmx:after:swap", () => {
  if (document.querySelector("[data-mark]")) document.querySelector("[data-zoom=fit]")?.click();
}, { once: true });
