"use strict";
// The pileup on a canvas: reference, then tumour over normal over contexts; coverage above the reads of each. Only what is in
// view is drawn, so that it keeps up with scrolling.

class PileupView extends PileupSpace {
  /** @param {HTMLCanvasElement} canvas @param {Track[]} tracks */
  constructor(canvas, tracks) {
    super(canvas);
    this.context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
    this.tracks = tracks;
    this.wanted = 0;
    /** @type {{[name: string]: string}} */
    this.colours = {};
    this.readColours();
  }

  /** Colours of the page's style sheet, light or dark. */
  readColours() {
    const style = getComputedStyle(document.documentElement);
    for (const name of ["ink", "muted", "line", "paper", "soft", "forward", "reverse", "cover", "a", "c", "g", "t", "n", "on-a", "on-c", "on-g",
      "on-t", "on-n", "insertion", "large", "small", "frame", "alternative", "strong", "weak", "accent"]) {
      this.colours[name] = style.getPropertyValue(`--${name}`).trim();
    }
  }

  /** Draw with the next frame. */
  ask() {
    if (!this.wanted) this.wanted = requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.wanted = 0;
    const { canvas, context, colours } = this;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    if (canvas.width !== Math.round(width * ratio) || canvas.height !== Math.round(height * ratio)) {
      canvas.width = Math.round(width * ratio);
      canvas.height = Math.round(height * ratio);
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, width, height);
    const candidate = this.candidate;
    if (!candidate) return;
    context.save();
    context.translate(0, -this.scroll);
    this.places.forEach((place, i) => {
      if (place.bottom > this.scroll + RULER && place.top < this.scroll + height) this.drawTrack(candidate, candidate.piles[i], this.tracks[i], place, width);
    });
    context.restore();
    context.fillStyle = colours.paper;
    context.fillRect(0, 0, width, RULER);
    this.drawReference(candidate);
    context.strokeStyle = colours.frame;
    context.lineWidth = 1;
    const bottom = Math.min(height, this.height - this.scroll);
    for (const column of candidate.facts.frame) this.upright(column, bottom);
    if (this.look.column !== null) {
      context.strokeStyle = colours.accent;
      context.setLineDash([3, 3]);
      for (const column of [this.look.column, this.look.column + 1]) this.upright(column, bottom);
      context.setLineDash([]);
    }
  }

  /** A line at the left of a column, down to y. @param {number} column @param {number} y */
  upright(column, y) {
    const x = Math.round(this.x(column)) + 0.5;
    if (x < GUTTER - 1 || x > this.canvas.clientWidth) return;
    this.context.beginPath();
    this.context.moveTo(x, 16);
    this.context.lineTo(x, y);
    this.context.stroke();
  }

  /** @param {string} text @param {number} x @param {number} y @param {string} colour @param {CanvasTextAlign} align @param {string} font */
  text(text, x, y, colour, align, font) {
    const { context } = this;
    context.font = font;
    context.fillStyle = colour;
    context.textAlign = align;
    context.textBaseline = "middle";
    context.fillText(text, x, y);
  }

  /** @param {Candidate} candidate */
  drawReference(candidate) {
    const { context, colours, column } = this;
    context.save();
    context.beginPath();
    context.rect(GUTTER - 0.5, 0, this.width + 1, RULER);
    context.clip();
    const step = [5, 10, 20, 50, 100, 200].find((size) => size * column >= 90) || 500;
    const start = candidate.facts.first + 1;
    for (let position = Math.ceil(start / step) * step; position < start + candidate.window; position += step) {
      const x = this.x(position - start + 0.5);
      this.text(position.toLocaleString("en"), x, 7, colours.muted, "center", "11px system-ui, sans-serif");
      context.fillRect(x - 0.5, 14, 1, 3);
    }
    for (let c = 0; c < candidate.window; c++) {
      const code = candidate.reference[c];
      if (code < 1 || code > 5) continue;
      const name = LETTERS[code].toLowerCase();
      if (column >= 7) this.text(LETTERS[code], this.x(c + 0.5), 26, colours.ink, "center", `${Math.min(13, column + 2)}px ui-monospace, monospace`);
      context.fillStyle = colours[name];
      context.fillRect(this.x(c), 33, column + 0.3, 3);
    }
    context.restore();
  }

  /** @param {Candidate} candidate @param {Pile} pile @param {Track} track @param {Place} place @param {number} width */
  drawTrack(candidate, pile, track, place, width) {
    const { context, colours, column } = this;
    this.text(`${{ tumor: "Tumour", normal: "Normal", context: "Context" }[track.kind] || track.kind}: ${track.name}`, 8, place.top + 12, colours.ink, "left", "600 13px system-ui, sans-serif");
    const counts = strandCounts(pile).map((pair) => pair[0] + pair[1]);
    const cut = cutText(pile);
    this.text(`${cut ? `${cut}: ` : ""}${counts[0]} alternative, ${counts[1]} reference, ${counts[2]} neither`, width - RIGHT, place.top + 12, colours.muted, "right", "12px system-ui, sans-serif");
    if (!place.order.length) {
      this.text("no reads", GUTTER + this.width / 2, place.rowsTop - 8, colours.muted, "center", "13px system-ui, sans-serif");
      return;
    }
    context.save();
    context.beginPath();
    context.rect(GUTTER - 0.5, place.top, this.width + 1, place.bottom - place.top);
    context.clip();
    this.drawCoverage(candidate, place);
    const from = Math.max(0, Math.floor((this.scroll + RULER - place.rowsTop) / this.row));
    const to = Math.min(place.order.length, Math.ceil((this.scroll + this.canvas.clientHeight - place.rowsTop) / this.row));
    const median = this.look.colour === "insert size" ? medianSize(pile) : 0;
    const y = (/** @type {number} */ i) => place.rowsTop + i * this.row;
    for (let i = from; i < to; i++) this.drawBar(candidate, pile, place.order[i], y(i), median);
    for (let i = from; i < to; i++) this.drawBases(candidate, pile, place.order[i], y(i));
    this.drawChosen(pile, place);
    context.restore();
    this.text(String(place.deepest), GUTTER - 6, place.coverTop + 6, colours.muted, "right", "11px system-ui, sans-serif");
    context.fillStyle = colours.line;
    context.fillRect(GUTTER, place.rowsTop - 1, candidate.window * column, 1);
    for (const [name, low, high] of place.groups) {
      if (!name) continue;
      const [y0, y1] = [place.rowsTop + low * this.row, place.rowsTop + high * this.row];
      context.fillStyle = name === "alternative" || name.includes("x") ? colours.alternative : colours.muted;
      context.fillRect(GUTTER - 6, y0 + 1, 3, Math.max(1, y1 - y0 - 2));
      if (y1 - y0 >= 11) {
        this.text(name.length > 11 ? name.slice(0, 10) + "…" : name, GUTTER - 10, Math.min(Math.max((y0 + y1) / 2, y0 + 6), y1), colours.ink, "right", "11px system-ui, sans-serif");
      }
    }
  }

  /** @param {Candidate} candidate @param {Place} place */
  drawCoverage(candidate, place) {
    const { context, colours, column } = this;
    const scale = (COVER - 4) / place.deepest;
    const bottom = place.rowsTop - 2;
    for (let c = 0; c < candidate.window; c++) {
      const depth = place.coverage[c * 6];
      if (!depth) continue;
      context.fillStyle = colours.cover;
      context.fillRect(this.x(c), bottom - depth * scale, column + 0.3, depth * scale);
      let y = bottom;
      for (let code = 1; code <= 4; code++) {
        const count = place.coverage[c * 6 + code];
        if (code === candidate.reference[c] || candidate.reference[c] < 1 || count < 2 || count < 0.1 * depth) continue;
        context.fillStyle = colours[LETTERS[code].toLowerCase()];
        context.fillRect(this.x(c), y - count * scale, column + 0.3, count * scale);
        y -= count * scale;
      }
    }
  }

  /** Lines around the chosen read, and a thinner one around its mate. @param {Pile} pile @param {Place} place */
  drawChosen(pile, place) {
    const { candidate, chosen, context } = this;
    if (!candidate || !chosen || candidate.piles[chosen.track] !== pile) return;
    context.strokeStyle = this.colours.accent;
    for (const [row, thick] of [[chosen.row, 2], [mateOf(pile, chosen.row), 1]]) {
      const i = place.order.indexOf(row);
      if (i < 0) continue;
      const codes = [...pile.base.subarray(row * candidate.window, (row + 1) * candidate.window)].map((code) => kindOf(code) !== 0);
      const [x0, x1] = [this.x(codes.indexOf(true)), this.x(codes.lastIndexOf(true) + 1)];
      context.lineWidth = this.row < OUTLINED ? 1 : thick;
      context.setLineDash(row === chosen.row ? [] : [4, 3]);
      context.strokeRect(x0 - 1, place.rowsTop + i * this.row - 1, x1 - x0 + 2, Math.max(3, this.row) + 1);
    }
    context.setLineDash([]);
  }

  /** How high a read is drawn, and which columns are in view. @param {Candidate} candidate */
  extent(candidate) {
    const height = this.row > 4 ? this.row - 1 : this.row > 3 ? this.row - 0.5 : this.row;
    const from = Math.max(0, Math.floor(this.first));
    return { height, from, to: Math.min(candidate.window, Math.ceil(this.first + this.width / this.column)) };
  }

  /**
   * A read without its bases. Of mapping quality 0 it is outlined, and in low rows, where lines would cover bases, pale.
   * @param {Candidate} candidate @param {Pile} pile @param {number} row @param {number} y @param {number} median
   */
  drawBar(candidate, pile, row, y, median) {
    const { context, colours, column, look } = this;
    const window = candidate.window;
    const { height, from, to } = this.extent(candidate);
    const reverse = (stored(pile, row, FLAGS) & ROW_REVERSE) !== 0;
    const hollow = stored(pile, row, MAPQ) === 0;
    const at = row * window;
    const middle = y + height / 2;
    for (let start = from; start < to; ) {
      const kind = kindOf(pile.base[at + start]);
      let end = start + 1;
      while (end < to && kindOf(pile.base[at + end]) === kind) end += 1;
      const [x0, x1] = [this.x(start), this.x(end)];
      if (kind === 2) {
        context.fillStyle = colours.ink;
        const thick = Math.min(1.5, this.row * 0.3);
        context.fillRect(x0, middle - thick / 2, x1 - x0, thick);
      } else if (kind === 1 || (kind === 3 && look.clips)) {
        const tall = kind === 3 ? Math.max(1.5, height * 0.45) : height;
        context.fillStyle = this.barColour(pile, row, reverse, median);
        context.beginPath();
        const tip = Math.min(column, height, 5);
        const lastBase = end === window || kindOf(pile.base[at + end]) === 0;
        const firstBase = start === 0 || kindOf(pile.base[at + start - 1]) === 0;
        const right = !reverse && lastBase && end < window ? tip : 0;
        const left = reverse && firstBase && start > 0 ? tip : 0;
        context.moveTo(x0 + left, middle - tall / 2);
        context.lineTo(x1 - right, middle - tall / 2);
        context.lineTo(x1, middle);
        context.lineTo(x1 - right, middle + tall / 2);
        context.lineTo(x0 + left, middle + tall / 2);
        context.lineTo(x0, middle);
        context.closePath();
        if (hollow && height >= OUTLINED) {
          context.lineWidth = 1;
          context.strokeStyle = colours.muted;
          context.stroke();
        } else {
          if (hollow) [context.globalAlpha, context.fillStyle] = [0.35, colours.muted];
          context.fill();
          context.globalAlpha = 1;
        }
      }
      start = end;
    }
  }

  /** Bases that differ, qualities, insertions. @param {Candidate} candidate @param {Pile} pile @param {number} row @param {number} y */
  drawBases(candidate, pile, row, y) {
    const { context, colours, column, look } = this;
    const { height, from, to } = this.extent(candidate);
    const [at, middle] = [row * candidate.window, y + height / 2];
    const hollow = stored(pile, row, MAPQ) === 0;
    for (let c = from; c < to; c++) {
      const code = pile.base[at + c];
      const clipped = (code & SOFT_CLIPPED) !== 0;
      if (clipped && !look.clips) continue;
      const letter = code & BASE_MASK;
      if (letter >= 1 && letter <= 5) {
        const mismatch = isMismatch(candidate, pile, row, c);
        const strength = Math.min(40, pile.quality[at + c]) / 40;
        if (look.colour === "quality" && !hollow) {
          context.globalAlpha = 0.15 + 0.85 * strength;
          context.fillStyle = colours.strong;
          context.fillRect(this.x(c), y, column + 0.2, height);
          context.globalAlpha = 1;
        }
        if (mismatch) {
          const name = LETTERS[letter].toLowerCase();
          context.fillStyle = colours.paper;
          context.fillRect(this.x(c), y, column, height);
          context.globalAlpha = 0.3 + 0.7 * strength;
          context.fillStyle = colours[name];
          context.fillRect(this.x(c), clipped ? middle - height * 0.3 : y, column, clipped ? height * 0.6 : height);
          context.globalAlpha = 1;
          if (column >= 7 && height >= 8) {
            this.text(LETTERS[letter], this.x(c + 0.5), middle + 0.5, strength < 0.55 ? colours.ink : colours[`on-${name}`], "center", `600 ${Math.min(height, column + 1, 12)}px ui-monospace, monospace`);
          }
        } else if (look.colour !== "quality" && strength < 0.6 && !hollow && !clipped) {
          context.globalAlpha = 0.7 * (1 - strength);
          context.fillStyle = colours.paper;
          context.fillRect(this.x(c), y, column + 0.2, height);
          context.globalAlpha = 1;
        }
      }
      if (code & INSERTION_FOLLOWS) {
        const x = this.x(c + 1);
        context.fillStyle = colours.insertion;
        context.fillRect(x - 1, y, 2, height);
        context.fillRect(x - 3, y, 6, 1.5);
        context.fillRect(x - 3, y + height - 1.5, 6, 1.5);
        const bases = pile.inserted.get(at + c);
        if (bases && height >= 9 && column >= 7) {
          const shown = bases.length > 8 ? `${bases.length}` : bases;
          const wide = shown.length * 7 + 4;
          context.fillRect(x - wide / 2, y, wide, height);
          this.text(shown, x, middle + 0.5, colours.paper, "center", `600 ${Math.min(height, 11)}px ui-monospace, monospace`);
        }
      }
    }
  }

  /** @param {Pile} pile @param {number} row @param {boolean} reverse @param {number} median */
  barColour(pile, row, reverse, median) {
    const { colours, look } = this;
    if (look.colour === "quality") return colours.weak;
    if (look.colour === "strand") return reverse ? colours.c : colours.g;
    if (look.colour === "mapping quality") return mixed(colours.weak, colours.strong, Math.min(60, stored(pile, row, MAPQ)) / 60);
    if (look.colour === "mismatches") return mixed(colours.weak, colours.strong, Math.min(8, stored(pile, row, EDITS)) / 8);
    if (look.colour === "insert size") {
      const size = stored(pile, row, INSERT_SIZE);
      if (!size || (stored(pile, row, FLAGS) & IMPROPER)) return colours.large;
      return size > 1.6 * median ? colours.large : size < 0.6 * median ? colours.small : colours.weak;
    }
    return reverse ? colours.reverse : colours.forward;
  }
}

/** @param {Pile} pile */
function medianSize(pile) {
  const sizes = [];
  for (let row = 0; row < pile.n; row++) if (stored(pile, row, INSERT_SIZE)) sizes.push(stored(pile, row, INSERT_SIZE));
  sizes.sort((a, b) => a - b);
  return sizes.length ? sizes[sizes.length >> 1] : 0;
}

/** A colour between two, both #rrggbb. @param {string} first @param {string} second @param {number} share of the second */
function mixed(first, second, share) {
  const part = (/** @type {number} */ i) => {
    const [a, b] = [parseInt(first.slice(i, i + 2), 16), parseInt(second.slice(i, i + 2), 16)];
    return Math.round(a + (b - a) * share).toString(16).padStart(2, "0");
  };
  return `#${part(1)}${part(3)}${part(5)}`;
}
