// Steps through a path, host by host. The page is whole without this.
"use strict";
(() => {
  const stepper = document.getElementById("stepper");
  const controls = document.getElementById("controls");
  if (!stepper || !controls) return;
  const saying = document.getElementById("saying");
  const shown = document.getElementById("shown");
  const total = Number(saying.dataset.total);
  const drawn = [...document.querySelectorAll("[data-stay]")].map((element) => [
    element,
    element.dataset.stay.split(" ").map(Number),
  ]);
  const buttons = Object.fromEntries(
    [...controls.querySelectorAll("button")].map((button) => [button.dataset.step, button]),
  );
  let now = 0; // 0 is the whole path

  function show(number) {
    now = Math.max(0, Math.min(total, number));
    document.body.classList.toggle("stepping", now > 0);
    for (const [element, numbers] of drawn) {
      element.classList.toggle("ahead", now > 0 && numbers[0] > now);
      element.classList.toggle("past", now > 0 && numbers[numbers.length - 1] < now);
    }
    for (const card of document.querySelectorAll("[data-card]")) {
      card.classList.toggle("now", Number(card.dataset.card) === now);
    }
    const card = document.getElementById(`stay-${now}`);
    shown.replaceChildren();
    if (card) {
      const copy = card.cloneNode(true);
      copy.removeAttribute("id");
      copy.removeAttribute("data-card");
      shown.append(copy);
    }
    saying.textContent = card
      ? `${now} of ${total}. ${card.querySelector(".say").textContent}`
      : "";
    bringIntoView();
    buttons.first.disabled = buttons.back.disabled = now === 1;
    buttons.on.disabled = buttons.last.disabled = now === total;
    buttons.all.disabled = now === 0;
  }

  // On a narrow screen the picture is wider than its place.
  function bringIntoView() {
    const place = stepper.querySelector(".drawing");
    const number = [...place.querySelectorAll(".badge")].find(
      (badge) => badge.textContent === String(now),
    );
    if (!number) return;
    const [at, of] = [number.getBoundingClientRect(), place.getBoundingClientRect()];
    place.scrollLeft += at.left - of.left - of.width / 2;
  }

  const steps = {
    first: () => show(1),
    back: () => show(now === 0 ? total : Math.max(1, now - 1)),
    on: () => show(now + 1),
    last: () => show(total),
    all: () => show(0),
  };
  const keys = {
    ArrowRight: "on", ArrowDown: "on", " ": "on", PageDown: "on",
    ArrowLeft: "back", ArrowUp: "back", PageUp: "back",
    Home: "first", End: "last", Escape: "all",
  };

  stepper.tabIndex = 0;
  stepper.setAttribute("aria-describedby", "keys");
  controls.hidden = false;
  controls.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    steps[button.dataset.step]();
    // A button that has just been switched off would take the keyboard with it.
    if (button.disabled) stepper.focus({ preventScroll: true });
  });
  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    let step = keys[event.key];
    if (event.key === " " && event.shiftKey) step = "back";
    const inside = stepper.contains(event.target);
    const sideways = event.key === "ArrowRight" || event.key === "ArrowLeft";
    // Elsewhere on the page the keys that scroll still scroll, and what has focus keeps its keys.
    if (!step || !(inside || (sideways && event.target === document.body))) return;
    if (event.key === " " && event.target.closest("button, a")) return;
    event.preventDefault();
    steps[step]();
  });
  show(0);
})();
