// The phone booking, quicker: the same form, sent in the background, so that focus and scroll stay. Without this file it works too.
(() => {
  "use strict";
  const root = document.getElementById("desk");
  const next = document.querySelector("[data-next]");
  const copied = document.querySelector("[data-copy]");
  if (copied) copied.addEventListener("focus", () => copied.select());
  if (next) {
    next.focus();
    document.addEventListener("keydown", (event) => {
      if (event.altKey && event.code === "KeyN") { event.preventDefault(); next.click(); }
    });
  }
  if (!root) return;

  const form = () => root.querySelector("form");
  let sent = 0;       // the answer to the newest request counts
  let waiting = 0;    // timer of what is being typed
  let leaving = false;

  const place = (element) => element && element.name
    ? { name: element.name, value: element.type === "radio" ? element.value : null,
        start: "selectionStart" in element ? safeStart(element) : null }
    : null;
  function safeStart(element) { try { return element.selectionStart; } catch { return null; } }
  function find(spot) {
    if (!spot) return null;
    return [...form().elements].find((one) => one.name === spot.name && one.type !== "hidden" && (spot.value === null || one.value === spot.value));
  }

  // What was typed while the answer was on its way is kept.
  const textOf = (one) => one.matches("input:not([type=radio]):not([type=hidden]), textarea, select");
  function snapshot() {
    const values = new Map();
    for (const one of form().elements) if (one.name && textOf(one)) values.set(one.name, one.value);
    return values;
  }

  async function send(step, wanted) {
    clearTimeout(waiting);
    const mine = ++sent;
    const body = new FormData(form());
    body.set("do", step);
    const before = snapshot();
    form().classList.add("desk-busy");
    let answer;
    try {
      answer = await fetch(form().action, { method: "POST", body, credentials: "same-origin" });
    } catch {
      form().classList.remove("desk-busy");
      return form().requestSubmit ? plainly(step) : form().submit();
    }
    if (mine !== sent) return;
    if (answer.redirected) { leaving = true; location.assign(answer.url); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = page.getElementById("desk");
    if (mine !== sent) return;
    if (!fresh) { plainly(step); return; }
    const typing = place(document.activeElement && root.contains(document.activeElement) ? document.activeElement : null);
    const meanwhile = snapshot();
    root.replaceChildren(...fresh.childNodes);
    for (const one of form().elements) {
      if (one.name && textOf(one) && meanwhile.has(one.name) && meanwhile.get(one.name) !== before.get(one.name)) one.value = meanwhile.get(one.name);
    }
    const target = root.querySelector("[data-focus]") || (wanted && first(wanted)) || find(typing);
    if (target) {
      target.focus({ preventScroll: !wanted });
      if (typing && target.name === typing.name && typing.start !== null) { try { target.setSelectionRange(typing.start, typing.start); } catch { /* no text */ } }
    }
    tick();
  }

  // As the browser would without us: for when we cannot.
  function plainly(step) {
    leaving = true;
    const button = document.createElement("button");
    button.name = "do";
    button.value = step;
    button.hidden = true;
    form().append(button);
    form().dataset.plain = "1";
    form().requestSubmit(button);
  }

  const first = (number) => {
    const step = root.querySelector(`[data-step="${number}"]`);
    return step && (step.querySelector("input[type=radio]:checked") || step.querySelector("[data-first]") ||
      step.querySelector("input:not([type=hidden]), select, textarea"));
  };
  const stepOf = (element) => Number(element.closest("[data-step]")?.dataset.step || 0);

  root.addEventListener("submit", (event) => {
    if (form().dataset.plain) return;
    event.preventDefault();
    send(event.submitter?.value || "look");
  });
  root.addEventListener("input", (event) => {
    if (!event.target.matches("[data-live]")) return;
    clearTimeout(waiting);
    waiting = setTimeout(() => send("look"), 250);
  });
  root.addEventListener("change", (event) => {
    if (!event.target.matches("[data-choose]")) return;
    clearTimeout(waiting);
    if (event.target.name === "currency") send("look");
    else if (byPointer || event.target.name === "departure") send("look");
  });
  // Arrow keys walk a list of people or tours; only Enter or a click takes one.
  let byPointer = false;
  root.addEventListener("pointerdown", () => { byPointer = true; });
  root.addEventListener("keydown", (event) => {
    byPointer = false;
    const target = event.target;
    if (target.matches(".desk-stepper input") && (event.key === "ArrowUp" || event.key === "ArrowDown")) {
      event.preventDefault();
      step(target, event.key === "ArrowUp" ? 1 : -1);
      return;
    }
    if (target.type === "search" && event.key === "ArrowDown") {
      const found = target.closest("fieldset").querySelector(".desk-list input");
      if (found) { event.preventDefault(); found.focus(); found.checked = true; }
      return;
    }
    if (event.key !== "Enter" || target.tagName === "TEXTAREA" || target.tagName === "BUTTON" || target.tagName === "A") return;
    event.preventDefault();
    if (target.type === "search") {
      const found = target.closest("fieldset").querySelectorAll(".desk-list input");
      if (found.length === 1) { found[0].checked = true; }
    }
    if (target.type === "radio" && target.name !== "way") target.checked = true;
    const step_ = target.closest("[data-step]");
    const todo = step_?.dataset.enter || "look";
    const chose = todo === "look" && step_ && step_.querySelector(".desk-list input:checked");
    send(todo, chose ? (target.name === "departure" ? 3 : Number(step_.dataset.step) + (chose.name === "customer" ? 1 : 0)) : undefined);
  });
  root.addEventListener("click", (event) => {
    const button = event.target.closest(".desk-step");
    if (button) step(button.parentElement.querySelector("input"), Number(button.dataset.by));
  });
  function step(input, by) {
    input.value = String(Math.max(0, (parseInt(input.value, 10) || 0) + by));
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }

  const STEPS = { KeyH: "hold", KeyE: "extend", KeyB: "book", KeyN: "over" };
  document.addEventListener("keydown", (event) => {
    if (!event.altKey || event.ctrlKey || event.metaKey) return;
    const digit = /^Digit([1-5])$/.exec(event.code);
    if (digit) {
      const target = first(digit[1]);
      if (target) { event.preventDefault(); target.focus(); target.scrollIntoView({ block: "center" }); }
    } else if (STEPS[event.code] && root.querySelector(`button[value="${STEPS[event.code]}"]`)) {
      event.preventDefault();
      send(STEPS[event.code]);
    }
  });

  // The clock of the hold. The server's word counts; this only shows it.
  let clock = 0;
  function tick() {
    clearInterval(clock);
    const time = root.querySelector("time[data-seconds]");
    if (!time) return;
    const end = Date.now() + Number(time.dataset.seconds) * 1000;
    const show = () => {
      const left = Math.max(0, Math.round((end - Date.now()) / 1000));
      time.textContent = left ? `${Math.floor(left / 60)}:${String(left % 60).padStart(2, "0")}` : time.dataset.over;
      time.closest(".desk-clock").classList.toggle("desk-late", left < 120);
      if (!left) { clearInterval(clock); send("look"); }
    };
    show();
    clock = setInterval(show, 1000);
  }

  // Whoever leaves lets the seats go.
  addEventListener("pagehide", () => {
    const hold = form().elements.hold;
    if (leaving || !hold || !hold.value) return;
    const body = new FormData();
    body.set("csrfmiddlewaretoken", form().elements.csrfmiddlewaretoken.value);
    body.set("hold", hold.value);
    navigator.sendBeacon(root.dataset.leave, body);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) send("look"); });

  tick();
  (first(1) || form()).focus();
})();
