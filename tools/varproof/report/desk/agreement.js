"use strict";
// How far reviewers agree: Cohen's kappa for two, Fleiss' for several, their intervals, and what most of them say.

const Z95 = 1.959964;

/**
 * @typedef {{kappa: number, low: number, high: number, agreed: number, n: number}} Agreement
 */

/**
 * Counts of pairs of calls: rows are the first reviewer's, columns the second's; candidates that both called.
 * @param {Judgements} first @param {Judgements} second @param {string[]} names
 */
function confusion(first, second, names) {
  const table = names.map(() => names.map(() => 0));
  for (const key of Object.keys(first)) {
    const row = names.indexOf(first[key].call);
    const column = key in second ? names.indexOf(second[key].call) : -1;
    if (row >= 0 && column >= 0) table[row][column] += 1;
  }
  return table;
}

/**
 * Cohen's kappa of a square table of counts; interval by the large-sample variance of Fleiss, Cohen and Everitt (1969).
 * NaN where there is nothing to compare; 1 where both always say the same one thing.
 * @param {number[][]} table @returns {Agreement}
 */
function cohen(table) {
  const n = table.flat().reduce((sum, count) => sum + count, 0);
  if (n === 0) return { kappa: NaN, low: NaN, high: NaN, agreed: NaN, n };
  const p = table.map((row) => row.map((count) => count / n));
  const rows = p.map((row) => row.reduce((sum, value) => sum + value, 0));
  const columns = p.map((_, j) => p.reduce((sum, row) => sum + row[j], 0));
  const agreed = p.reduce((sum, row, i) => sum + row[i], 0);
  const chance = rows.reduce((sum, value, i) => sum + value * columns[i], 0);
  if (1 - chance < 1e-12) return { kappa: 1, low: NaN, high: NaN, agreed, n };
  const kappa = (agreed - chance) / (1 - chance);
  let a = 0;
  let b = 0;
  for (let i = 0; i < p.length; i++) {
    for (let j = 0; j < p.length; j++) {
      if (i === j) a += p[i][i] * (1 - (rows[i] + columns[i]) * (1 - kappa)) ** 2;
      else b += p[i][j] * (columns[i] + rows[j]) ** 2;
    }
  }
  const c = (kappa - chance * (1 - kappa)) ** 2;
  const variance = Math.max(0, (a + (1 - kappa) ** 2 * b - c) / (n * (1 - chance) ** 2));
  const error = Z95 * Math.sqrt(variance);
  return { kappa, low: Math.max(-1, kappa - error), high: Math.min(1, kappa + error), agreed, n };
}

/**
 * Fleiss' kappa (1971) of counts (candidates x calls), rows of two reviewers or more, not necessarily as many each; interval by
 * the jackknife over candidates.
 * @param {number[][]} counts @returns {Agreement}
 */
function fleiss(counts) {
  const rows = counts.filter((row) => row.reduce((sum, count) => sum + count, 0) > 1);
  const n = rows.length;
  if (n === 0) return { kappa: NaN, low: NaN, high: NaN, agreed: NaN, n };
  const totals = rows[0].map((_, j) => rows.reduce((sum, row) => sum + row[j], 0));
  const agreements = rows.map((row) => {
    const raters = row.reduce((sum, count) => sum + count, 0);
    return (row.reduce((sum, count) => sum + count * count, 0) - raters) / (raters * (raters - 1));
  });
  const sum = agreements.reduce((all, value) => all + value, 0);
  const kappa = kappaOf(sum, n, totals);
  const left = rows.map((row, i) => kappaOf(sum - agreements[i], n - 1, totals.map((total, j) => total - row[j])));
  const mean = left.reduce((all, value) => all + value, 0) / n;
  const spread = left.reduce((all, value) => all + (value - mean) ** 2, 0);
  const error = Z95 * Math.sqrt(((n - 1) / n) * spread);
  return { kappa, low: Math.max(-1, kappa - error), high: Math.min(1, kappa + error), agreed: sum / n, n };
}

/** @param {number} sum @param {number} n @param {number[]} totals */
function kappaOf(sum, n, totals) {
  const all = totals.reduce((total, value) => total + value, 0);
  const chance = totals.reduce((total, value) => total + (value / all) ** 2, 0);
  return 1 - chance < 1e-12 ? 1 : (sum / n - chance) / (1 - chance);
}

/**
 * Counts of calls per candidate over all reviewers, for `fleiss`.
 * @param {Reviews} reviews @param {string[]} names @returns {{[key: string]: number[]}}
 */
function callCounts(reviews, names) {
  /** @type {{[key: string]: number[]}} */
  const counts = {};
  for (const judgements of Object.values(reviews)) {
    for (const [key, judgement] of Object.entries(judgements)) {
      const place = names.indexOf(judgement.call);
      if (place < 0) continue;
      counts[key] = counts[key] || names.map(() => 0);
      counts[key][place] += 1;
    }
  }
  return counts;
}

/**
 * What more than half of the reviewers of a candidate call it; where there is no such call, ambiguous. Tags are those that more
 * than half of them gave.
 * @param {Reviews} reviews @param {string[]} names @returns {Judgements}
 */
function consensus(reviews, names) {
  const counts = callCounts(reviews, names);
  /** @type {Judgements} */
  const found = {};
  for (const [key, row] of Object.entries(counts)) {
    const raters = row.reduce((sum, count) => sum + count, 0);
    const best = row.findIndex((count) => count * 2 > raters);
    const of = Object.values(reviews).filter((judgements) => key in judgements && judgements[key].call);
    const tags = TAGS.map((tag) => tag.short).filter((tag) => of.filter((one) => one[key].tags.includes(tag)).length * 2 > raters);
    const time = of.map((one) => one[key].time).sort().pop() || "";
    found[key] = { call: best < 0 ? "ambiguous" : names[best], tags, note: best < 0 ? "no majority" : "", time };
  }
  return found;
}
