// Adds the reader's own time to every time, and names the zone.
const format = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

function tell(root) {
  for (const time of root.querySelectorAll("time[datetime]:not([data-told])")) {
    time.dataset.told = "";
    time.title = `${time.title}\n${format.format(new Date(time.dateTime))}`;
  }
}

tell(document);
document.addEventListener("htmx:after:swap", () => tell(document));
const zone = document.getElementById("zone");
if (zone) zone.textContent = Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC";
