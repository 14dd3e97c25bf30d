// A button that copies the text of the element before it, and says so.
import { say } from "./say.js";

function show() {
  for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
}

show();
document.addEventListener("htmx:after:swap", show);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  const source = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    say("Copied.");
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  } catch {
    getSelection().selectAllChildren(source);
    say("Selected. Copy it with the keyboard.");
  }
});
