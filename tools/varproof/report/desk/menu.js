"use strict";
// A button with a menu: arrows choose, Enter or a click does it, Escape closes.

class Menu {
  /** @param {HTMLElement} button @param {HTMLElement} menu with items that have data-kind @param {(kind: string) => void} chosen */
  constructor(button, menu, chosen) {
    this.button = button;
    this.menu = menu;
    this.items = /** @type {HTMLElement[]} */ ([...menu.children]);
    button.addEventListener("click", () => (menu.hidden ? this.open() : this.close()));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
      event.preventDefault();
      this.open(event.key === "ArrowUp" ? this.items.length - 1 : 0);
    });
    for (const item of this.items) {
      item.addEventListener("click", () => {
        this.close();
        chosen(item.dataset.kind || "");
      });
    }
    menu.addEventListener("keydown", (event) => this.key(event));
    menu.addEventListener("focusout", (event) => {
      const to = /** @type {Node | null} */ (event.relatedTarget);
      if (to !== button && !menu.contains(to)) this.hide();
    });
  }

  /** @param {number} [item] */
  open(item = 0) {
    this.menu.hidden = false;
    this.button.setAttribute("aria-expanded", "true");
    this.items[item].focus();
  }

  hide() {
    this.menu.hidden = true;
    this.button.setAttribute("aria-expanded", "false");
  }

  close() {
    this.hide();
    this.button.focus();
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const [here, last] = [this.items.indexOf(/** @type {HTMLElement} */ (document.activeElement)), this.items.length - 1];
    /** @type {{[key: string]: number}} */
    const places = { ArrowDown: here === last ? 0 : here + 1, ArrowUp: here === 0 ? last : here - 1, Home: 0, End: last };
    if (event.key in places) this.items[places[event.key]].focus();
    else if (event.key === "Escape") this.close();
    else return;
    event.preventDefault();
  }
}
