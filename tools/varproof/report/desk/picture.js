"use strict";
// The pileup under the hands: how it is arranged, zoomed and panned, which column it is sorted by, which read is told of.

/** @typedef {{track: number, row: number, column: number}} At */

/** How far a pointer may move for a click, pixels. */
const CLICK = 4;

class Picture {
  /** @param {PileupView} view @param {(text: string) => void} say */
  constructor(view, say) {
    this.view = view;
    this.say = say;
    /** Where the pointer is, in pixels of the canvas. @type {{x: number, y: number} | null} */
    this.pointer = null;
    this.listen();
  }

  /** @param {Candidate | null} candidate */
  show(candidate) {
    this.view.look.column = null;
    this.view.chosen = null;
    this.view.show(candidate);
  }

  /** What a command does to the picture. @param {string} does */
  command(does) {
    const { view } = this;
    const middle = GUTTER + view.width / 2;
    /** @type {{[does: string]: () => void}} */
    const commands = {
      in: () => view.zoom(1.4, middle), out: () => view.zoom(1 / 1.4, middle), whole: () => view.whole(), tall: () => byId("tall").click(),
      "pan right": () => view.pan(60, 0), "pan left": () => view.pan(-60, 0), down: () => view.pan(0, 40), up: () => view.pan(0, -40),
      "page down": () => view.pan(0, 300), "page up": () => view.pan(0, -300), other: () => view.nextTrack(),
      line: () => this.line(this.pointer ? view.columnAt(this.pointer.x) : null), "line left": () => this.lineBeside(-1), "line right": () => this.lineBeside(1),
      read: () => this.nextRead(1), "read before": () => this.nextRead(-1),
      group: () => this.next("group"), sort: () => this.next("sort"), colour: () => this.next("colour"),
    };
    if (Object.hasOwn(commands, does)) commands[does]();
  }

  /** The next value of one of the three menus. @param {"group" | "sort" | "colour"} name */
  next(name) {
    const menu = byId(name);
    menu.value = nextValue([...menu.options].map((option) => option.value), menu.value);
    this.look(name);
    this.say(`${name} by ${menu.value}`);
  }

  /** @param {"group" | "sort" | "colour"} name */
  look(name) {
    this.view.look[name] = byId(name).value;
    this.view.arrange();
  }

  /** Sort by the base at a column; by the candidate's where there is none, or it is this one already. @param {number | null} column */
  line(column) {
    const { view } = this;
    if (!view.candidate) return;
    view.look.column = column === null || column === view.look.column || column === ownColumn(view.candidate) ? null : column;
    if (view.look.sort !== "quality") view.look.sort = byId("sort").value = "base";
    view.arrange();
    const at = view.look.column === null ? "the candidate" : (view.candidate.facts.first + view.look.column + 1).toLocaleString("en");
    this.say(`sorted by the ${view.look.sort} at ${at}`);
  }

  /** @param {number} step */
  lineBeside(step) {
    const { candidate, look } = this.view;
    if (!candidate) return;
    const column = (look.column ?? ownColumn(candidate)) + step;
    if (column < 0 || column >= candidate.window) return;
    this.line(column);
    this.view.reveal(column);
  }

  /** Tell of a read until another is chosen; of none. @param {At | null} at */
  choose(at) {
    this.view.chosen = at;
    tellRead(this.view.candidate, at);
    const section = byId("read-section");
    if (at && getComputedStyle(section).position !== "fixed") section.scrollIntoView({ block: "nearest" });
    this.view.ask();
  }

  /** The read so many rows on, of all tracks, at the column that reads are sorted by. @param {number} step */
  nextRead(step) {
    const { candidate, places, look, chosen } = this.view;
    if (!candidate) return;
    const rows = places.flatMap((place, track) => place.order.map((row) => ({ track, row })));
    if (!rows.length) return;
    const here = chosen ? rows.findIndex((one) => one.track === chosen.track && one.row === chosen.row) : step > 0 ? -1 : 0;
    const next = rows[(here + step + rows.length) % rows.length];
    this.choose({ ...next, column: chosen ? chosen.column : look.column ?? ownColumn(candidate) });
    this.view.revealRow(next.track, next.row);
    this.say(byId("read").innerText);
  }

  listen() {
    const { canvas } = this.view;
    for (const name of /** @type {const} */ (["group", "sort", "colour"])) byId(name).addEventListener("change", () => this.look(name));
    byId("clips").addEventListener("change", () => {
      this.view.look.clips = byId("clips").checked;
      this.view.ask();
    });
    byId("tall").addEventListener("change", () => {
      this.view.look.tall = byId("tall").checked;
      this.view.arrange();
    });
    for (const name of ["in", "out", "whole"]) byId(name).addEventListener("click", () => this.command(name));
    new ResizeObserver(() => {
      if (!this.view.zoomed) this.view.open();
      this.view.arrange();
    }).observe(canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.view.readColours();
      this.view.ask();
    });
    canvas.addEventListener("wheel", (event) => {
      event.preventDefault();
      if (event.ctrlKey) this.view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.offsetX);
      else this.view.pan(event.deltaX, event.deltaY);
      byId("tip").hidden = true;
    }, { passive: false });
    byId("read-close").addEventListener("click", () => this.choose(null));
    this.listenToPointer(canvas);
  }

  /** @param {HTMLCanvasElement} canvas */
  listenToPointer(canvas) {
    /** @type {{x: number, y: number, moved: number} | null} */
    let held = null;
    canvas.addEventListener("pointerdown", (event) => {
      held = { x: event.offsetX, y: event.offsetY, moved: 0 };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (held && held.moved < CLICK) this.click(event.offsetX, event.offsetY);
      held = null;
    });
    canvas.addEventListener("pointercancel", () => (held = null));
    canvas.addEventListener("pointerleave", () => {
      this.pointer = null;
      byId("tip").hidden = true;
    });
    canvas.addEventListener("pointermove", (event) => {
      this.pointer = { x: event.offsetX, y: event.offsetY };
      if (!held) return this.hover(event.offsetX, event.offsetY);
      const [dx, dy] = [held.x - event.offsetX, held.y - event.offsetY];
      held = { ...this.pointer, moved: held.moved + Math.abs(dx) + Math.abs(dy) };
      if (held.moved < CLICK) return;
      this.view.pan(dx, dy);
      byId("tip").hidden = true;
    });
  }

  /** A read's facts stay; on the reference or the coverage, reads are sorted by the column. @param {number} x @param {number} y */
  click(x, y) {
    const found = this.view.at(x, y);
    if (found || !this.view.isHead(y)) this.choose(found);
    else this.line(this.view.columnAt(x));
  }

  /** @param {number} x @param {number} y */
  hover(x, y) {
    const [found, tip] = [this.view.at(x, y), byId("tip")];
    tip.hidden = !found;
    if (!found || !this.view.candidate) return;
    tip.replaceChildren(...readLines(this.view.candidate, found));
    const { canvas } = this.view;
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y + 16 + tip.offsetHeight > canvas.clientHeight ? y - tip.offsetHeight - 10 : y + 16}px`;
  }
}
