// The input of a setting by its JSON pointer: its own, one of its parts, else that of what holds it.
export function focusField(pointer) {
  for (let at = pointer; at; at = at.slice(0, at.lastIndexOf("/"))) {
    const name = CSS.escape(at);
    const named = [`[name="${name}"]`, `[name^="${name}~"]`, `[name^="${name}/"]`].join(", ");
    const input = document.querySelector(`#panel :is(${named}):not([type=hidden], :disabled)`);
    if (!input) continue;
    for (let fold = input.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    input.focus();
    return true;
  }
  return false;
}
