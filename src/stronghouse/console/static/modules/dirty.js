// Asks before a page with unsent changes is left.
let dirty = false;

document.addEventListener("input", (event) => {
  if (event.target.closest("form[data-dirty]")) dirty = true;
});
document.addEventListener("submit", () => { dirty = false; });
addEventListener("beforeunload", (event) => {
  if (dirty) event.preventDefault();
});
