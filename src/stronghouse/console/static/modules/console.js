// What pages do beyond links and forms. Each module looks for its own data attributes and leaves the rest alone.
import "./binding.js";
import "./passkeys.js";
import "./copy.js";
import "./dirty.js";
import "./live.js";
import "./shortcuts.js";
import "./times.js";
import "./typed.js";

document.documentElement.classList.remove("no-script");
