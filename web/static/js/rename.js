// The automation's name: a click or F2 turns it into a field; Enter keeps it, Esc does not.
const UNNAMED = "Without a name";
const heading = document.getElementById("called");
const canvas = document.getElementById("canvas");
const stored = () => document.getElementById("status-bar").dataset.name;

function edit() {
  if (heading.querySelector("input")) return;
  const before = stored();
  const field = Object.assign(document.createElement("input"), { className: "input", maxLength: 120, value: before });
  field.setAttribute("aria-label", "Name of the automation");
  let done = false;
  const end = (keep) => {
    if (done) return;
    done = true;
    const name = (keep && field.value.trim()) || before;
    show(name);
    if (name === before) return;
    const changes = [{ do: "edit", place: "/name", value: name }];
    document.dispatchEvent(new CustomEvent("flow:send", { detail: { changes } }));
  };
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    end(event.key === "Enter");
    heading.querySelector("button").focus();
  });
  field.addEventListener("blur", () => end(true));
  heading.replaceChildren(field);
  field.select();
}

function show(name) {
  document.title = document.title.replace(/^.* · /, () => `${name || UNNAMED} · `);
  if (!canvas?.hasAttribute("data-editable")) {
    heading.textContent = name || UNNAMED;
    return;
  }
  const button = heading.querySelector("button") ?? document.createElement("button");
  Object.assign(button, { textContent: name || UNNAMED, title: "Rename (F2)", onclick: edit });
  if (!button.isConnected) heading.replaceChildren(button);
}

// Undone, or changed by somebody else: the bar that came with the answer knows.
document.addEventListener("flow:changed", () => {
  if (!heading.querySelector("input")) show(stored());
});

if (canvas?.hasAttribute("data-editable")) {
  show(stored());
  document.addEventListener("keydown", (event) => {
    if (event.key !== "F2" || event.target.closest("input, textarea, select, dialog")) return;
    event.preventDefault();
    edit();
  });
}
