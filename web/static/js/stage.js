// Keeps the name of the canvas true while steps and problems come and go.
const stage = document.getElementById("stage");
const cards = document.getElementById("cards");

const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

function problems() {
  const { errors, warnings } = document.getElementById("problems-button").dataset;
  return Number(errors) + Number(warnings);
}

document.addEventListener("flow:changed", () => {
  const steps = cards.querySelectorAll("[data-step]:not(#start-card, button)").length;
  stage.setAttribute("aria-label", `Automation steps, ${many(steps, "step")}, ${many(problems(), "problem")}`);
});
