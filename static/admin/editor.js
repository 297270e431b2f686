// Panels of the editor, fetched when they come into view, and the price preview, asked again whenever something in it changes.
// Without this file a panel is a link, and the button of the preview opens the price in a page of its own.
(() => {
  "use strict";
  async function fill(place) {
    try {
      const answer = await fetch(place.dataset.panel, { credentials: "same-origin" });
      if (!answer.ok || answer.redirected) return;  // the link that stands there stays
      place.innerHTML = await answer.text();  // our own page's markup, escaped by its template
      place.dispatchEvent(new CustomEvent("panel:shown", { bubbles: true }));
    } catch {
      /* The link that stands there stays. */
    }
  }
  const seen = new IntersectionObserver((entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) { seen.unobserve(target); fill(target); }
    }
  }, { rootMargin: "600px" });
  for (const place of document.querySelectorAll("[data-panel]")) seen.observe(place);

  function preview(form) {
    const lines = form.parentElement.querySelector(".preview-lines");
    let sent = 0, waiting = 0;
    async function ask() {
      clearTimeout(waiting);
      const mine = ++sent;
      lines.classList.add("preview-busy");
      try {
        const answer = await fetch(`${form.action}?${new URLSearchParams(new FormData(form))}`, { credentials: "same-origin" });
        const text = await answer.text();
        if (mine === sent) lines.innerHTML = text;  // our own page's markup, escaped by its template
      } catch {
        /* The lines that stand there stay. */
      } finally {
        if (mine === sent) lines.classList.remove("preview-busy");
      }
    }
    form.addEventListener("submit", (event) => { event.preventDefault(); ask(); });
    form.addEventListener("input", () => { clearTimeout(waiting); waiting = setTimeout(ask, 250); });
    ask();
  }
  document.addEventListener("panel:shown", (event) => event.target.querySelectorAll("[data-preview]").forEach(preview));
})();
