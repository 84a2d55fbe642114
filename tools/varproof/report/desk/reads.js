"use strict";
// A candidate's data as it lies in the page, unpacked: what varproof says of it, and the reads of each track as arrays.
// Codes of bases and flags are those of the tensor files (`varproof.formats.tensors`).

const NOTHING = 0, DELETED = 6, AS_REFERENCE = 7, BASE_MASK = 7, INSERTION_FOLLOWS = 8, SOFT_CLIPPED = 16;
const LETTERS = " ACGTN-";
const MAPQ = 0, FLAGS = 1, ALT_MISMATCHES = 2, REF_MISMATCHES = 3, END_DISTANCE = 4, CLIPPED = 5, EDITS = 6, INSERT_SIZE = 7;
const ROW_COLUMNS = 8, INSERT_SIZE_UNIT = 4, NOT_COMPARED = 255;
const ALLELES = ["the alternative allele", "the reference allele", "neither allele"];
const ROW_REVERSE = 2, ROW_PAIRED = 4, IMPROPER = 32, SUPPORTS_ALT = 64, SUPPORTS_REF = 128;

/**
 * @typedef {{name: string, kind: string, ad: string, depth: number | null, observed: number | null, mode: number | null,
 *   density: number[][], fields: string[][]}} SampleFacts
 * @typedef {{first: number, frame: number[], rows: number[], states: string[], alleles: string[], mates: [number, number][][],
 *   names: (string | number | string[])[][], there: number[], insertions: [number, number, string][][], events: [string, string, number][], reasons: string[], samples: SampleFacts[],
 *   fields: string[][], same: string, attention?: AttentionFacts}} Facts
 * @typedef {{n: number, base: Uint8Array, quality: Uint8Array, columns: Uint8Array, states: string[], fragment: number[],
 *   names: string[], there: number, inserted: Map<number, string>}} Pile
 * @typedef {{facts: Facts, reference: Uint8Array, piles: Pile[], window: number}} Candidate
 */

/** @param {string} text @returns {Promise<Uint8Array>} */
async function inflated(text) {
  const packed = Uint8Array.from(atob(text.trim()), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

/** @param {Uint8Array} bytes @param {number} window @returns {Candidate} */
function unpacked(bytes, window) {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  /** @type {Facts} */
  const facts = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  let at = 4 + length;
  /** @param {number} size */
  const take = (size) => bytes.slice(at, (at += size));
  const reference = take(window);
  const piles = facts.rows.map((n, track) => {
    const base = take(n * window);
    for (let i = 0; i < base.length; i++) {
      if ((base[i] & BASE_MASK) === AS_REFERENCE) base[i] = (base[i] & ~BASE_MASK) | reference[i % window];
    }
    const inserted = new Map((facts.insertions[track] || []).map(([row, column, bases]) => [row * window + column, bases]));
    const states = n ? facts.states[track].split(" ") : [];
    const [fragment, there] = [fragmentsOf(n, facts.mates[track]), facts.there[track]];
    return { n, base, quality: take(n * window), columns: take(n * ROW_COLUMNS), states, fragment, names: /** @type {string[]} */ ([]), there, inserted };
  });
  for (const [track, pile] of piles.entries()) {
    pile.names = unpackedNames(facts.names[track], pile.fragment.reduce((most, number) => Math.max(most, number + 1), 0), take);
  }
  return { facts, reference, piles, window };
}

/** Number of the fragment of each row, by first appearance. @param {number} n @param {[number, number][]} mates later and earlier row */
function fragmentsOf(n, mates) {
  const earlier = new Map(mates);
  /** @type {number[]} */
  const numbers = [];
  let next = 0;
  for (let row = 0; row < n; row++) {
    const first = earlier.get(row);
    numbers.push(first === undefined ? next++ : numbers[first]);
  }
  return numbers;
}

/**
 * Names of n fragments, part by part: a text of all, a text each, or numbers of so many bytes, the high bytes of all first.
 * @param {(string | number | string[])[]} columns @param {number} n @param {(size: number) => Uint8Array} take
 */
function unpackedNames(columns, n, take) {
  /** @type {string[]} */
  const names = Array(n).fill("");
  for (const column of columns) {
    const bytes = typeof column === "number" ? take(column * n) : new Uint8Array(0);
    for (let i = 0; i < n; i++) {
      if (typeof column === "number") {
        let value = 0;
        for (let at = i; at < bytes.length; at += n) value = 256 * value + bytes[at];
        names[i] += value;
      } else names[i] += typeof column === "string" ? column : column[i];
    }
  }
  return names;
}

/** The read's name; empty where it isn't known. @param {Pile} pile @param {number} row */
function nameOf(pile, row) {
  return pile.names[pile.fragment[row]] || "";
}

/** The row of the other read of its fragment; -1 where it has none here. @param {Pile} pile @param {number} row */
function mateOf(pile, row) {
  return pile.fragment.findIndex((number, other) => number === pile.fragment[row] && other !== row);
}

/** 0 nothing, 1 aligned, 2 deleted, 3 soft-clipped. @param {number} code */
function kindOf(code) {
  const letter = code & BASE_MASK;
  return letter === NOTHING ? 0 : letter === DELETED ? 2 : code & SOFT_CLIPPED ? 3 : 1;
}

/** One of the stored columns of a row. @param {Pile} pile @param {number} row @param {number} column */
function stored(pile, row, column) {
  return pile.columns[column * pile.n + row];
}

/** 0 alternative, 1 reference, 2 neither. @param {Pile} pile @param {number} row */
function alleleOf(pile, row) {
  const flags = stored(pile, row, FLAGS);
  return flags & SUPPORTS_ALT ? 0 : flags & SUPPORTS_REF ? 1 : 2;
}

/**
 * Reads by allele and strand: [alternative, reference, neither] x [forward, reverse], and by fragment [alternative, reference].
 * A fragment shows the alternative if one of its reads does.
 * @param {Pile} pile
 */
function strandCounts(pile) {
  const counts = [[0, 0], [0, 0], [0, 0]];
  for (let row = 0; row < pile.n; row++) {
    counts[alleleOf(pile, row)][stored(pile, row, FLAGS) & ROW_REVERSE ? 1 : 0] += 1;
  }
  return counts;
}

/**
 * Share of the reads that show the alternative among those that show it or the reference, of one strand (0 forward, 1 reverse) or
 * both; NaN where there are none.
 * @param {number[][]} counts as `strandCounts` has them @param {number} [strand]
 */
function alternativeShare(counts, strand) {
  const [alternative, reference] = counts.map((pair) => (strand === undefined ? pair[0] + pair[1] : pair[strand]));
  return alternative / (alternative + reference);
}

/** The candidate's first column. @param {Candidate} candidate */
function ownColumn(candidate) {
  return Math.max(0, Math.min(candidate.window - 1, Math.floor(candidate.facts.frame[0])));
}

/**
 * Medians over the reads of an allele: quality of their base at the candidate, mapping quality, mismatches and gaps, distance of
 * the candidate from the nearer end; nothing where there are no such reads.
 * @param {Candidate} candidate @param {Pile} pile @param {number} allele as `alleleOf` has it
 */
function typical(candidate, pile, allele) {
  const column = ownColumn(candidate);
  const rows = [];
  for (let row = 0; row < pile.n; row++) if (alleleOf(pile, row) === allele) rows.push(row);
  /** @param {number[]} values */
  const median = (values) => values.sort((a, b) => a - b)[values.length >> 1];
  const bases = rows.filter((row) => kindOf(pile.base[row * candidate.window + column]) % 2 === 1);
  return {
    quality: median(bases.map((row) => pile.quality[row * candidate.window + column])),
    mapping: median(rows.map((row) => stored(pile, row, MAPQ))),
    edits: median(rows.map((row) => stored(pile, row, EDITS))),
    end: median(rows.map((row) => stored(pile, row, END_DISTANCE))),
  };
}

/** Whether a read has another base than the reference at a column. @param {Candidate} candidate @param {Pile} pile @param {number} row @param {number} column */
function isMismatch(candidate, pile, row, column) {
  const code = pile.base[row * candidate.window + column] & BASE_MASK;
  const known = candidate.reference[column];
  return code >= 1 && code <= 5 && known >= 1 && known <= 4 && code !== known;
}

const GROUPINGS = {
  allele: (/** @type {Pile} */ pile, /** @type {number} */ row) => ["alternative", "reference", "neither"][alleleOf(pile, row)],
  strand: (/** @type {Pile} */ pile, /** @type {number} */ row) => (stored(pile, row, FLAGS) & ROW_REVERSE ? "reverse" : "forward"),
  haplotype: (/** @type {Pile} */ pile, /** @type {number} */ row) => pile.states[row] || "",
  mate: () => "",
  nothing: () => "",
};
const GROUP_ORDER = ["alternative", "reference", "neither", "forward", "reverse"];

/**
 * Order by what a read shows at a column: an insertion behind it, other bases than the reference's, a gap, its base, nothing.
 * @param {Candidate} candidate @param {Pile} pile @param {number} row @param {number} column
 */
function baseRank(candidate, pile, row, column) {
  const code = pile.base[row * candidate.window + column];
  const letter = code & BASE_MASK;
  if (letter === NOTHING) return 9;
  if (code & INSERTION_FOLLOWS) return 0;
  return letter === candidate.reference[column] ? 8 : letter;
}

/**
 * Rows as drawn, and where groups begin: rows without a base in the window are left out.
 * @param {Candidate} candidate @param {Pile} pile @param {string} group one of GROUPINGS @param {string} sort
 * @param {number} [column] whose base or quality they are sorted by; without it the candidate's
 * @returns {{order: number[], groups: [string, number, number][]}}
 */
function arranged(candidate, pile, group, sort, column = ownColumn(candidate)) {
  const { window } = candidate;
  const of = GROUPINGS[/** @type {keyof typeof GROUPINGS} */ (group)] || GROUPINGS.allele;
  const rows = [];
  for (let row = 0; row < pile.n; row++) {
    const here = pile.base.subarray(row * window, (row + 1) * window);
    const first = here.findIndex((code) => (code & BASE_MASK) !== NOTHING);
    if (first >= 0) rows.push({ row, first, name: of(pile, row) });
  }
  /** @param {{row: number, first: number}} item */
  const rank = (item) => {
    const at = item.row * window + column;
    if (group === "mate") return pile.fragment[item.row] ?? item.row;
    if (sort === "base") return baseRank(candidate, pile, item.row, column);
    if (sort === "quality") return -pile.quality[at];
    if (sort === "mapping quality") return -stored(pile, item.row, MAPQ);
    if (sort === "insert size") return stored(pile, item.row, INSERT_SIZE);
    if (sort === "mismatches") return -stored(pile, item.row, EDITS);
    if (sort === "strand") return stored(pile, item.row, FLAGS) & ROW_REVERSE;
    return 0;
  };
  /** @param {string} name */
  const place = (name) => (GROUP_ORDER.includes(name) ? String(GROUP_ORDER.indexOf(name)) : name.replace(/x/g, "0").replace(/o/g, "1").replace(/\?/g, "2"));
  rows.sort((a, b) => (a.name === b.name ? 0 : place(a.name) < place(b.name) ? -1 : 1) || rank(a) - rank(b) || a.first - b.first || a.row - b.row);
  /** @type {[string, number, number][]} */
  const groups = [];
  rows.forEach((item, i) => {
    const last = groups[groups.length - 1];
    if (last && last[0] === item.name) last[2] = i + 1;
    else groups.push([item.name, i, i + 1]);
  });
  return { order: rows.map((item) => item.row), groups };
}

/** Depth and counts of A, C, G, T, N by column. Soft clips do not count. @param {Candidate} candidate @param {Pile} pile */
function coverageOf(candidate, pile) {
  const { window } = candidate;
  const counts = new Uint32Array(window * 6);
  for (let row = 0; row < pile.n; row++) {
    for (let column = 0; column < window; column++) {
      const code = pile.base[row * window + column];
      const letter = code & BASE_MASK;
      if (letter >= 1 && letter <= 5 && !(code & SOFT_CLIPPED)) {
        counts[column * 6] += 1;
        counts[column * 6 + letter] += 1;
      }
    }
  }
  return counts;
}

/**
 * Where the next track begins below what is in view; 0 from the last one, or from as far down as it goes.
 * @param {number[]} tops where tracks begin @param {number} scroll @param {number} most how far down it goes
 */
function nextTop(tops, scroll, most) {
  const next = tops.find((top) => top > scroll + 1);
  return next === undefined || scroll >= most ? 0 : Math.min(next, most);
}

/** What there is to say of a read, for its label. @param {Candidate} candidate @param {Pile} pile @param {number} row @param {number} column */
function readFacts(candidate, pile, row, column) {
  const flags = stored(pile, row, FLAGS);
  const code = pile.base[row * candidate.window + column];
  const letter = LETTERS[code & BASE_MASK];
  const lines = [];
  if (letter === "-") lines.push("deleted here");
  else if (letter !== " ") lines.push(`${letter}, base quality ${pile.quality[row * candidate.window + column]}${code & SOFT_CLIPPED ? ", soft-clipped" : ""}`);
  const inserted = pile.inserted.get(row * candidate.window + column);
  if (code & INSERTION_FOLLOWS) lines.push(inserted ? `then ${inserted} inserted` : "an insertion follows");
  lines.push(`shows ${ALLELES[alleleOf(pile, row)]}`);
  lines.push(`${flags & ROW_REVERSE ? "reverse" : "forward"}, mapping quality ${stored(pile, row, MAPQ)}`);
  const size = stored(pile, row, INSERT_SIZE) * INSERT_SIZE_UNIT;
  if (!(flags & ROW_PAIRED)) lines.push("no pair");
  else lines.push(`insert size ${size === 0 ? "unknown" : size >= 255 * INSERT_SIZE_UNIT ? `${size} bp or more` : `about ${size} bp`}${flags & IMPROPER ? ", not a proper pair" : ""}`);
  const clipped = stored(pile, row, CLIPPED);
  lines.push(`${stored(pile, row, EDITS)} mismatches and gaps${clipped ? `, ${clipped} bases clipped` : ""}`);
  lines.push(`${stored(pile, row, END_DISTANCE)} bp from its nearer end to the candidate`);
  const [alt, ref] = [stored(pile, row, ALT_MISMATCHES), stored(pile, row, REF_MISMATCHES)];
  if (alt !== NOT_COMPARED && ref !== NOT_COMPARED) lines.push(`mismatches: ${alt} with the alternative, ${ref} with the reference`);
  const mate = mateOf(pile, row);
  if (mate >= 0) lines.push(`its mate is here, too: ${stored(pile, mate, FLAGS) & ROW_REVERSE ? "reverse" : "forward"}, ${ALLELES[alleleOf(pile, mate)]}`);
  return lines;
}
