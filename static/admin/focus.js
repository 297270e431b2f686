/* The theme hides a page until its scripts run; by then the browser has given up on the field that asked for the focus. */
"use strict";
document.addEventListener("alpine:initialized", () => setTimeout(() => {
  if (document.activeElement === document.body) document.querySelector("[autofocus]")?.focus();
}));
