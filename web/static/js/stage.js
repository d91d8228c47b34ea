// Keeps the name of the canvas true while steps and problems come and go.
const stage = document.getElementById("stage");
const cards = document.getElementById("cards");

const many = (count, word) => `${count} ${word}${count === 1 ? "" : "s"}`;

document.addEventListener("flow:changed", () => {
  if (!stage.querySelector("flow-canvas")) return; // the outline comes with its name
  const { errors, warnings } = document.getElementById("problems-button").dataset;
  const problems = many(Number(errors) + Number(warnings), "problem");
  stage.setAttribute("aria-label", `Automation steps, ${many(cards.children.length - 1, "step")}, ${problems}`);
});
