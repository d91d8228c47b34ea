// The automation's name: a click or F2 turns it into a field; Enter keeps it, Esc does not.
const heading = document.getElementById("called");
const canvas = document.getElementById("canvas");

function edit() {
  if (heading.querySelector("input")) return;
  const before = heading.textContent.trim();
  const field = Object.assign(document.createElement("input"), {
    className: "input", maxLength: 120, value: before, required: true,
  });
  field.setAttribute("aria-label", "Name of the automation");
  let done = false;
  const end = (keep) => {
    if (done) return;
    done = true;
    const name = field.value.trim();
    show(keep && name ? name : before);
    if (keep && name && name !== before) {
      const changes = [{ do: "edit", place: "/name", value: name }];
      document.dispatchEvent(new CustomEvent("flow:send", { detail: { changes } }));
      document.title = document.title.replace(before, name);
    }
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
  const button = Object.assign(document.createElement("button"), { textContent: name, title: "Rename (F2)" });
  button.addEventListener("click", edit);
  heading.replaceChildren(button);
}

if (canvas?.hasAttribute("data-editable")) {
  show(heading.textContent.trim());
  document.addEventListener("keydown", (event) => {
    if (event.key === "F2" && !event.target.closest("input, textarea, select, dialog")) {
      event.preventDefault();
      edit();
    }
  });
}
