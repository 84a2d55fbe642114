"use strict";
// Where the pileup's tracks, rows and columns lie on its canvas: zoom, pan, what is under a point. draw.js draws it.

const GUTTER = 74, RULER = 36, TITLE = 22, COVER = 40, BETWEEN = 10, RIGHT = 8, LEGIBLE = 8, TALL = 14, THIN = 2.6, OUTLINED = 6;

/**
 * @typedef {{group: string, sort: string, colour: string, clips: boolean, tall: boolean, column: number | null}} Look
 * @typedef {{top: number, coverTop: number, rowsTop: number, bottom: number, order: number[], groups: [string, number, number][],
 *   coverage: Uint32Array, deepest: number}} Place
 *
 * `column`: the one that reads are sorted by, where it is not the candidate's.
 */

class PileupSpace {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    this.canvas = canvas;
    /** @type {Look} */
    this.look = { group: "allele", sort: "base", colour: "base", clips: true, tall: false, column: null };
    /** The read that is told of beside the picture. @type {At | null} */
    this.chosen = null;
    /** @type {Candidate | null} */
    this.candidate = null;
    /** @type {Place[]} */
    this.places = [];
    this.scroll = 0;
    this.column = 8;
    this.first = 0;
    this.row = 8;
    this.zoomed = false;
  }

  /** Draw with the next frame: what draws has it. */
  ask() {}

  get width() {
    return this.canvas.clientWidth - GUTTER - RIGHT;
  }

  get height() {
    return this.places.length ? this.places[this.places.length - 1].bottom : 0;
  }

  /** @param {Candidate | null} candidate */
  show(candidate) {
    this.candidate = candidate;
    this.scroll = 0;
    if (!this.zoomed) this.open();
    else this.centre();
    this.arrange();
  }

  /** Show the whole window, and rows as high as fit. */
  fit() {
    this.zoomed = false;
    if (!this.candidate) return;
    this.column = this.width / this.candidate.window;
    this.first = 0;
  }

  /** The whole window, from now on. */
  whole() {
    this.fit();
    this.zoomed = true;
    this.clamp();
    this.ask();
  }

  /** Pan so far that a column is in view. @param {number} column */
  reveal(column) {
    const wide = this.width / this.column;
    if (column < this.first || column + 1 > this.first + wide) this.first = column + 0.5 - wide / 2;
    this.clamp();
    this.ask();
  }

  /** Scroll so far that a row is in view. @param {number} track @param {number} row */
  revealRow(track, row) {
    const y = this.places[track].rowsTop + this.places[track].order.indexOf(row) * this.row;
    if (y < this.scroll + RULER || y + this.row > this.scroll + this.canvas.clientHeight) this.scroll = y - this.canvas.clientHeight / 2;
    this.clamp();
    this.ask();
  }

  /** As wide as letters need, with the candidate in the middle. */
  open() {
    this.fit();
    this.column = Math.max(this.column, LEGIBLE);
    this.centre();
  }

  centre() {
    if (!this.candidate) return;
    const [low, high] = this.candidate.facts.frame;
    this.first = (low + high) / 2 - this.width / this.column / 2;
    this.clamp();
  }

  clamp() {
    const window = this.candidate ? this.candidate.window : 1;
    this.column = Math.min(40, Math.max(this.width / window, this.column));
    this.first = Math.min(Math.max(0, window - this.width / this.column), Math.max(0, this.first));
    this.scroll = Math.min(Math.max(0, this.height - this.canvas.clientHeight), Math.max(0, this.scroll));
  }

  /** Order of rows and places of tracks, anew. */
  arrange() {
    this.places = [];
    const candidate = this.candidate;
    if (candidate) {
      const made = candidate.piles.map((pile) => arranged(candidate, pile, this.look.group, this.look.sort, this.look.column ?? undefined));
      const rows = made.reduce((sum, one) => sum + Math.max(1, one.order.length), 0);
      const fixed = RULER + made.length * (TITLE + COVER + BETWEEN);
      const fitting = (this.canvas.clientHeight - fixed) / Math.max(1, rows);
      this.row = this.look.tall ? TALL : Math.min(TALL, Math.max(THIN, fitting));
      let top = RULER;
      candidate.piles.forEach((pile, i) => {
        const coverage = coverageOf(candidate, pile);
        let deepest = 1;
        for (let c = 0; c < candidate.window; c++) deepest = Math.max(deepest, coverage[c * 6]);
        const coverTop = top + TITLE;
        const rowsTop = coverTop + COVER;
        const bottom = rowsTop + Math.max(1, made[i].order.length) * this.row + BETWEEN;
        this.places.push({ top, coverTop, rowsTop, bottom, ...made[i], coverage, deepest });
        top = bottom;
      });
    }
    this.clamp();
    this.ask();
  }

  /** @param {number} factor @param {number} x where it stays, pixels */
  zoom(factor, x) {
    const at = this.first + (x - GUTTER) / this.column;
    this.zoomed = true;
    this.column *= factor;
    this.clamp();
    this.first = at - (x - GUTTER) / this.column;
    this.clamp();
    this.ask();
  }

  /** @param {number} dx @param {number} dy pixels */
  pan(dx, dy) {
    this.first += dx / this.column;
    this.scroll += dy;
    this.clamp();
    this.ask();
  }

  /** The next track's reads, or the first's again. */
  nextTrack() {
    this.scroll = nextTop(this.places.map((place) => place.top - RULER), this.scroll, Math.max(0, this.height - this.canvas.clientHeight));
    this.ask();
  }

  /** @param {number} column */
  x(column) {
    return GUTTER + (column - this.first) * this.column;
  }

  /** The column under a point; null beside the window. @param {number} x */
  columnAt(x) {
    const column = Math.floor(this.first + (x - GUTTER) / this.column);
    return !this.candidate || x < GUTTER || column < 0 || column >= this.candidate.window ? null : column;
  }

  /** Whether a point lies on the reference or on a track's coverage. @param {number} y */
  isHead(y) {
    const down = y + this.scroll;
    return y < RULER || this.places.some((place) => down >= place.top && down < place.rowsTop);
  }

  /** The track, row and column under a point of the canvas. @param {number} x @param {number} y @returns {At | null} */
  at(x, y) {
    if (!this.candidate || y < RULER || x < GUTTER) return null;
    const column = Math.floor(this.first + (x - GUTTER) / this.column);
    const down = y + this.scroll;
    for (const [track, place] of this.places.entries()) {
      const i = Math.floor((down - place.rowsTop) / this.row);
      if (i < 0 || i >= place.order.length || column < 0 || column >= this.candidate.window) continue;
      const row = place.order[i];
      if ((this.candidate.piles[track].base[row * this.candidate.window + column] & BASE_MASK) === NOTHING) return null;
      return { track, row, column };
    }
    return null;
  }
}
