/* Keeps the guide's check-in page at hand where there is no reception: what was loaded once is shown again. Nothing but that
   page and its files is kept; the lists of guests lie in the page's own storage. */
"use strict";

const STORE = "rihla-check-in";
const PAGE = /\/departure\/[0-9a-f-]{36}\/check-in\/$/;

self.addEventListener("install", () => self.skipWaiting());
self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== self.location.origin) return;
  if (PAGE.test(url.pathname)) event.respondWith(pageFromNetElseKept(event.request, url.pathname));
  else if (url.pathname.includes("/check_in/")) event.respondWith(fileFromNetElseKept(event.request));
});

async function pageFromNetElseKept(request, path) {
  const store = await caches.open(STORE);
  try {
    const answer = await within(4000, fetch(request));
    if (answer.ok && !answer.redirected) await store.put(path, answer.clone());
    else if (answer.status === 403 || answer.redirected || answer.type === "opaqueredirect") await store.delete(path);
    return answer;
  } catch (fault) {
    const kept = await store.match(path);
    if (kept) return kept;
    throw fault;
  }
}

async function fileFromNetElseKept(request) {
  const store = await caches.open(STORE);
  try {
    const answer = await within(4000, fetch(request));
    if (answer.ok) await store.put(request.url, answer.clone());
    return answer;
  } catch (fault) {
    const kept = await store.match(request.url);
    if (kept) return kept;
    throw fault;
  }
}

function within(milliseconds, promise) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("late")), milliseconds);
    promise.then(resolve, reject).finally(() => clearTimeout(late));
  });
}
