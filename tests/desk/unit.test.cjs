"use strict";
// The page's functions by themselves, in Node: agreement, files, the store, keys, the reads. `node --test` with DESK, the folder of
// the page's scripts.

const assert = require("node:assert/strict");
const fs = require("node:fs");
const path = require("node:path");
const test = require("node:test");

const source = ["codes", "agreement", "exchange", "store", "keys", "reads", "elements", "list", "view", "attention"].map((name) => fs.readFileSync(path.join(process.env.DESK, `${name}.js`), "utf8")).join("\n");
const names = ["CALLS", "TAGS", "keyOf", "cohen", "fleiss", "confusion", "callCounts", "consensus", "labelsTsv", "igvnavTsv", "reviewVcf", "imported", "Store", "unpacked", "arranged", "coverageOf", "strandCounts", "readFacts", "isMismatch", "typical", "nextTop", "nameOf", "mateOf", "alternativeShare", "KEYS", "commandOf", "nextValue", "neighbourOf", "belongs", "FILTERS", "OPINIONS", "PileupSpace", "GUTTER", "attentionText", "summedColumns"];
const desk = new Function(`${source}\nreturn {${names.join(",")}};`)();

const entries = [
  { chrom: "chr1", pos: 100, ref: "A", alt: "T", weight: 1 },
  { chrom: "chr1", pos: 205, ref: "CAG", alt: "C", weight: 2.5 },
  { chrom: "HLA:01", pos: 7, ref: "G", alt: "GTT", weight: 1 },
];
const key = (i) => desk.keyOf(entries[i]);
const plain = (value) => JSON.parse(JSON.stringify(value));
const judged = (call, tags = [], note = "", time = "2027-01-02T03:04:05Z") => ({ call, tags, note, time });
const reviews = {
  Ann: { [key(0)]: judged("somatic", [], "clear; 100%, a=b"), [key(1)]: judged("fail", ["D", "MM"]) },
  "Bo, jr.": { [key(0)]: judged("germline", ["TN"], "tab\there\nline"), [key(2)]: judged("", ["LVF"], "") },
};

test("calls, tags and the page's other keys are all different", () => {
  const keys = [...desk.CALLS, ...desk.TAGS].map((one) => one.key).concat(["j", "k", "n", "u", "b", "d", "h", "o", "p", "/", "?", "+", "-", "."]);
  assert.equal(new Set(keys).size, keys.length);
  assert.equal(desk.CALLS.length, 4);
  assert.deepEqual(desk.TAGS.map((tag) => tag.short).sort().join(" "), "AI AO D DN E HDR LCN LCT LM LVF MM MN MV NCN SI SIO SSE TN TR");
});

test("Cohen's kappa of Fleiss (1981), table 13.1", () => {
  const found = desk.cohen([[75, 1, 4], [5, 4, 1], [0, 0, 10]]);
  assert.equal(found.kappa.toFixed(4), "0.6765"); // (0.89 - 0.66) / 0.34
  assert.equal(found.agreed, 0.89);
  assert.equal(found.n, 100);
});

test("the interval of Cohen's kappa is that of its variance over many samples of the table", () => {
  const p = [[0.5, 0.1], [0.1, 0.3]];
  const n = 400;
  let state = 12345;
  const random = () => (state = (1103515245 * state + 12345) % 2147483648) / 2147483648;
  const kappas = [];
  for (let sample = 0; sample < 3000; sample++) {
    const table = [[0, 0], [0, 0]];
    for (let i = 0; i < n; i++) {
      const u = random();
      const cell = u < 0.5 ? [0, 0] : u < 0.6 ? [0, 1] : u < 0.7 ? [1, 0] : [1, 1];
      table[cell[0]][cell[1]] += 1;
    }
    kappas.push(desk.cohen(table).kappa);
  }
  const mean = kappas.reduce((a, b) => a + b) / kappas.length;
  const spread = Math.sqrt(kappas.reduce((sum, value) => sum + (value - mean) ** 2, 0) / kappas.length);
  const found = desk.cohen(p.map((row) => row.map((value) => value * n)));
  assert.ok(Math.abs((found.high - found.low) / 2 / 1.96 - spread) < 0.05 * spread, `${found.high - found.low} ${spread}`);
});

test("Fleiss' kappa of his worked example of fourteen raters (1971), and of equal calls", () => {
  const counts = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]];
  const found = desk.fleiss(counts);
  assert.equal(found.kappa.toFixed(3), "0.210");
  assert.ok(found.low < found.kappa && found.kappa < found.high);
  assert.equal(desk.fleiss([[2, 0], [0, 2], [0, 2]]).kappa, 1);
  assert.ok(Number.isNaN(desk.fleiss([[1, 0]]).kappa));
});

test("two reviewers are compared on what both called, and the consensus is the majority's", () => {
  const names = desk.CALLS.map((call) => call.name);
  assert.deepEqual(desk.confusion(reviews.Ann, reviews["Bo, jr."], names), [[0, 1, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 0, 0]]);
  const three = { ...reviews, Cy: { [key(0)]: judged("somatic", ["TN"]) } };
  const found = desk.consensus(three, names);
  assert.equal(found[key(0)].call, "somatic");
  assert.deepEqual(plain(found[key(0)].tags), ["TN"]);
  assert.equal(desk.consensus(reviews, names)[key(0)].call, "ambiguous");
  assert.equal(found[key(2)], undefined);
});

test("labels.tsv comes back as it was, but for what would break a line", () => {
  const text = desk.labelsTsv(entries, reviews, "stratified");
  assert.equal(text.split("\n")[0], "chrom\tpos\tref\talt\tlabel\tcall\ttags\treviewer\ttime\tnote\tchoice\tweight");
  assert.equal(text.split("\n")[1], "chr1\t100\tA\tT\t1\tsomatic\t.\tAnn\t2027-01-02T03:04:05Z\tclear; 100%, a=b\tstratified\t1");
  assert.ok(text.split("\n")[3].endsWith("\tstratified\t2.5"));
  const back = desk.imported(text, entries, "x");
  assert.equal(back.format, "labels.tsv");
  assert.equal(back.strangers, 0);
  const expected = [["Ann", key(0)], ["Bo, jr.", key(0)], ["Ann", key(1)], ["Bo, jr.", key(2)]];
  assert.deepEqual(back.found.map((one) => [one.reviewer, one.key]), expected);
  assert.deepEqual(plain(back.found[0].judgement), reviews.Ann[key(0)]);
  assert.equal(back.found[1].judgement.note, "tab here line");
  assert.deepEqual(plain(back.found[2].judgement), reviews.Ann[key(1)]);
});

test("a VCF comes back as it was, notes and names whole", () => {
  const text = desk.reviewVcf({ entries, version: "0", choice: "stratified", contigs: ["chr1", "HLA:01"] }, reviews);
  for (const line of text.trim().split("\n").filter((one) => !one.startsWith("#"))) assert.equal(line.split("\t").length, 8);
  assert.ok(!/ /.test(text.split("\n").find((line) => line.startsWith("chr1\t100"))));
  assert.ok(text.includes("##varproof_choice=stratified") && text.includes(";REVIEW_WEIGHT=2.5"));
  const back = desk.imported(text, entries, "x").found;
  for (const one of back) assert.deepEqual(plain(one.judgement), reviews[one.reviewer][one.key]);
  assert.equal(back.length, 4);
});

test("IGVNav's table has its columns, 0-based, and comes back, 1-based ones too", () => {
  const text = desk.igvnavTsv(entries, reviews.Ann);
  assert.deepEqual(text.split("\n").slice(0, 3), ["Chromosome\tStart\tStop\tReference\tVariant\tCall\tTags\tNotes", "chr1\t99\t100\tA\tT\tS\t\tclear; 100%, a=b", "chr1\t204\t207\tCAG\tC\tF\tD,MM\t"]);
  const back = desk.imported(text, entries, "Ann").found;
  assert.deepEqual(back.map((one) => [one.reviewer, one.key, one.judgement.call]), [["Ann", key(0), "somatic"], ["Ann", key(1), "fail"]]);
  const other = "chr\tstart\tstop\tref\tvar\tCall\tTags\tNotes\nchr1\t100\t100\tA\tT\tG\tTN LVF\t\nchr9\t5\t5\tA\tC\tF\t\t\n";
  const found = desk.imported(other, entries, "Zoe");
  assert.deepEqual([found.format, found.strangers, found.found[0].key, plain(found.found[0].judgement.tags)], ["IGVNav", 1, key(0), ["LVF", "TN"]]);
});

test("what is no table of judgements is refused, with its line", () => {
  assert.throws(() => desk.imported("", entries, "x"), /empty/);
  assert.throws(() => desk.imported("a\tb\n1\t2\n", entries, "x"), /neither/);
  assert.throws(() => desk.imported("chrom\tpos\tref\talt\tcall\nchr1\t100\tA\tT\tmaybe\n", entries, "x"), /line 2: 'maybe' is no call/);
  assert.throws(() => desk.imported("chrom\tpos\tref\talt\tcall\ttags\nchr1\t100\tA\tT\tfail\tXX\n", entries, "x"), /'XX' is no tag/);
  assert.throws(() => desk.imported("chrom\tpos\tref\talt\tcall\nchr1\tten\tA\tT\tfail\n", entries, "x"), /'ten' is no position/);
});

function memory(limit = Infinity) {
  const kept = new Map();
  return {
    getItem: (name) => kept.get(name) ?? null,
    setItem(name, value) {
      if (value.length > limit) throw new Error("full");
      kept.set(name, value);
    },
  };
}

test("what is judged is kept, undone, and kept apart by file and reviewer", () => {
  const storage = memory();
  const store = new desk.Store("one", storage);
  store.reviewer = "__proto__";
  store.change(key(0), { call: "fail" }, "t1");
  store.change(key(0), { tags: ["D"] }, "t2");
  store.change(key(1), { call: "somatic" }, "t3");
  assert.equal(store.undo(), key(1));
  store.ticked.blind = true;
  assert.ok(store.keep());
  const again = new desk.Store("one", storage);
  assert.equal(again.reviewer, "__proto__");
  assert.deepEqual(plain(again.ticked), { blind: true });
  assert.deepEqual(plain(new desk.Store("two", storage).ticked), {});
  assert.deepEqual(plain(again.of(key(0))), { call: "fail", tags: ["D"], note: "", time: "t2" });
  assert.equal(again.of(key(1)).call, "");
  again.reviewer = "other";
  assert.equal(again.of(key(0)).call, "");
  assert.equal(new desk.Store("two", storage).of(key(0)).call, "");
  assert.equal(store.undo(), key(0));
  assert.equal(store.undo(), key(0));
  assert.equal(store.undo(), "");
  assert.deepEqual(Object.keys(store.reviews), []);
});

test("a browser that keeps nothing, or something damaged, does no harm", () => {
  const store = new desk.Store("one", null);
  store.change(key(0), { call: "fail" }, "t");
  assert.equal(store.keep(), false);
  assert.equal(new desk.Store("one", memory(5)).keep(), false);
  const damaged = memory();
  damaged.setItem("varproof-review-one", '{"reviews": {"a": {"k": null, "l": {"call": "fail"}}}}');
  assert.equal(new desk.Store("one", damaged).of(key(0)).call, "");
});

/** A candidate of one track, W = 4, as the page's data has it: reference ACGT, reads as rows of letters. */
function candidate(rows, extra = {}, behind = []) {
  const codes = { " ": 0, A: 1, C: 2, G: 3, T: 4, N: 5, "-": 6 };
  const facts = { first: 1000, frame: [1, 2], rows: [rows.length], states: [rows.map(() => "?").join(" ")], alleles: [], mates: [[]], names: [[]], there: [rows.length], insertions: [], events: [], reasons: [], samples: [], fields: [], ...extra };
  const text = Buffer.from(JSON.stringify(facts));
  const length = Buffer.alloc(4);
  length.writeUInt32LE(text.length);
  const reference = [1, 2, 3, 4];
  const base = rows.flatMap((row) => [...row.bases].map((letter, i) => (codes[letter] === reference[i] ? 7 : codes[letter]) | (row.marks || [0, 0, 0, 0])[i]));
  const quality = rows.flatMap((row) => [...row.bases].map(() => row.quality || 30));
  const columns = [0, 1, 2, 3, 4, 5, 6, 7].flatMap((column) => rows.map((row) => [60, row.flags || 1, 255, 255, 9, 0, row.edits || 0, 50][column]));
  return desk.unpacked(Uint8Array.from(Buffer.concat([length, text, Buffer.from([...reference, ...base, ...quality, ...columns, ...behind])])), 4);
}

test("reads are unpacked, ordered by allele, then by their base, then by place", () => {
  const found = candidate([{ bases: "ACGT", flags: 128 | 1 }, { bases: " TGT", flags: 64 | 2 | 1 }, { bases: "ATG ", flags: 64 | 1 }, { bases: "    ", flags: 1 }, { bases: "A-GT", flags: 1 }]);
  const [pile] = found.piles;
  assert.deepEqual([...pile.base.slice(0, 8)], [1, 2, 3, 4, 0, 4, 3, 4]);
  assert.deepEqual(desk.arranged(found, pile, "allele", "base"), { order: [2, 1, 0, 4], groups: [["alternative", 0, 2], ["reference", 2, 3], ["neither", 3, 4]] });
  assert.deepEqual(desk.arranged(found, pile, "strand", "start").groups, [["forward", 0, 3], ["reverse", 3, 4]]);
  assert.deepEqual(desk.strandCounts(pile), [[1, 1], [1, 0], [2, 0]]);
  assert.deepEqual([desk.isMismatch(found, pile, 1, 1), desk.isMismatch(found, pile, 0, 1), desk.isMismatch(found, pile, 4, 1)], [true, false, false]);
  assert.deepEqual([...desk.coverageOf(found, pile)].filter((_, i) => i % 6 === 0), [3, 3, 4, 3]);
});

test("typical figures are medians over the reads of an allele", () => {
  const rows = [7, 9, 30, 40].map((quality, i) => ({ bases: i < 3 ? "ATGT" : "ACGT", quality, flags: (i < 3 ? 64 : 128) | 1, edits: i }));
  const found = candidate([...rows, { bases: "A-GT", quality: 2, flags: 64 | 1, edits: 9 }]);
  assert.deepEqual(desk.typical(found, found.piles[0], 0), { quality: 9, mapping: 60, edits: 2, end: 9 });
  assert.equal(desk.typical(found, found.piles[0], 1).quality, 40);
  assert.equal(desk.typical(found, found.piles[0], 2).quality, undefined);
});

test("mates lie beside each other, haplotypes that carry the allele come first", () => {
  const rows = [{ bases: "ACGT" }, { bases: "ATGT" }, { bases: " CGT" }];
  const mates = candidate(rows, { mates: [[[2, 0]]] });
  assert.deepEqual(desk.arranged(mates, mates.piles[0], "mate", "base").order, [0, 2, 1]);
  const haplotypes = candidate(rows, { states: ["o? xo ox"] });
  assert.deepEqual(desk.arranged(haplotypes, haplotypes.piles[0], "haplotype", "start").groups.map((group) => group[0]), ["xo", "ox", "o?"]);
});

test("the next track is the one that begins below, then the first again", () => {
  assert.equal(desk.nextTop([0, 700, 1400], 0, 2000), 700);
  assert.equal(desk.nextTop([0, 700, 1400], 699.5, 2000), 1400);
  assert.equal(desk.nextTop([0, 700, 1400], 900, 2000), 1400);
  assert.equal(desk.nextTop([0, 700, 1400], 1400, 2000), 0);
  assert.equal(desk.nextTop([0, 700, 1400], 700, 900), 900); // as far as it goes
  assert.equal(desk.nextTop([0, 700, 1400], 900, 900), 0);
  assert.equal(desk.nextTop([0, 700], 0, 0), 0); // all is in view
});

test("a read's label tells base, quality, allele, inserted bases", () => {
  const found = candidate([{ bases: "ATGT", flags: 64 | 4 | 2 | 1, marks: [0, 8, 0, 0], edits: 2 }], { insertions: [[[0, 1, "GGA"]]] });
  const lines = desk.readFacts(found, found.piles[0], 0, 1).join("; ");
  for (const part of ["T, base quality 30", "then GGA inserted", "the alternative allele", "reverse", "mapping quality 60", "about 200 bp", "2 mismatches"]) assert.ok(lines.includes(part), `${part}: ${lines}`);
});

test("names of reads are put together of texts and numbers, high bytes first", () => {
  const rows = [{ bases: "ACGT" }, { bases: "ATGT", flags: 2 | 64 | 1 }, { bases: " CGT", flags: 2 | 128 | 1 }];
  const names = { mates: [[[2, 0]]], names: [["M:", 2, ":", ["7a", "8b"]]] };
  const found = candidate(rows, names, [1, 0, 2, 3]); // 0x0102 = 258 and 0x0003 = 3
  const [pile] = found.piles;
  assert.deepEqual([0, 1, 2].map((row) => desk.nameOf(pile, row)), ["M:258:7a", "M:3:8b", "M:258:7a"]);
  assert.deepEqual([0, 1, 2].map((row) => desk.mateOf(pile, row)), [2, -1, 0]);
  assert.ok(desk.readFacts(found, pile, 0, 1).includes("its mate is here, too: reverse, the reference allele"));
  assert.ok(!desk.readFacts(found, pile, 1, 1).join().includes("mate is"));
  const none = candidate(rows, { mates: [[[2, 0]]], names: [[]] });
  assert.equal(desk.nameOf(none.piles[0], 0), "");
});

test("reads are sorted by the base at another column: insertion, other base, gap, reference, nothing", () => {
  const rows = [{ bases: "ACGT" }, { bases: "AC-T" }, { bases: "ACTT" }, { bases: "ACGT", marks: [0, 0, 8, 0] }, { bases: "AC  " }];
  const found = candidate(rows);
  assert.deepEqual(desk.arranged(found, found.piles[0], "nothing", "base", 2).order, [3, 2, 1, 0, 4]);
  assert.deepEqual(desk.arranged(found, found.piles[0], "nothing", "base").order, [0, 1, 2, 3, 4]);
});

test("the share is of reads that show the alternative or the reference", () => {
  const counts = [[3, 0], [5, 2], [9, 9]];
  assert.equal(desk.alternativeShare(counts), 0.3);
  assert.deepEqual([desk.alternativeShare(counts, 0), desk.alternativeShare(counts, 1)], [0.375, 0]);
  assert.ok(Number.isNaN(desk.alternativeShare([[0, 0], [0, 0], [1, 1]])));
});

const pressed = (key, more = {}) => desk.commandOf({ key, code: "", shiftKey: false, ...more });

test("every key does one thing, and all are in the help", () => {
  const keys = [...desk.KEYS.flatMap((one) => one.keys), ...desk.CALLS.map((one) => one.key), ...desk.TAGS.map((one) => one.key)];
  assert.equal(new Set(keys).size, keys.length);
  assert.ok(desk.KEYS.every((one) => one.shown && one.text));
  assert.deepEqual(pressed("s"), { does: "call", what: "somatic" });
  assert.deepEqual(pressed("S"), { does: "call", what: "somatic" }); // Caps Lock
  assert.deepEqual(pressed("S", { shiftKey: true }), { does: "sort", what: "" });
  assert.deepEqual(pressed("F", { shiftKey: true }), { does: "call", what: "fail" });
  assert.deepEqual(pressed("3"), { does: "tag", what: "D" });
  assert.deepEqual(pressed('"', { code: "Digit3" }), { does: "tag", what: "D" }); // French: digits with Shift
  assert.deepEqual(pressed("/", { code: "Digit7", shiftKey: true }), { does: "find", what: "" }); // German
  assert.deepEqual(pressed("[", { code: "Digit8" }), { does: "line left", what: "" });
  assert.deepEqual(pressed("ArrowRight"), { does: "next", what: "" });
  assert.deepEqual(pressed("ArrowRight", { shiftKey: true }), { does: "pan right", what: "" });
  assert.equal(pressed("F5"), null);
  assert.deepEqual(["a", "b", "c"].map((value) => desk.nextValue(["a", "b", "c"], value)), ["b", "c", "a"]);
});

test("neighbours in the list are those that are shown", () => {
  const shown = [2, 5, 9];
  assert.deepEqual([1, -1, 10, -Infinity, Infinity].map((step) => desk.neighbourOf(shown, 5, step)), [9, 2, 9, 2, 9]);
  assert.deepEqual([desk.neighbourOf(shown, 6, 1), desk.neighbourOf(shown, 6, -1), desk.neighbourOf(shown, 1, -1), desk.neighbourOf([], 4, 1)], [9, 5, 1, 4]);
});

test("the tags of the candidate that was tagged last, in this sitting or before it", () => {
  const storage = memory();
  const store = new desk.Store("one", storage);
  assert.deepEqual(store.lastTags(key(0)), []);
  store.change(key(1), { tags: ["LM", "MM"] }, "t1");
  store.change(key(2), { tags: ["D"] }, "t1");
  store.change(key(0), { call: "fail" }, "t2");
  assert.deepEqual(store.lastTags(key(0)), ["D"]);
  assert.deepEqual(store.lastTags(key(2)), ["LM", "MM"]);
  store.undo();
  store.undo();
  assert.deepEqual(store.lastTags(key(0)), ["LM", "MM"]);
  store.change(key(2), { tags: ["D"] }, "t3");
  store.keep();
  assert.deepEqual(new desk.Store("one", storage).lastTags(key(0)), ["D"]);
  store.reviewer = "other";
  assert.deepEqual(store.lastTags(key(0)), []);
});

test("who judges blind finds nothing by what others say", () => {
  const store = new desk.Store("one", null);
  const entry = { ...entries[0], id: "rs1", filter: "LowEVS", gene: "TP53", consequence: "", type: "snv", posterior: 0.5, network: 0.9 };
  const sure = { ...entry, posterior: 0.99 };
  assert.ok(desk.belongs(entry, "all", "lowevs", store, false) && !desk.belongs(entry, "all", "lowevs", store, true));
  assert.ok(desk.belongs(entry, "all", "tp53", store, true) && desk.belongs(entry, "all", "rs1", store, true));
  assert.ok(!desk.belongs(sure, "doubtful", "", store, false));
  for (const filter of desk.OPINIONS) {
    assert.ok(filter in desk.FILTERS);
    for (const one of [entry, sure]) assert.ok(desk.belongs(one, filter, "", store, true));
  }
});

test("columns and reads are found under a point", () => {
  const view = new desk.PileupSpace({ clientWidth: desk.GUTTER + 8 + 80, clientHeight: 400 });
  view.show(candidate([{ bases: "ACGT", flags: 128 | 1 }, { bases: " TGT", flags: 64 | 1 }]));
  view.whole();
  assert.equal(view.column, 20);
  assert.deepEqual([view.columnAt(desk.GUTTER - 1), view.columnAt(desk.GUTTER + 1), view.columnAt(desk.GUTTER + 79), view.columnAt(desk.GUTTER + 81)], [null, 0, 3, null]);
  const [{ rowsTop }] = view.places;
  assert.ok(view.isHead(5) && view.isHead(rowsTop - 1) && !view.isHead(rowsTop + 1));
  assert.deepEqual(view.at(desk.GUTTER + 30, rowsTop + 2), { track: 0, row: 1, column: 1 });
  assert.equal(view.at(desk.GUTTER + 5, rowsTop + 2), null); // row 1 has nothing in the first column
  assert.deepEqual(view.at(desk.GUTTER + 5, rowsTop + view.row + 2), { track: 0, row: 0, column: 0 });
  view.look.tall = true;
  view.arrange();
  view.revealRow(0, 0);
  assert.equal(view.scroll, 0); // all is in view
  view.zoom(2, desk.GUTTER);
  view.reveal(3);
  assert.ok(view.columnAt(desk.GUTTER + 79) === 3);
});

test("the network's attention in words: sums of tracks, how near, and whether its reads are told", () => {
  const columns = [[0, 0, 0, 0, 0, 0, 0, -30, 0], [0, 0, 0, 0, 0, 0, 0, 0, 90]];
  assert.deepEqual(desk.summedColumns(columns), [0, 0, 0, 0, 0, 0, 0, -30, 90]);
  const told = desk.attentionText({ columns, rows: [[1], [2]], sums: [-0.25, 1.5], seen: [0, 9] }, ["tumour", "normal"], [1, 3]);
  for (const part of ["+1.3", "tumour −0.3, normal +1.5", "; 25 % of it within 5 bp"]) assert.ok(told.includes(part), `${part}: ${told}`);
  assert.ok(!told.includes("columns only"));
  assert.ok(desk.attentionText({ columns, rows: [[1], null], sums: [0, 0], seen: [0, 9] }, ["tumour", "normal"], [1, 3]).includes("columns only"));
});
