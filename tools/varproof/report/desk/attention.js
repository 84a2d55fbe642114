"use strict";
// What the network looked at, where predict --explain told: a strip of columns above the pileup, a mark beside each read, and a
// sentence. Bars that go up, or to the right, spoke for a real variant; those down, or to the left, against it.

const STRIP = 40, MARKS = 26;

/** @typedef {{columns: number[][], rows: (number[] | null)[], sums: number[], seen: number[]}} AttentionFacts */

/** Sums of shades over tracks. @param {number[][]} columns */
function summedColumns(columns) {
  return (columns[0] || []).map((_, i) => columns.reduce((sum, track) => sum + track[i], 0));
}

/** A signed figure. @param {number} value */
function signed(value) {
  return `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`;
}

/**
 * What the strip and the marks say, in words.
 * @param {AttentionFacts} facts @param {string[]} names of the tracks @param {number[]} frame columns of the candidate
 */
function attentionText(facts, names, frame) {
  const columns = summedColumns(facts.columns);
  const total = facts.sums.reduce((sum, value) => sum + value, 0);
  const size = (/** @type {number[]} */ values) => values.reduce((sum, value) => sum + Math.abs(value), 0);
  const near = columns.filter((_, i) => i >= frame[0] - 5 && i < frame[1] + 5);
  const share = size(columns) ? `; ${Math.round((100 * size(near)) / size(columns))} % of it within 5 bp` : "";
  const untold = facts.rows.some((part) => part === null) ? ". Its reads could not all be told from others: columns only" : "";
  return `The network's log-odds, beside no reads at all: ${signed(total)} (${names.map((name, i) => `${name} ${signed(facts.sums[i])}`).join(", ")})${share}${untold}.`;
}

class Attention {
  /** @param {Desk} desk */
  constructor(desk) {
    this.view = desk.picture.view;
    this.names = desk.index.tracks.map((track) => ({ tumor: "tumour", normal: "normal" })[track.kind] || "context");
    this.picture = /** @type {HTMLElement} */ (byId("pileup").parentElement);
    this.strip = /** @type {HTMLCanvasElement} */ (made("canvas", { id: "strip", role: "img" }));
    this.marks = /** @type {HTMLCanvasElement} */ (made("canvas", { id: "marks", "aria-hidden": "true" }));
    this.text = made("p", { id: "attention-text" });
    this.box = /** @type {HTMLInputElement} */ (made("input", { type: "checkbox", id: "attention" }));
    this.box.checked = true;
    this.picture.append(this.strip, this.marks);
    byId("opinion").append(made("label", { class: "check", title: "up, or to the right: for a real variant; down, or to the left: against it" },
      this.box, " What the network looked at ", made("kbd", {}, "d")), this.text);
    const drawn = this.view.draw.bind(this.view);
    this.view.draw = () => {
      drawn();
      this.draw();
    };
    this.box.addEventListener("change", () => this.place());
    byId("blind").addEventListener("change", () => this.place());
    this.place();
  }

  /** What the shown candidate has, if it is to be seen: not by who judges blind. @returns {AttentionFacts | undefined} */
  get facts() {
    return this.view.candidate ? this.view.candidate.facts.attention : undefined;
  }

  /** Room for strip and marks, or none; whoever judges blind sees neither. */
  place() {
    this.picture.classList.toggle("attending", this.box.checked && !document.body.classList.contains("blind"));
    this.view.ask();
  }

  draw() {
    const { facts, view } = this;
    const shown = this.picture.classList.contains("attending");
    this.text.textContent = facts && view.candidate ? attentionText(facts, this.names, view.candidate.facts.frame) : "Not explained: predict --explain had others.";
    if (!shown) return;
    this.strip.setAttribute("aria-label", this.text.textContent);
    const strip = this.cleared(this.strip);
    const marks = this.cleared(this.marks);
    strip.font = "11px system-ui, sans-serif";
    strip.fillStyle = view.colours.muted;
    strip.textAlign = "right";
    strip.textBaseline = "middle";
    strip.fillText("network", GUTTER - 6, STRIP / 2);
    if (!facts || !view.candidate) return;
    this.drawColumns(strip, facts);
    this.drawRows(marks, facts);
  }

  /** The canvas, as large as it is shown, and empty. @param {HTMLCanvasElement} canvas */
  cleared(canvas) {
    const ratio = window.devicePixelRatio || 1;
    canvas.width = Math.round(canvas.clientWidth * ratio);
    canvas.height = Math.round(canvas.clientHeight * ratio);
    const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    return context;
  }

  /** @param {CanvasRenderingContext2D} context @param {AttentionFacts} facts */
  drawColumns(context, facts) {
    const { view } = this;
    const columns = summedColumns(facts.columns);
    const most = Math.max(1, ...columns.map(Math.abs));
    const [middle, reach] = [STRIP / 2, STRIP / 2 - 3];
    context.beginPath();
    context.rect(GUTTER - 0.5, 0, view.width + 1, STRIP);
    context.clip();
    context.fillStyle = view.colours.line;
    context.fillRect(view.x(facts.seen[0]), middle - 0.5, view.x(facts.seen[1]) - view.x(facts.seen[0]), 1);
    for (const [i, value] of columns.entries()) {
      if (!value) continue;
      const height = Math.max(1, (Math.abs(value) / most) * reach);
      context.fillStyle = value > 0 ? view.colours.small : view.colours.large;
      context.fillRect(view.x(i), value > 0 ? middle - height : middle, Math.max(1, view.column - 0.5), height);
    }
  }

  /** @param {CanvasRenderingContext2D} context @param {AttentionFacts} facts */
  drawRows(context, facts) {
    const { view } = this;
    const [middle, reach] = [MARKS / 2, MARKS / 2 - 1];
    context.beginPath();
    context.rect(0, RULER, MARKS, view.canvas.clientHeight);
    context.clip();
    for (const [track, place] of view.places.entries()) {
      const rows = facts.rows[track];
      if (!rows) continue;
      context.fillStyle = view.colours.line;
      context.fillRect(middle - 0.5, place.rowsTop - view.scroll, 1, place.order.length * view.row);
      for (const [i, row] of place.order.entries()) {
        const value = rows[row];
        if (!value) continue;
        const width = Math.max(1, (Math.abs(value) / 127) * reach);
        context.fillStyle = value > 0 ? view.colours.small : view.colours.large;
        context.fillRect(value > 0 ? middle : middle - width, place.rowsTop + i * view.row - view.scroll, width, Math.max(1, view.row - 1));
      }
    }
  }
}
