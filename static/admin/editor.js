// The price preview: asked again whenever something in it changes. Without this file its button opens the price in a page of its own.
(() => {
  "use strict";
  for (const form of document.querySelectorAll("[data-preview]")) {
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
})();
