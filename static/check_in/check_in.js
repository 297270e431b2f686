/* The guide's check-in page. It works without reception: the list and every step noted lie in this browser's storage until
   the server has them. Each step has an id made here, so that what is sent twice is done once. What the server refuses is shown
   until somebody has read it. No library, no inline code. */
"use strict";

(() => {
  const config = JSON.parse(document.getElementById("check-in-config").textContent);
  const words = config.words;
  const place = `rihla.check-in.${config.user.id}.${config.departure}`;
  const KEPT_FOR = 3 * 24 * 3600 * 1000; // lists of guests leave the phone after three days
  const REFRESH = 20000;
  const MOST = 100;
  const page = {};
  for (const node of document.querySelectorAll("[data-part]")) page[node.dataset.part] = node;

  // --- What is kept in the browser ---

  const read = (name, otherwise) => {
    try {
      return JSON.parse(localStorage.getItem(`${place}.${name}`)) ?? otherwise;
    } catch {
      return otherwise;
    }
  };
  const write = (name, value) => {
    try {
      localStorage.setItem(`${place}.${name}`, JSON.stringify(value));
      return true;
    } catch {
      return false;
    }
  };
  const queue = () => read("queue", []);
  const refused = () => read("refused", []);

  function forgetOldLists() {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith("rihla.check-in.") || !key.endsWith(".list")) continue;
      const base = key.slice(0, -5);
      let age = Infinity;
      try {
        age = Date.now() - JSON.parse(localStorage.getItem(key)).kept_at;
      } catch { /* unreadable is old */ }
      const waiting = JSON.parse(localStorage.getItem(`${base}.queue`) || "[]").length;
      const unread = JSON.parse(localStorage.getItem(`${base}.refused`) || "[]").length;
      if (age > KEPT_FOR && !waiting && !unread) for (const part of ["list", "queue", "refused"]) localStorage.removeItem(`${base}.${part}`);
    }
  }

  function waitingOfOthers() {
    return Object.keys(localStorage).filter(
      (key) => key.startsWith("rihla.check-in.") && key.endsWith(".queue") && key !== `${place}.queue` && JSON.parse(localStorage.getItem(key) || "[]").length,
    ).length;
  }

  // --- What the list looks like with the steps that were not sent yet ---

  function parties() {
    const kept = read("list", null);
    if (!kept) return null;
    const found = structuredClone(kept.manifest.parties);
    const byId = new Map(found.map((party) => [party.booking_id, party]));
    for (const step of queue()) {
      const party = byId.get(step.booking_id);
      if (!party || party.steps.some((known) => known.id === step.id)) continue;
      if (step.action === "UNDO") {
        const taken = party.steps.find((known) => known.id === step.undoes);
        if (!taken) continue;
        party.steps = party.steps.filter((known) => known !== taken);
        if (taken.action === "CAME") party.came -= taken.guests;
        else party.absent -= taken.guests;
        party.missing += taken.guests;
        party.waits = true;
        continue;
      }
      let guests = step.guests;
      if (step.action === "CAME" && guests > party.missing) { // they came after all
        party.steps = party.steps.filter((known) => known.action !== "ABSENT");
        party.missing += party.absent;
        party.absent = 0;
      }
      guests = Math.min(guests, party.missing);
      if (step.action === "CAME") party.came += guests;
      else party.absent += guests;
      party.missing -= guests;
      party.steps.push({ id: step.id, action: step.action, guests, time: clock(new Date(step.at), kept.manifest.time_zone), by: config.user.name, waits: true });
      party.waits = true;
    }
    return found;
  }

  const clock = (moment, zone) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", hour12: false, timeZone: zone }).format(moment);

  // --- Steps ---

  function newId() {
    if (crypto.randomUUID) return crypto.randomUUID();
    const bytes = crypto.getRandomValues(new Uint8Array(16));
    bytes[6] = (bytes[6] & 15) | 64;
    bytes[8] = (bytes[8] & 63) | 128;
    const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
    return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
  }

  function note(step) {
    const steps = [...queue(), { id: newId(), at: new Date().toISOString(), ...step }];
    if (!write("queue", steps)) {
      say(words.storage_full, "bad");
      return;
    }
    draw();
    send();
  }

  let sending = false;
  let failures = 0;
  let later = 0;
  let state = navigator.onLine ? "online" : "offline";

  async function call(url, options = {}) {
    const ending = new AbortController();
    const clockOut = setTimeout(() => ending.abort(), 15000);
    try {
      return await fetch(url, { credentials: "same-origin", redirect: "manual", cache: "no-store", signal: ending.signal, ...options,
        headers: { Accept: "application/json", ...(options.headers || {}) } });
    } finally {
      clearTimeout(clockOut);
    }
  }

  const cookie = (name) => document.cookie.split("; ").find((one) => one.startsWith(`${name}=`))?.slice(name.length + 1) || "";

  async function send() {
    clearTimeout(later);
    if (sending) return;
    const steps = queue().slice(0, MOST);
    if (!steps.length) return refresh();
    sending = true;
    try {
      const answer = await call(config.urls.upload, {
        method: "POST",
        headers: { "Content-Type": "application/json", "X-CSRFToken": cookie("csrftoken") },
        body: JSON.stringify({ steps }),
      });
      if (answer.status === 200) take(await answer.json());
      else if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) state = "signed-out";
      else if (answer.status === 400 || answer.status === 404) await keepRefused(steps, await answer.json());
      else throw new Error(String(answer.status));
    } catch {
      state = "offline";
      failures += 1;
    } finally {
      sending = false;
    }
    draw();
    if (queue().length && state !== "signed-out") later = setTimeout(send, state === "online" ? 50 : Math.min(60000, 2000 * 2 ** Math.min(failures, 5)));
  }

  function take(answer) {
    const done = new Set();
    const fresh = [];
    const now = queue();
    for (const result of answer.results) {
      done.add(result.id);
      const step = now.find((one) => one.id === result.id);
      if (result.outcome === "refused" && step) fresh.push({ ...step, why: result.error.message, code: undefined });
    }
    // Read again: another tab may have noted more meanwhile.
    if (fresh.length) {
      write("refused", [...refused(), ...fresh]);
      say(fresh.at(-1).why, "bad");
      window.scrollTo({ top: 0 });
    }
    write("queue", queue().filter((step) => !done.has(step.id)));
    keep(answer.manifest);
    state = "online";
    failures = 0;
  }

  async function keepRefused(steps, body) {
    const ids = new Set(steps.map((step) => step.id));
    write("refused", [...refused(), ...steps.map((step) => ({ ...step, why: body.message || words.refused }))]);
    write("queue", queue().filter((step) => !ids.has(step.id)));
    state = "online";
  }

  function keep(manifest) {
    write("list", { kept_at: Date.now(), manifest });
  }

  async function refresh() {
    try {
      const answer = await call(config.urls.list);
      if (answer.status === 200) {
        keep(await answer.json());
        state = "online";
        failures = 0;
      } else if (answer.type === "opaqueredirect" || answer.status === 401 || answer.status === 403) state = "signed-out";
      else state = "offline";
    } catch {
      state = "offline";
    }
    draw();
  }

  // --- Drawing ---

  function make(tag, given = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(given)) {
      if (name === "on") for (const [event, handle] of Object.entries(value)) node.addEventListener(event, handle);
      else if (name === "text") node.textContent = value;
      else if (value === true) node.setAttribute(name, "");
      else if (value !== false && value !== undefined && value !== null) node.setAttribute(name, value);
    }
    node.append(...children.filter((child) => child !== null && child !== undefined && child !== ""));
    return node;
  }

  const plain = (text) =>
    (text || "").normalize("NFKD").replace(/[\u0300-\u036f\u064b-\u0652\u0640]/g, "").replace(/[أإآٱ]/g, "ا").replace(/ى/g, "ي").replace(/ة/g, "ه").toLowerCase();
  const digits = (text) => text.replace(/[\u0660-\u0669]/g, (digit) => String(digit.charCodeAt(0) - 0x660)).replace(/\D/g, "");

  let shown = "missing";
  let opened = "";
  let scanned = {};
  const counts = new Map(); // how many the guide has chosen, by booking

  function matches(party, typed) {
    if (!typed) return true;
    const text = plain([party.name, party.reference, ...party.travellers.map((one) => `${one.first_name} ${one.last_name}`)].join(" "));
    if (typed.split(/\s+/).every((part) => text.includes(part))) return true;
    const number = digits(typed);
    return number.length >= 4 && digits(party.phone).includes(number);
  }

  function draw() {
    const all = parties();
    drawState();
    drawRefused(all || []);
    if (all === null) {
      page.list.replaceChildren(make("p", { class: "empty", text: state === "offline" ? words.never_loaded : words.loading }));
      return;
    }
    const let_in = all.filter((party) => party.lets_in);
    const sum = (name) => let_in.reduce((total, party) => total + party[name], 0);
    const [guests, came, absent] = [sum("guests"), sum("came"), sum("absent")];
    page.count.textContent = `${came} / ${guests}`;
    page.absent.textContent = absent ? `${words.absent}: ${absent}` : "";
    page.bar.value = guests ? came / guests : 0;
    for (const button of page.filters.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button.dataset.show === shown));
      const number = { missing: let_in.filter((p) => p.missing).length, came: let_in.filter((p) => p.came).length, all: all.length }[button.dataset.show];
      button.querySelector("b").textContent = number;
    }
    const typed = plain(page.search.value.trim());
    const wanted = all.filter((party) => {
      if (party.booking_id === opened) return true;
      if (typed) return matches(party, typed);
      if (shown === "missing") return party.missing > 0 || !party.lets_in;
      return shown === "came" ? party.came > 0 : true;
    });
    const focus = document.activeElement?.dataset?.focus;
    page.list.replaceChildren(
      ...(wanted.length ? wanted.map(card) : [make("p", { class: "empty", text: typed ? words.nobody_found : shown === "missing" ? words.all_here : words.nobody })]),
    );
    if (focus) page.list.querySelector(`[data-focus="${CSS.escape(focus)}"]`)?.focus();
  }

  function card(party) {
    const may = config.may_check_in && party.lets_in;
    const left = party.missing + (party.missing ? 0 : party.absent);
    const count = Math.min(counts.get(party.booking_id) || left, left);
    const isOpen = party.booking_id === opened;
    const status = party.came === party.guests ? "in" : party.came ? "part" : party.absent ? "gone" : "";
    const head = make("button", { type: "button", class: "head", "aria-expanded": String(isOpen), "data-focus": `head-${party.booking_id}`,
      on: { click: () => { opened = isOpen ? "" : party.booking_id; draw(); } } },
      make("span", { class: "who" }, make("bdi", { class: "name", text: party.name }), make("span", { class: "party", text: party.party })),
      make("span", { class: "tally" }, make("b", { text: `${party.came}/${party.guests}` }), party.waits ? make("small", { text: words.waits }) : ""));
    const badges = make("p", { class: "badges" },
      make("span", { class: "badge", text: party.reference, dir: "ltr" }),
      party.due ? make("span", { class: "badge bad", text: `${words.due} ${party.due}` }) : "",
      party.lets_in ? "" : make("span", { class: "badge bad", text: party.status_text }),
      ...party.needs.filter((need) => need.kind === "access" || need.kind === "diet").map((need) => make("span", { class: "badge warn", text: `${words[need.kind]}: ${need.text}` })));
    const steps = make("ul", { class: "steps" }, ...party.steps.map((step) => make("li", { class: step.action === "CAME" ? "good" : "gone" },
      make("span", { text: [`${step.action === "CAME" ? words.came : words.absent} ${step.guests}`, step.time, step.by].filter(Boolean).join(" · ") }),
      config.may_check_in ? make("button", { type: "button", class: "quiet small", text: words.undo, on: { click: () => undo(party, step) } }) : "")));
    const doing = may && left ? make("div", { class: "doing" },
      left > 1 ? make("span", { class: "stepper" },
        make("button", { type: "button", text: "−", "aria-label": words.fewer, disabled: count <= 1, "data-focus": `less-${party.booking_id}`, on: { click: () => { counts.set(party.booking_id, count - 1); draw(); } } }),
        make("output", { text: count }),
        make("button", { type: "button", text: "+", "aria-label": words.more, disabled: count >= left, "data-focus": `more-${party.booking_id}`, on: { click: () => { counts.set(party.booking_id, count + 1); draw(); } } })) : "",
      make("button", { type: "button", class: "main", "data-focus": `in-${party.booking_id}`, text: count === left ? words.check_in : `${words.check_in} ${count}`,
        on: { click: () => { came(party, count); } } }),
      party.missing && started() ? make("button", { type: "button", class: "quiet", text: words.not_come, on: { click: () => absent(party) } }) : "") : "";
    // Each name by itself, so that those of the other direction do not mix.
    const names = party.travellers.flatMap((one, place) => [place ? words.comma : "", make("bdi", { text: `${one.first_name} ${one.last_name}` }), one.age !== null ? ` (${one.age})` : ""]);
    const more = isOpen ? make("dl", { class: "more" }, ...(names.length ? [make("dt", { text: words.travellers }), make("dd", {}, ...names)] : []), ...[
      [words.language, words.languages[party.language] || party.language],
      [words.pickup, party.pickup],
      ...party.needs.map((need) => [words[need.kind], need.text]),
    ].filter(([, text]) => text).flatMap(([label, text]) => [make("dt", { text: label }), make("dd", {}, make("bdi", { text }))]),
      ...(party.phone ? [make("dt", { text: words.phone }), make("dd", {}, make("a", { href: `tel:${party.phone}`, dir: "ltr", text: party.phone }))] : [])) : "";
    return make("article", { class: `card ${status}${isOpen ? " open" : ""}`, id: `party-${party.booking_id}` }, head, badges, more, party.steps.length ? steps : "", doing);
  }

  const started = () => {
    const kept = read("list", null);
    return kept && Date.parse(kept.manifest.starts_at) <= Date.now();
  };

  function came(party, guests) {
    counts.delete(party.booking_id);
    const code = scanned.booking_id === party.booking_id ? scanned.code : "";
    scanned = {};
    opened = "";
    page.search.value = "";
    note({ booking_id: party.booking_id, action: "CAME", guests, ...(code ? { code } : {}) });
    say(`${party.name}: ${words.came} ${guests}`, "good");
    page.search.focus({ preventScroll: true });
  }

  function absent(party) {
    if (!confirm(`${party.name}\n${words.not_come}: ${party.missing}`)) return;
    note({ booking_id: party.booking_id, action: "ABSENT", guests: party.missing });
  }

  function undo(party, step) {
    if (!confirm(`${party.name}\n${words.undo}: ${step.guests} · ${step.time}`)) return;
    note({ booking_id: party.booking_id, action: "UNDO", undoes: step.id });
  }

  function drawState() {
    const waiting = queue().length;
    const kept = read("list", null);
    const text = { online: waiting ? words.sending : words.online, offline: words.offline, "signed-out": words.signed_out }[state];
    page.state.className = `state ${state}`;
    page.state.textContent = waiting ? `${text} · ${words.waiting}: ${waiting}` : text;
    page.sign_in.hidden = state !== "signed-out";
    page.as_of.textContent = kept && state !== "online" ? `${words.as_of} ${clock(new Date(kept.kept_at), kept.manifest.time_zone)}` : "";
    const others = waitingOfOthers();
    page.others.hidden = !others;
  }

  function drawRefused(all) {
    const steps = refused();
    page.refused.hidden = !steps.length;
    const names = new Map(all.map((party) => [party.booking_id, party.name]));
    page.refused_list.replaceChildren(...steps.map((step) => make("li", {},
      make("span", {}, make("b", {}, make("bdi", { text: names.get(step.booking_id) || step.booking_id })),
        ` ${{ CAME: words.came, ABSENT: words.absent, UNDO: words.undo }[step.action]} ${step.guests || ""} · ${clock(new Date(step.at), config.time_zone)} – `, make("span", { text: step.why })),
      make("button", { type: "button", class: "quiet small", text: words.read, on: { click: () => { write("refused", refused().filter((one) => one.id !== step.id)); draw(); } } }))));
  }

  let quiet = 0;
  function say(text, tone) {
    clearTimeout(quiet);
    page.said.textContent = text;
    page.said.className = `said ${tone}`;
    page.said.hidden = false;
    quiet = setTimeout(() => { page.said.hidden = true; }, 4000);
  }

  // --- Vouchers ---

  function codeIn(text) {
    const found = /\/v\/([^/?#\s]+)/.exec(text.trim());
    return found ? decodeURIComponent(found[1]) : "";
  }

  /* Opens the party that a scanned or typed text names; true if it was a voucher or a reference. */
  function follow(text) {
    const code = codeIn(text);
    const reference = (code ? code.split(".")[0] : (/^\s*(BK-[0-9A-Z]{4,9})\s*$/i.exec(text) || [])[1] || "").toUpperCase();
    if (!reference) return false;
    const party = (parties() || []).find((one) => one.reference === reference);
    page.search.value = "";
    if (!party) {
      say(`${reference}: ${words.not_here}`, "bad");
      draw();
      return true;
    }
    opened = party.booking_id;
    scanned = { booking_id: party.booking_id, code };
    draw();
    const node = document.getElementById(`party-${party.booking_id}`);
    node.scrollIntoView({ block: "center" });
    (node.querySelector(".main") || node.querySelector(".head")).focus({ preventScroll: true });
    if (party.lets_in && !party.missing && party.came) {
      const step = party.steps.filter((one) => one.action === "CAME").at(-1);
      say(`${party.name}: ${words.already_in} ${step ? `${step.time} · ${step.by}` : ""}`, "bad");
    }
    return true;
  }

  let camera = null;
  async function look() {
    if (camera) return closeCamera();
    try {
      const detector = new BarcodeDetector({ formats: ["qr_code"] });
      camera = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
      page.video.srcObject = camera;
      page.camera.hidden = false;
      await page.video.play();
      const seek = async () => {
        if (!camera) return;
        const [found] = await detector.detect(page.video).catch(() => []);
        if (found && follow(found.rawValue)) return closeCamera();
        setTimeout(seek, 200);
      };
      seek();
    } catch {
      closeCamera();
      say(words.no_camera, "bad");
    }
  }

  function closeCamera() {
    camera?.getTracks().forEach((track) => track.stop());
    camera = null;
    page.camera.hidden = true;
  }

  // --- Beginning ---

  page.search.addEventListener("input", () => {
    if (codeIn(page.search.value)) return; // a scanner is typing
    opened = "";
    draw();
  });
  page.form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (follow(page.search.value)) return;
    const typed = plain(page.search.value.trim());
    const found = typed ? (parties() || []).filter((party) => matches(party, typed)) : [];
    if (found.length === 1) follow(found[0].reference);
  });
  page.filters.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-show]");
    if (!button) return;
    shown = button.dataset.show;
    opened = "";
    draw();
  });
  page.scan.hidden = !("BarcodeDetector" in window && navigator.mediaDevices);
  page.scan.addEventListener("click", look);
  page.close_camera.addEventListener("click", closeCamera);
  page.now.addEventListener("click", () => send());
  window.addEventListener("online", () => send());
  window.addEventListener("offline", () => { state = "offline"; draw(); });
  window.addEventListener("storage", () => draw());
  document.addEventListener("visibilitychange", () => { if (!document.hidden) send(); });
  setInterval(() => { if (!document.hidden && state !== "signed-out") send(); }, REFRESH);

  async function keepPage() {
    if (!("serviceWorker" in navigator)) return;
    await navigator.serviceWorker.register(config.urls.worker);
    const store = await caches.open("rihla-check-in");
    const assets = [...document.querySelectorAll("link[rel=stylesheet], script[src]")].map((node) => node.href || node.src);
    for (const url of [location.pathname, ...assets]) {
      const answer = await fetch(url, { credentials: "same-origin" });
      if (answer.ok && !answer.redirected) await store.put(url, answer);
    }
  }

  forgetOldLists();
  draw();
  send().then(() => {
    const code = new URLSearchParams(location.search).get("code");
    const wanted = new URLSearchParams(location.search).get("booking");
    if (code) follow(`/v/${code}`);
    else if (wanted) follow(wanted);
    else page.search.focus({ preventScroll: true });
    if (location.search) history.replaceState(null, "", location.pathname);
  });
  keepPage().catch(() => {});
})();
