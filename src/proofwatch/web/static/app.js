// Small helps; every page works without this file.
"use strict";

// On a narrow screen the menu begins closed.
const menu = document.querySelector("details.menu");
if (menu && window.matchMedia("(max-width: 800px)").matches) menu.removeAttribute("open");

// A select of a filter is used at once.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form.filters");
  if (form && event.target.matches("select")) form.requestSubmit();
});

// What must be said twice before it is done.
document.addEventListener("submit", (event) => {
  const words = event.submitter && event.submitter.dataset.confirm;
  if (words && !window.confirm(words)) event.preventDefault();
});

// Nothing is refreshed under somebody's hands.
let typed = false;
document.addEventListener("input", () => { typed = true; });
document.addEventListener("htmx:confirm", (event) => {
  if (event.target.id === "live" && (typed || document.activeElement.matches("input, textarea, select"))) {
    event.preventDefault();
  }
});

// An error of a fragment goes to the place for problems instead of into the page.
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.xhr.status >= 400 && event.detail.xhr.getResponseHeader("HX-Retarget")) {
    event.detail.shouldSwap = true;
  }
});
document.addEventListener("htmx:sendError", () => {
  document.getElementById("problem").textContent = "Proofwatch cannot be reached now. Nothing was lost; try again.";
});
