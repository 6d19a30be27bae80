// Small comforts on top of pages that work without them.
"use strict";

// "All on this page" above ticked lists. Hidden in the page itself, since without scripts it would do nothing.
for (const label of document.querySelectorAll("[data-all]")) {
  label.hidden = false;
  const all = label.querySelector("input");
  const boxes = [...label.closest("form").querySelectorAll("input[type=checkbox][name=record]")];
  all.addEventListener("change", () => { for (const box of boxes) box.checked = all.checked; });
  label.closest("form").addEventListener("change", () => {
    const ticked = boxes.filter((box) => box.checked).length;
    all.checked = ticked === boxes.length;
    all.indeterminate = ticked > 0 && ticked < boxes.length;
  });
}

// A key that is shown once is selected as soon as it is touched.
for (const field of document.querySelectorAll("input.secret[readonly]")) {
  field.addEventListener("focus", () => field.select());
}

// On a narrow screen the menu scrolls sideways: where one is stays in view.
for (const here of document.querySelectorAll(".side [aria-current]")) {
  here.closest(".side").scrollLeft = Math.max(0, here.offsetLeft - 24);
}

// Menus close on Escape and on a click elsewhere.
const menus = "details.menu[open], details.inline[open]";
document.addEventListener("click", (event) => {
  for (const open of document.querySelectorAll(menus)) if (!open.contains(event.target)) open.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const open of document.querySelectorAll(menus)) {
    open.open = false;
    open.querySelector("summary").focus();
  }
});

// A form is sent once, however often its button is clicked.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) return event.preventDefault();
  form.dataset.sent = "yes";
  form.setAttribute("aria-busy", "true");
});
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) {
    delete form.dataset.sent;
    form.removeAttribute("aria-busy");
  }
});
