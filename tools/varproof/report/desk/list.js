"use strict";
// The list of candidates: one stop of the Tab key, in which arrows go from one to the next.

/**
 * The shown candidate so many places on; from one that is not shown, the next shown one in that direction.
 * @param {number[]} shown ascending @param {number} here @param {number} step
 */
function neighbourOf(shown, here, step) {
  const at = shown.indexOf(here);
  if (at >= 0) return shown[Math.min(Math.max(0, at + step), shown.length - 1)];
  const next = step > 0 ? shown.find((i) => i > here) : [...shown].reverse().find((i) => i < here);
  return next === undefined ? here : next;
}

const LIST_STEPS = new Map([["ArrowDown", 1], ["ArrowUp", -1], ["PageDown", 10], ["PageUp", -10], ["Home", -Infinity], ["End", Infinity]]);

class CandidateList {
  /** @param {HTMLElement} element @param {Entry[]} entries @param {(i: number, focus: "place" | "list") => void} open */
  constructor(element, entries, open) {
    this.element = element;
    this.here = -1;
    /** @type {number[]} */
    this.shown = [];
    this.buttons = entries.map((entry, i) => {
      const button = /** @type {HTMLButtonElement} */ (made("button", { type: "button", tabindex: "-1" },
        made("span", { class: "where" }, `${entry.chrom}:${entry.pos.toLocaleString("en")}`), made("span", { class: "mark" }),
        made("span", { class: "allele" }, `${shortened(entry.ref)} > ${shortened(entry.alt)}${entry.gene ? ` ${entry.gene}` : ""}`),
        made("span", { class: "p" }, entry.posterior === null ? "" : probabilityText(entry.posterior))));
      button.addEventListener("click", () => open(i, "place"));
      element.append(made("li", {}, button));
      return button;
    });
    element.addEventListener("keydown", (event) => {
      const step = LIST_STEPS.get(event.key);
      if (step === undefined || event.shiftKey || event.ctrlKey || event.metaKey || event.altKey || !this.shown.length) return;
      event.preventDefault();
      const to = neighbourOf(this.shown, this.here, step);
      open(to, "list");
      this.buttons[to].focus();
    });
  }

  /** The candidate that is open now. @param {number} i */
  current(i) {
    if (this.here >= 0) this.buttons[this.here].removeAttribute("aria-current");
    this.here = i;
    this.buttons[i].setAttribute("aria-current", "true");
    this.buttons[i].scrollIntoView({ block: "nearest" });
    this.rove();
  }

  /** Show those of which it is true. @param {(i: number) => boolean} wanted */
  show(wanted) {
    this.shown = [];
    for (const [i, button] of this.buttons.entries()) {
      const here = wanted(i);
      /** @type {HTMLElement} */ (button.parentElement).hidden = !here;
      if (here) this.shown.push(i);
    }
    this.rove();
  }

  /** Tab stops at the candidate that is open, or at the first where that isn't shown. */
  rove() {
    const stop = this.shown.includes(this.here) ? this.here : this.shown[0];
    if (this.stopped !== undefined) this.buttons[this.stopped].tabIndex = -1;
    if (stop !== undefined) this.buttons[stop].tabIndex = 0;
    this.stopped = stop;
  }

  /** What this reviewer says of a candidate. @param {number} i @param {Judgement} own */
  mark(i, own) {
    const call = CALLS.find((one) => one.name === own.call);
    const mark = /** @type {HTMLElement} */ (this.buttons[i].children[1]);
    const text = call ? call.letter : own.tags.length || own.note ? "·" : "";
    if (mark.textContent === text && mark.classList.contains(own.call || "open")) return;
    mark.textContent = text;
    mark.className = `mark ${own.call || "open"}`;
    mark.title = own.call;
  }
}
