// Keys: `/` searches, `g` and a letter go to a section, `?` lists them. Off in fields, with other keys held, or by choice.
const NAME = "stronghouse.shortcuts";
const PATIENCE_MS = 1200;
const list = document.getElementById("shortcuts");
const choice = list?.querySelector("input[name=shortcuts]");
let waiting = 0;

const areOn = () => localStorage.getItem(NAME) !== "off";

if (choice) {
  choice.checked = areOn();
  choice.addEventListener("change", () => localStorage.setItem(NAME, choice.checked ? "on" : "off"));
}

function ignores(event) {
  const typing = event.target.closest?.("input, select, textarea, [contenteditable]");
  return typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !areOn();
}

document.addEventListener("keydown", (event) => {
  if (ignores(event) || document.querySelector("dialog[open]")) return;
  if (waiting > Date.now()) {
    waiting = 0;
    const link = document.querySelector(`.menu a[data-key="${CSS.escape(event.key)}"]`);
    if (link) {
      event.preventDefault();
      location.assign(link.href);
    }
  } else if (event.key === "g") {
    waiting = Date.now() + PATIENCE_MS;
  } else if (event.key === "/") {
    const field = document.querySelector("[data-search]");
    if (field) {
      event.preventDefault();
      field.focus();
    }
  } else if (event.key === "?" && list) {
    event.preventDefault();
    list.showModal();
  }
});
