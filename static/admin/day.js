/* The day's pages: lists that narrow while somebody types, choices that show at once, and printing. */
"use strict";

(() => {
  const plain = (text) =>
    text.normalize("NFKD").replace(/[\u0300-\u036f\u064b-\u0652\u0640]/g, "").replace(/[أإآٱ]/g, "ا").replace(/ى/g, "ي").replace(/ة/g, "ه").toLowerCase();

  for (const field of document.querySelectorAll("[data-filter]")) {
    const rows = [...document.querySelectorAll(field.dataset.filter)].map((row) => [row, plain(row.dataset.text || row.textContent)]);
    const nothing = document.querySelector("[data-nothing]");
    field.addEventListener("input", () => {
      const typed = plain(field.value).split(/\s+/).filter(Boolean);
      let found = 0;
      for (const [row, text] of rows) {
        row.hidden = !typed.every((part) => text.includes(part));
        found += row.hidden ? 0 : 1;
      }
      if (nothing) nothing.hidden = found > 0;
    });
  }
  for (const form of document.querySelectorAll("[data-submit-on-change]")) {
    for (const button of form.querySelectorAll("[data-only-without-script]")) button.hidden = true;
    form.addEventListener("change", () => { if (form.reportValidity()) form.submit(); });
  }
  for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => print());
})();
