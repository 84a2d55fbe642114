"use strict";
// What reviewers may say, as Barnell and others (2019) have it, and what the page is told of its candidates. No code here.

/**
 * @typedef {{call: string, tags: string[], note: string, time: string}} Judgement
 * @typedef {{[key: string]: Judgement}} Judgements
 * @typedef {{[reviewer: string]: Judgements}} Reviews
 * @typedef {{chrom: string, pos: number, ref: string, alt: string, id: string, filter: string, type: string, size: number,
 *   consequence: string, gene: string, posterior: number | null, network: number | null, weight: number, skipped: string}} Entry
 * @typedef {{name: string, kind: string}} Track
 * @typedef {{digest: string, calls: string, events: string, version: string, window: number, tracks: Track[],
 *   contigs: string[], choice: string, total: number, noneJudged: boolean, entries: Entry[], explained?: boolean}} Index
 */

/** The four calls: one key each. `label` is what they teach: 1 real, 0 not, nothing for what is undecided. */
const CALLS = [
  { key: "s", name: "somatic", letter: "S", label: "1", meaning: "enough support in the tumour, no obvious artefact" },
  { key: "g", name: "germline", letter: "G", label: "0", meaning: "support in the normal beyond contamination by tumour" },
  { key: "a", name: "ambiguous", letter: "A", label: ".", meaning: "meets the criteria of no other call" },
  { key: "f", name: "fail", letter: "F", label: "0", meaning: "little support, or reads that look like artefacts" },
];

/** The nineteen tags for reasons: one key each. */
const TAGS = [
  { key: "1", short: "AI", name: "adjacent indel", meaning: "reads are misaligned because of an indel nearby" },
  { key: "2", short: "AO", name: "ambiguous, other", meaning: "what is around it is inconclusive, in a way that no other tag tells" },
  { key: "3", short: "D", name: "directional", meaning: "only or mostly on reads of one direction" },
  { key: "4", short: "DN", name: "dinucleotide", meaning: "beside two bases that alternate in the reference" },
  { key: "5", short: "E", name: "end of reads", meaning: "only near the ends (30 bp) of the reads that show it" },
  { key: "6", short: "HDR", name: "high discrepancy", meaning: "its reads have other recurrent mismatches, in several tracks" },
  { key: "7", short: "LCN", name: "few in normal", meaning: "the normal has too few reads to compare with" },
  { key: "8", short: "LCT", name: "few in tumour", meaning: "the tumour has too few reads to compare with" },
  { key: "9", short: "LM", name: "low mapping", meaning: "mostly on reads of low mapping quality" },
  { key: "0", short: "LVF", name: "low frequency", meaning: "a low allele frequency" },
  { key: "q", short: "MM", name: "mismatches", meaning: "its reads have other mismatches" },
  { key: "w", short: "MN", name: "mononucleotide", meaning: "beside one base that repeats in the reference" },
  { key: "e", short: "MV", name: "multiple variants", meaning: "reads show several alleles at this place" },
  { key: "r", short: "NCN", name: "none in normal", meaning: "the normal has no reads here" },
  { key: "t", short: "SI", name: "short inserts", meaning: "short fragments, whose reads overlap, carry most of the support" },
  { key: "y", short: "SIO", name: "short inserts only", meaning: "only short fragments, whose reads overlap, show it" },
  { key: "x", short: "SSE", name: "same start or end", meaning: "only on reads that start or end at one place" },
  { key: "c", short: "TN", name: "tumour in normal", meaning: "the normal shows it, as contaminated by tumour" },
  { key: "v", short: "TR", name: "tandem repeat", meaning: "beside three or more bases that repeat in the reference" },
];

/** What identifies a candidate in every file. @param {{chrom: string, pos: number, ref: string, alt: string}} item */
function keyOf(item) {
  return `${item.chrom}\t${item.pos}\t${item.ref.toUpperCase()}\t${item.alt.toUpperCase()}`;
}
