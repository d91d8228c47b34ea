// Keeps the name of the canvas true while cards come and go, and says when problems do.
const stage = document.getElementById("stage");
const cards = document.getElementById("cards");

const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function problems() {
  const { errors, warnings } = document.getElementById("problems-button").dataset;
  return Number(errors) + Number(warnings);
}

let known = problems();
function renew() {
  const count = problems();
  const steps = cards.querySelectorAll("[data-step]").length - 1;
  stage.setAttribute("aria-label", `Automation steps, ${many(steps, "step")}, ${many(count, "problem")}`);
  if (count === known) return;
  known = count;
  const text = count ? many(count, "problem") : "No problems";
  document.dispatchEvent(new CustomEvent("flow:say", { detail: { text } }));
}

document.addEventListener("flow:changed", renew);
