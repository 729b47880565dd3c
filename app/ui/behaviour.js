// Runs once, when the conversation is loaded: `element` is its root, `trigger` calls the server,
// `watch` reports new content. Only shows, hides and scrolls what the server has written; it never
// makes markup from text.

const root = document.getElementById("quoth"); // carries what is open, for the style sheets
const scroller = element.closest("#q-thread") ?? element;
const panel = () => document.getElementById("q-panel");
const library = document.getElementById("q-library");

// ---- cards: what a copied span shows when it is pointed at or focused

const SHOW_AFTER_MS = 120;
const HIDE_AFTER_MS = 180;
let shown = null; // { quote, card }
let timer = 0;

const cardOf = (quote) => document.getElementById(quote.getAttribute("aria-describedby"));

function placeCard(quote, card, x) {
  const lines = [...quote.getClientRects()];
  const line = lines.find((one) => x !== undefined && one.left <= x && x <= one.right) ?? lines[0];
  const box = card.getBoundingClientRect();
  const gap = 8;
  const below = line.bottom + gap + box.height <= innerHeight;
  const top = below ? line.bottom + gap : line.top - gap - box.height;
  const left = Math.min((x ?? line.left) - 24, innerWidth - box.width - gap);
  // on the page's root: the card's own attributes are the server's to set
  root.style.setProperty("--q-card-y", `${Math.max(gap, top)}px`);
  root.style.setProperty("--q-card-x", `${Math.max(gap, left)}px`);
}

function showCard(quote, x) {
  clearTimeout(timer);
  if (shown?.quote === quote) return;
  hideCard();
  const card = cardOf(quote);
  if (!card) return;
  card.showPopover();
  placeCard(quote, card, x);
  quote.classList.add("is-pointed");
  shown = { quote, card };
}

function hideCard() {
  clearTimeout(timer);
  if (!shown) return;
  if (shown.card.matches(":popover-open")) shown.card.hidePopover();
  shown.quote.classList.remove("is-pointed");
  shown = null;
}

const later = (action, delay) => {
  clearTimeout(timer);
  timer = setTimeout(action, delay);
};

element.addEventListener("pointerover", (event) => {
  if (event.pointerType === "touch") return;
  const quote = event.target.closest(".q-quote");
  if (quote) later(() => showCard(quote, event.clientX), SHOW_AFTER_MS);
  else if (event.target.closest(".q-card")) clearTimeout(timer);
});
element.addEventListener("pointerout", (event) => {
  if (event.target.closest(".q-quote, .q-card")) later(hideCard, HIDE_AFTER_MS);
});
element.addEventListener("focusin", (event) => {
  const quote = event.target.closest(".q-quote");
  if (quote?.matches(":focus-visible")) showCard(quote);
});
element.addEventListener("focusout", (event) => {
  if (event.target.closest(".q-quote")) hideCard();
});
scroller.addEventListener("scroll", hideCard, { passive: true });

// ---- the side panel

let opener = null;
let current = null; // the reference of the open place

function openPlace(from) {
  const ref = from.dataset.ref;
  hideCard();
  if (!panel().contains(from)) opener = from;
  markCurrent(ref);
  root.dataset.panel = "open";
  if (filled === ref) showTarget();
  else trigger("show", { ref });
}

function closePanel() {
  if (root.dataset.panel !== "open") return false;
  delete root.dataset.panel;
  markCurrent(null);
  if (opener?.isConnected) opener.focus({ preventScroll: true });
  opener = null;
  return true;
}

function markCurrent(ref) {
  current = ref;
  for (const one of element.querySelectorAll(".is-current")) one.classList.remove("is-current");
  if (ref) element.querySelector(`.q-quote[data-ref="${CSS.escape(ref)}"]`)?.classList.add("is-current");
}

function showTarget() {
  const shell = panel().querySelector(".q-document");
  const target = panel().querySelector(".q-target");
  if (!shell || !target) return;
  const offset = target.getBoundingClientRect().top - shell.getBoundingClientRect().top;
  shell.scrollTop += offset - shell.clientHeight / 3;
  panel().querySelector(".q-close")?.focus({ preventScroll: true });
}

let filled = null; // the reference of the passage that stands in the panel
new MutationObserver(() => {
  const ref = panel().querySelector(".q-passage")?.dataset.ref ?? null;
  if (ref === filled) return;
  filled = ref;
  if (ref) showTarget();
  else closePanel(); // a new conversation has emptied it
}).observe(panel(), { childList: true, subtree: true, attributeFilter: ["data-ref"] });

// ---- one set of listeners for everything that can be clicked

function activate(target) {
  const placed = target.closest("[data-ref].q-quote, button[data-ref]");
  const example = target.closest("[data-example]");
  const removed = target.closest("button[data-document]");
  if (placed) openPlace(placed);
  else if (example) trigger("example", { index: Number(example.dataset.example) });
  else if (removed) trigger("discard", { document: removed.dataset.document });
  else if (target.closest('[data-action="close"]')) closePanel();
  else return false;
  return true;
}

for (const part of [element, panel(), library]) {
  part.addEventListener("click", (event) => {
    if (!String(getSelection())) activate(event.target);
  });
}
element.addEventListener("keydown", (event) => {
  const isPress = event.key === "Enter" || event.key === " ";
  if (isPress && event.target.matches(".q-quote") && activate(event.target)) event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  if (shown) hideCard();
  else closePanel();
});

// ---- the library drawer, and following a growing answer

window.quoth = {
  toggle() {
    const isOpen = getComputedStyle(document.getElementById("q-library")).display !== "none";
    root.setAttribute("data-library", isOpen ? "closed" : "open");
  },
};

let follows = true;
scroller.addEventListener(
  "scroll",
  () => {
    follows = scroller.scrollTop + scroller.clientHeight >= scroller.scrollHeight - 80;
  },
  { passive: true },
);
let blocks = 0;
watch("value", () => {
  if (shown && !shown.quote.isConnected) hideCard();
  const isNew = element.children.length !== blocks;
  blocks = element.children.length;
  markCurrent(current);
  if (follows || isNew) scroller.scrollTop = scroller.scrollHeight;
});
