// Reviews one after the other by the keyboard. Without this file each button is a plain form.
(() => {
  "use strict";
  const root = document.querySelector("[data-reviews]");
  if (!root) return;
  const cards = () => [...root.querySelectorAll("[data-review]")];
  const says = (text, bad = false) => { const line = root.querySelector("[data-says]"); line.textContent = text; line.classList.toggle("rihla-is-bad", bad); };
  let chosen = null;

  function choose(card, scroll = true) {
    chosen?.classList.remove("rihla-chosen");
    chosen = card || null;
    if (!chosen) return;
    chosen.classList.add("rihla-chosen");
    chosen.focus({ preventScroll: true });
    if (scroll) chosen.scrollIntoView({ block: "nearest" });
  }

  async function send(card, wanted) {
    if (card.dataset.busy) return;
    const form = card.querySelector("form");
    const body = new FormData(form);
    body.set("do", wanted);
    card.dataset.busy = "1";
    try {
      const answer = await fetch(location.pathname, { method: "POST", body, credentials: "same-origin", headers: { "X-Requested-With": "fetch" } });
      const told = await answer.json();
      says(told.message, !answer.ok);
      if (!answer.ok) { if (wanted === "reject") form.elements.reason.focus(); return; }
      root.querySelector("[data-left]").textContent = told.left;
      if (wanted === "reply") return;
      const next = card.nextElementSibling?.matches("[data-review]") ? card.nextElementSibling : cards().find((one) => one !== card);
      card.remove();
      if (next) choose(next); else location.reload();
    } catch {
      says(root.dataset.lost, true);
    } finally {
      delete card.dataset.busy;
    }
  }

  root.addEventListener("submit", (event) => {
    event.preventDefault();
    const wanted = event.submitter?.value || "reject"; // Enter in the field of the reason
    send(event.target.closest("[data-review]"), document.activeElement?.name === "reason" ? "reject" : wanted);
  });
  root.addEventListener("focusin", (event) => {
    const card = event.target.closest("[data-review]");
    if (card && card !== chosen) { chosen?.classList.remove("rihla-chosen"); chosen = card; card.classList.add("rihla-chosen"); }
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape" && chosen) return choose(chosen, false);
    if (event.target.matches("input, textarea, select, [contenteditable]")) return;
    // By the place of the key: an Arabic keyboard writes other letters there.
    const step = { KeyJ: 1, KeyK: -1 }[event.code];
    if (step) { const all = cards(); choose(all[Math.min(all.length - 1, Math.max(0, all.indexOf(chosen) + step))]); event.preventDefault(); }
    else if (event.code === "KeyA" && chosen) { event.preventDefault(); send(chosen, "approve"); }
    else if (event.code === "KeyR" && chosen) { event.preventDefault(); chosen.querySelector("[name=reason]").focus(); }
  });
  choose(cards()[0], false);
})();
