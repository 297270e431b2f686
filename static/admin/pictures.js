// The pictures of a tour: every step goes to the server by itself, one after the other, and the answer is what is there then.
(() => {
  "use strict";
  const start = (root) => {
    const address = root.dataset.pictures;
    let queue = Promise.resolve();
    let looks = 0;

    const token = () => document.querySelector("[name=csrfmiddlewaretoken]")?.value || "";
    const list = () => root.querySelector(".rihla-pictures-list");
    const says = (text, bad = false) => {
      const line = root.querySelector("[data-says]");
      line.textContent = text;
      line.classList.toggle("rihla-is-bad", bad);
    };

    function show(html) {
      const typing = root.contains(document.activeElement) ? document.activeElement : null;
      const spot = typing && { image: typing.closest("[data-image]")?.dataset.image, text: typing.dataset.text, value: typing.value,
                               focus: "focus" in typing.dataset };
      root.innerHTML = html;
      if (spot?.image) {
        const card = root.querySelector(`[data-image="${spot.image}"]`);
        const same = card?.querySelector(spot.text ? `[data-text="${spot.text}"]` : spot.focus ? "[data-focus]" : "button:not([disabled])");
        if (same && spot.text) same.value = spot.value;
        same?.focus({ preventScroll: true });
      }
      if (root.querySelector("[data-making]") && looks < 15) setTimeout(look, 3000);
    }

    async function look() {
      looks += 1;
      if (document.hidden || root.contains(document.activeElement) && document.activeElement.dataset.text) return void setTimeout(look, 3000);
      try {
        const answer = await fetch(address, { credentials: "same-origin" });
        if (answer.ok) show(await answer.text());
      } catch { /* the next step will say so */ }
    }

    const step = (values) => { queue = queue.then(() => send(values)); return queue; };

    async function send(values) {
      const body = new FormData();
      for (const [name, value] of Object.entries(values)) body.set(name, value);
      root.classList.add("rihla-busy");
      try {
        const answer = await fetch(address, { method: "POST", body, credentials: "same-origin", headers: { "X-CSRFToken": token() } });
        const html = await answer.text();
        if (html.includes("rihla-pictures-list")) { looks = 0; show(html); return answer.ok; }
      } catch { /* said below */ } finally {
        root.classList.remove("rihla-busy");
      }
      says(list().dataset.lost, true);
      return false;
    }

    async function upload(files) {
      const all = [...files].filter((file) => file.type.startsWith("image/") || !file.type);
      const faults = [];
      for (const [place, file] of all.entries()) {
        says(list().dataset.uploading.replace("{number}", place + 1).replace("{all}", all.length));
        const done = await step({ do: "add", file });
        if (!done) faults.push(`${file.name}: ${root.querySelector("[data-says]").textContent}`);
      }
      says(faults.join(" · "), true);
    }

    const orderOf = () => [...root.querySelectorAll("[data-image]")].map((card) => card.dataset.image);
    function point(view, x, y) {
      const spot = [x, y].map((value) => Math.min(100, Math.max(0, Math.round(value))));
      const mark = view.querySelector("[data-point]");
      mark.style.left = `${spot[0]}%`; mark.style.top = `${spot[1]}%`;
      return spot;
    }
    const sendPoint = (view, [x, y]) => step({ do: "focus", image: view.closest("[data-image]").dataset.image, focus_x: x, focus_y: y });

    root.addEventListener("change", (event) => {
      if ("add" in event.target.dataset) upload(event.target.files);
      const text = event.target.dataset.text;
      if (text) step({ do: "texts", image: event.target.closest("[data-image]").dataset.image, [text]: event.target.value });
    });

    root.addEventListener("click", (event) => {
      const card = event.target.closest("[data-image]");
      const button = event.target.closest("button");
      const view = event.target.closest("[data-focus]");
      if (button?.dataset.do === "delete" && !confirm(list().dataset.sure)) return;
      if (button?.dataset.do) step({ do: button.dataset.do, image: card.dataset.image });
      else if (button?.dataset.move) {
        const order = orderOf(), from = order.indexOf(card.dataset.image), to = from + Number(button.dataset.move);
        order.splice(to, 0, ...order.splice(from, 1));
        step({ do: "order", order: order.join(",") });
      } else if (view) {
        const box = view.getBoundingClientRect();
        sendPoint(view, point(view, (event.clientX - box.left) / box.width * 100, (event.clientY - box.top) / box.height * 100));
      }
    });

    let later = 0;
    root.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.dataset.text) { event.preventDefault(); event.target.blur(); return; }
      if ((event.key === "Enter" || event.key === " ") && event.target.matches("label[role=button]")) { event.preventDefault(); event.target.click(); return; }
      const move = { ArrowLeft: [-2, 0], ArrowRight: [2, 0], ArrowUp: [0, -2], ArrowDown: [0, 2] }[event.key];
      if (!move || !("focus" in event.target.dataset)) return;
      event.preventDefault();
      const mark = event.target.querySelector("[data-point]");
      const spot = point(event.target, parseFloat(mark.style.left) + move[0], parseFloat(mark.style.top) + move[1]);
      clearTimeout(later);
      later = setTimeout(() => sendPoint(event.target, spot), 500);
    });

    // Files from outside, and cards among themselves.
    let held = null;
    root.addEventListener("pointerdown", (event) => {
      const card = event.target.closest("[data-image]");
      if (card) card.draggable = !event.target.closest("input, button, [data-focus]");
    });
    root.addEventListener("dragstart", (event) => { held = event.target.closest("[data-image]"); held?.classList.add("rihla-held"); });
    root.addEventListener("dragover", (event) => {
      event.preventDefault();
      const over = event.target.closest("[data-image]");
      if (!held || !over || over === held) return;
      const order = [...list().children];
      list().insertBefore(held, order.indexOf(held) < order.indexOf(over) ? over.nextSibling : over);
    });
    root.addEventListener("dragend", () => { if (held) { held.classList.remove("rihla-held"); held = null; step({ do: "order", order: orderOf().join(",") }); } });
    root.addEventListener("drop", (event) => { event.preventDefault(); if (!held && event.dataTransfer.files.length && root.querySelector("[data-add]")) upload(event.dataTransfer.files); });

    if (root.querySelector("[data-making]")) setTimeout(look, 3000);
  };
  document.addEventListener("panel:shown", (event) => event.target.querySelectorAll("[data-pictures]").forEach(start));
  const ready = () => document.querySelectorAll("[data-pictures]").forEach(start);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", ready); else ready();
})();
