"use strict";
// Judgements of all reviewers of this file, kept in the browser under the file's digest, with a history that can be undone.

/**
 * @typedef {{reviews: Reviews, reviewer: string, here: number, ticked?: {[box: string]: boolean}}} Kept
 * @typedef {{reviewer: string, key: string, before: Judgement | undefined}} Step
 */

class Store {
  /** @param {string} digest @param {Storage | null} storage */
  constructor(digest, storage) {
    this.name = `varproof-review-${digest}`;
    this.storage = storage;
    /** @type {Reviews} */
    this.reviews = Object.create(null);
    this.reviewer = "reviewer";
    this.here = 0;
    /** Boxes of the page as this browser's user left them, by their id. @type {{[box: string]: boolean}} */
    this.ticked = Object.create(null);
    /** @type {Step[]} */
    this.history = [];
    this.read();
  }

  /** What was kept; a damaged record is left as it is, and nothing is read of it. */
  read() {
    try {
      const kept = /** @type {Kept | null} */ (JSON.parse((this.storage && this.storage.getItem(this.name)) || "null"));
      if (!kept) return;
      for (const [reviewer, judgements] of Object.entries(kept.reviews)) {
        for (const [key, judgement] of Object.entries(judgements)) this.put(reviewer, key, judgement);
      }
      this.reviewer = String(kept.reviewer);
      this.here = Number(kept.here) || 0;
      for (const [box, on] of Object.entries(kept.ticked || {})) this.ticked[box] = on === true;
    } catch {
      this.history = [];
    }
  }

  /** Whether it could be kept. */
  keep() {
    try {
      if (!this.storage) return false;
      this.storage.setItem(this.name, JSON.stringify({ reviews: this.reviews, reviewer: this.reviewer, here: this.here, ticked: this.ticked }));
      return true;
    } catch {
      return false;
    }
  }

  /** This reviewer's judgements. @returns {Judgements} */
  get own() {
    return this.reviews[this.reviewer] || Object.create(null);
  }

  /** @param {string} key @returns {Judgement} */
  of(key) {
    return this.own[key] || { call: "", tags: [], note: "", time: "" };
  }

  /** @param {string} reviewer @param {string} key @param {Judgement | undefined} judgement */
  put(reviewer, key, judgement) {
    const all = this.reviews[reviewer] || (this.reviews[reviewer] = Object.create(null));
    if (judgement && (judgement.call || judgement.tags.length || judgement.note)) {
      all[key] = { call: String(judgement.call), tags: judgement.tags.map(String), note: String(judgement.note), time: String(judgement.time) };
    } else delete all[key];
    if (Object.keys(all).length === 0) delete this.reviews[reviewer];
  }

  /** Change this reviewer's judgement of a candidate. @param {string} key @param {Partial<Judgement>} change @param {string} time */
  change(key, change, time) {
    this.history.push({ reviewer: this.reviewer, key, before: this.own[key] });
    this.put(this.reviewer, key, { ...this.of(key), ...change, time });
  }

  /** Take the last change back; the key of its candidate, or nothing where there is none. */
  undo() {
    const step = this.history.pop();
    if (!step) return "";
    this.put(step.reviewer, step.key, step.before);
    return step.key;
  }

  /**
   * Tags of the candidate, other than this one, that this reviewer has tagged last; none where there is none. In this sitting the
   * history tells, before it the time does.
   * @param {string} key
   */
  lastTags(key) {
    const own = this.own;
    const tagged = [...this.history].reverse().filter((step) => step.reviewer === this.reviewer).map((step) => step.key)
      .concat(Object.keys(own).sort((a, b) => (own[a].time < own[b].time ? 1 : own[a].time > own[b].time ? -1 : 0)));
    const found = tagged.find((other) => other !== key && other in own && own[other].tags.length);
    return found === undefined ? [] : own[found].tags;
  }

  /** Add what was imported; judgements of the same reviewer and candidate are replaced. @param {Imported[]} found */
  add(found) {
    for (const one of found) this.put(one.reviewer || this.reviewer, one.key, one.judgement);
    this.history = [];
  }
}

const FILTERS = {
  all: "all",
  open: "not judged",
  doubtful: "doubtful (0.1 to 0.9)",
  disagree: "posterior and network differ",
  somatic: "called somatic",
  germline: "called germline",
  ambiguous: "called ambiguous",
  fail: "called fail",
  noted: "with a note",
  differ: "reviewers differ",
};

/** Filters that tell what varproof or other reviewers say: not for who judges blind. */
const OPINIONS = ["doubtful", "disagree", "differ"];

/**
 * Whether a candidate belongs to what is shown; for who judges blind, whatever others say of it.
 * @param {Entry} entry @param {string} filter @param {string} text @param {Store} store @param {boolean} blind
 */
function belongs(entry, filter, text, store, blind) {
  const key = keyOf(entry);
  const own = store.of(key);
  if (text) {
    const words = [`${entry.chrom}:${entry.pos}`, entry.id, blind ? "" : entry.filter, entry.gene, entry.consequence, entry.type, own.tags.join(" "), own.note].join(" ").toLowerCase();
    if (!text.toLowerCase().split(/\s+/).every((word) => words.includes(word))) return false;
  }
  if (blind && OPINIONS.includes(filter)) return true;
  if (filter === "open") return !own.call;
  if (filter === "doubtful") return entry.posterior !== null && entry.posterior > 0.1 && entry.posterior < 0.9;
  if (filter === "disagree") return entry.posterior !== null && entry.network !== null && entry.posterior >= 0.5 !== entry.network >= 0.5;
  if (filter === "noted") return own.note !== "";
  if (filter === "differ") {
    const calls = Object.values(store.reviews).map((one) => (one[key] ? one[key].call : "")).filter((call) => call);
    return new Set(calls).size > 1;
  }
  return filter === "all" || own.call === filter;
}
