// Keeps the button of an act that destroys something shut until the name is typed. The server checks it again.
document.addEventListener("input", (event) => {
  const field = event.target.closest("input[data-typed]");
  if (field) guard(field);
});

function guard(field) {
  const button = field.form.querySelector("button[data-guarded]");
  if (button) button.disabled = field.value !== field.dataset.typed;
}

function guardAll() {
  for (const field of document.querySelectorAll("input[data-typed]")) guard(field);
}

guardAll();
document.addEventListener("htmx:after:swap", guardAll);
