// The calendar: days are chosen by drawing over them, by a long press and a draw, by two taps, or by keys; the form takes the range.
// Without this file the dates are written into the form.
(() => {
  "use strict";
  const root = document.getElementById("month");
  if (!root) return;
  root.classList.add("month-quick");
  for (const one of root.querySelectorAll("[data-go]")) one.addEventListener("change", () => {
    if (one.name === "tour") { const option = one.form.elements.option; if (option) option.value = ""; }
    for (const field of [...one.form.elements]) if (field.name && !field.value) field.disabled = true;
    one.form.requestSubmit();
  });
  const cells = [...root.querySelectorAll("td[data-day]")];
  const form = document.getElementById("month-form");
  const shown = (cell) => cell.offsetParent !== null;
  const button = (cell) => cell.querySelector(".month-day");
  let anchor = null, focus = null;   // days, as 2027-01-31
  let drawing = false, pressed = 0;

  const words = (day) => cells.find((cell) => cell.dataset.day === day)?.querySelector(".rihla-hidden")?.textContent || day;
  const days = (from, to) => Math.round((Date.parse(to) - Date.parse(from)) / 864e5) + 1;

  function paint() {
    const [from, to] = anchor <= focus ? [anchor, focus] : [focus, anchor];
    for (const cell of cells) {
      const chosen = anchor !== null && cell.dataset.day >= from && cell.dataset.day <= to;
      cell.classList.toggle("month-chosen", chosen);
      button(cell).setAttribute("aria-pressed", String(chosen));
    }
    const jump = document.getElementById("month-jump");
    if (jump) jump.hidden = anchor === null;
    if (anchor === null || !form) return;
    form.elements.date_from.value = from;
    form.elements.date_to.value = to;
    const told = from === to ? root.dataset.one : root.dataset.range;
    document.getElementById("month-chosen").textContent =
      told.replace("{first}", words(from)).replace("{last}", words(to)).replace("{n}", String(days(from, to)));
  }
  function choose(from, to) { anchor = from; focus = to; paint(); }
  function walkTo(cell) {
    for (const one of cells) button(one).tabIndex = one === cell ? 0 : -1;
    button(cell).focus();
  }
  const start = cells.find((cell) => cell.classList.contains("month-today") && !cell.classList.contains("month-outside"))
    || cells.find((cell) => !cell.classList.contains("month-outside"));
  if (start) button(start).tabIndex = 0;
  if (!form) return;

  const cellAt = (event) => document.elementFromPoint(event.clientX, event.clientY)?.closest?.("td[data-day]");
  root.addEventListener("pointerdown", (event) => {
    const cell = event.target.closest("td[data-day]");
    if (!cell || event.button !== 0) return;
    if (event.pointerType === "mouse") {
      if (event.target.closest("a")) return;
      event.preventDefault();
      drawing = true;
      choose(event.shiftKey && anchor ? anchor : cell.dataset.day, cell.dataset.day);
      walkTo(cell);
    } else {
      // A finger scrolls, unless it rests first.
      pressed = setTimeout(() => { drawing = true; root.classList.add("month-drawing"); choose(cell.dataset.day, cell.dataset.day); navigator.vibrate?.(10); }, 350);
    }
  });
  addEventListener("pointermove", (event) => {
    if (!drawing) { if (event.pointerType !== "mouse" && (Math.abs(event.movementX) > 3 || Math.abs(event.movementY) > 3)) clearTimeout(pressed); return; }
    const cell = cellAt(event);
    if (cell && cell.dataset.day !== focus) choose(anchor, cell.dataset.day);
  });
  function end() { clearTimeout(pressed); drawing = false; root.classList.remove("month-drawing"); }
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
  root.addEventListener("touchmove", (event) => { if (drawing) event.preventDefault(); }, { passive: false });
  root.addEventListener("contextmenu", (event) => { if (drawing) event.preventDefault(); });
  // Two taps: the first day, then the last.
  root.addEventListener("click", (event) => {
    const day = event.target.closest(".month-day");
    if (!day || event.detail === 0) return;
    const cell = day.closest("td");
    if (event.pointerType !== "mouse" && !drawing) {
      const extend = anchor !== null && anchor === focus && anchor !== cell.dataset.day;
      choose(extend ? anchor : cell.dataset.day, cell.dataset.day);
      walkTo(cell);
    }
  });

  root.addEventListener("keydown", (event) => {
    const cell = event.target.closest?.("td[data-day]");
    if (!cell || !event.target.matches(".month-day")) return;
    const list = cells.filter(shown);
    const place = list.indexOf(cell);
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const week = place - (place % 7);
    const to = { [forward]: place + 1, [back]: place - 1, ArrowDown: place + 7, ArrowUp: place - 7, Home: week, End: week + 6 }[event.key];
    if (to !== undefined) {
      event.preventDefault();
      const next = list[Math.max(0, Math.min(list.length - 1, to))];
      if (event.shiftKey) choose(anchor !== null && focus === cell.dataset.day ? anchor : cell.dataset.day, next.dataset.day);
      walkTo(next);
    } else if (event.key === " ") {
      event.preventDefault();
      choose(cell.dataset.day, cell.dataset.day);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (anchor === null || cell.getAttribute("class").indexOf("month-chosen") < 0) choose(cell.dataset.day, cell.dataset.day);
      form.elements.capacity.focus();
    } else if (event.key === "Escape") {
      anchor = focus = null;
      paint();
    } else if (event.key === "PageDown" || event.key === "PageUp") {
      event.preventDefault();
      location.assign(event.key === "PageDown" ? root.dataset.next : root.dataset.previous);
    }
  });
  for (const name of ["date_from", "date_to"]) form.elements[name].addEventListener("change", () => {
    const [from, to] = [form.elements.date_from.value, form.elements.date_to.value];
    if (!from || !to) return;
    if (to < from) form.elements[name === "date_from" ? "date_to" : "date_from"].value = form.elements[name].value;
    choose(form.elements.date_from.value, form.elements.date_to.value);
  });
})();
