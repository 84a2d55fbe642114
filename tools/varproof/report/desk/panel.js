"use strict";
// What stands beside the pileup: counts and figures of its reads, what varproof and others say, the read that was pointed at.

const TRACK_NAMES = /** @type {{[kind: string]: string}} */ ({ tumor: "tumour", normal: "normal", context: "context" });

/** @param {string[]} titles @param {HTMLElement} body @param {string} caption for who can't see it */
function tableOf(titles, body, caption) {
  const head = made("thead", {}, made("tr", {}, ...titles.map((title) => made("th", { scope: "col" }, title))));
  return made("table", {}, made("caption", { class: "unseen" }, caption), head, body);
}

/** How many of a track's reads are shown, where not all are; else nothing. @param {Pile} pile */
function cutText(pile) {
  return pile.there > pile.n ? `${pile.n.toLocaleString("en")} of ${pile.there.toLocaleString("en")} reads shown` : "";
}

/** Share of the alternative, in a cell that tells it by strand, too. @param {number[][]} counts */
function shareCell(counts) {
  const [forward, reverse] = [alternativeShare(counts, 0), alternativeShare(counts, 1)];
  return made("td", { title: `alternative of alternative and reference; forward ${percent(forward)}, reverse ${percent(reverse)}` }, percent(alternativeShare(counts)));
}

/**
 * Counts per strand with the share of the alternative, and typical figures.
 * @param {Candidate} candidate @param {Track[]} tracks @returns {{parts: HTMLElement[], spoken: string}}
 */
function readCounts(candidate, tracks) {
  const body = made("tbody", {});
  /** @type {string[]} */
  const spoken = [];
  /** @type {string[]} */
  const cut = [];
  for (const [i, pile] of candidate.piles.entries()) {
    const [counts, name] = [strandCounts(pile), TRACK_NAMES[tracks[i].kind] || ""];
    body.append(made("tr", {}, made("th", { scope: "row" }, name), ...counts.map(([forward, reverse]) => made("td", { title: "forward + reverse" }, forward || reverse ? `${forward} + ${reverse}` : "0")), shareCell(counts)));
    spoken.push(`${name}: ${counts[0][0] + counts[0][1]} alternative, ${counts[1][0] + counts[1][1]} reference`);
    if (cutText(pile)) cut.push(`${name}: ${cutText(pile)}`);
  }
  const figures = made("tbody", {});
  const found = candidate.piles.map((pile) => [typical(candidate, pile, 0), typical(candidate, pile, 1)]);
  for (const [title, name] of /** @type {const} */ ([["base quality", "quality"], ["mapping quality", "mapping"], ["mismatches", "edits"], ["bp to their end", "end"]])) {
    figures.append(made("tr", {}, made("th", { scope: "row" }, title), ...found.map(([alternative, reference]) => made("td", {}, `${alternative[name] ?? "–"} (${reference[name] ?? "–"})`))));
  }
  const parts = [
    tableOf(["reads", "alternative", "reference", "neither", "VAF"], body, "reads of the picture, forward + reverse, and the share of the alternative"),
    ...cut.map((text) => made("p", { class: "cut" }, text)),
    tableOf(["median: alternative (reference)", ...tracks.map((track) => TRACK_NAMES[track.kind] || "")], figures, "typical figures of the reads"),
  ];
  return { parts, spoken: [...spoken, ...cut].join("; ") };
}

/** Probabilities of events and reasons in words, in their places. @param {Facts} facts @param {Entry} entry */
function tellOpinion(facts, entry) {
  for (const [name, family, value] of facts.events) {
    byId("events").append(made("div", { class: family ? "event other" : "event" }, made("span", {}, name),
      bar(value), made("span", { class: "value" }, probabilityText(value))));
  }
  if (!facts.events.length) byId("events").append(made("p", { class: "muted" }, entry.skipped ? `not judged: ${entry.skipped}` : "nothing: the list was not scored"));
  for (const reason of facts.reasons) byId("reasons").append(made("li", {}, reason));
}

/** Frequencies and fields of the caller, in their places. @param {Facts} facts */
function tellFields(facts) {
  for (const sample of facts.samples) byId("frequencies").append(...frequency(sample));
  byId("frequencies-section").hidden = !facts.samples.length;
  const table = made("tbody", {});
  for (const [name, value] of facts.fields) table.append(made("tr", {}, made("td", {}, name), made("td", {}, value)));
  for (const sample of facts.samples) for (const [name, value] of sample.fields) table.append(made("tr", {}, made("td", {}, `${sample.name} ${name}`), made("td", {}, value)));
  byId("fields").append(made("table", {}, table));
  byId("fields-section").hidden = !table.childElementCount;
}

/** All that is told of a candidate; null where nothing was packed. @param {Candidate | null} candidate @param {Entry} entry @param {Track[]} tracks */
function describeCandidate(candidate, entry, tracks) {
  for (const id of ["events", "reasons", "counts", "frequencies", "fields"]) byId(id).replaceChildren();
  if (!candidate) {
    byId("counts").append(made("p", {}, entry.skipped ? `no reads were packed: ${entry.skipped}` : "no data"));
    byId("pileup").setAttribute("aria-label", "no reads");
    return;
  }
  const { parts, spoken } = readCounts(candidate, tracks);
  byId("counts").append(...parts);
  byId("pileup").setAttribute("aria-label", `Pileup of ${entry.chrom}:${entry.pos}. ${spoken}.`);
  tellOpinion(candidate.facts, entry);
  tellFields(candidate.facts);
}

/** What other reviewers say. @param {Store} store @param {string} key */
function tellOthers(store, key) {
  const rows = Object.keys(store.reviews).sort().filter((name) => name !== store.reviewer && key in store.reviews[name]);
  byId("others").replaceChildren();
  if (!rows.length) return;
  byId("others").append(made("h3", {}, "Other reviewers"), ...rows.map((name) => {
    const one = store.reviews[name][key];
    return made("p", {}, `${name}: `, made("strong", { class: one.call }, one.call || "no call"), one.tags.length ? ` ${one.tags.join(", ")}` : "", one.note ? `: ${one.note}` : "");
  }));
}

/** What is told of a read at a place: its name, the position, the rest. @param {Candidate} candidate @param {At} at @returns {HTMLElement[]} */
function readLines(candidate, at) {
  const pile = candidate.piles[at.track];
  const name = nameOf(pile, at.row);
  const lines = [`at ${(candidate.facts.first + at.column + 1).toLocaleString("en")}`, ...readFacts(candidate, pile, at.row, at.column)];
  return [...(name ? [made("div", { class: "name" }, name)] : []), ...lines.map((line) => made("div", {}, line))];
}

/** The panel of the read that was chosen; without one it is closed. @param {Candidate | null} candidate @param {At | null} at */
function tellRead(candidate, at) {
  byId("read-section").hidden = !candidate || !at;
  byId("read").replaceChildren(...(candidate && at ? readLines(candidate, at) : []));
}
