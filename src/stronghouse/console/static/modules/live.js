// Refreshes the parts of a page that change by themselves: while it is seen, and not under somebody's hands.
const SECONDS = 10; // unless the part itself says how many
let beat = 0;

function inUse(part) {
  return part.contains(document.activeElement) || part.querySelector("details[open], :popover-open, dialog[open]");
}

setInterval(() => {
  beat += 1;
  if (document.visibilityState !== "visible") return;
  for (const part of document.querySelectorAll("[data-live]")) {
    const due = beat % (Number(part.dataset.live) || SECONDS) === 0;
    if (due && !inUse(part)) globalThis.htmx?.trigger(part, "refresh");
  }
}, 1000);
