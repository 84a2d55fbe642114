"use strict";
// What stands in the page's dialog: how far reviewers agree, and what keys do.

/** @param {Store} store @returns {HTMLElement[]} */
function agreementContent(store) {
  const names = CALLS.map((call) => call.name);
  const reviewers = Object.keys(store.reviews).sort();
  if (reviewers.length < 2) return [made("p", {}, "There is one reviewer. Import the labels of others, or enter another name above and judge again.")];
  const all = fleiss(Object.values(callCounts(store.reviews, names)));
  const content = [made("p", {}, `${reviewers.length} reviewers, ${all.n} candidates that two or more called. Fleiss' κ `, made("strong", {}, kappaText(all)), `, agreed ${percent(all.agreed)} of pairs.`)];
  for (const [i, first] of reviewers.entries()) {
    for (const second of reviewers.slice(i + 1)) {
      const table = confusion(store.reviews[first], store.reviews[second], names);
      const found = cohen(table);
      content.push(made("h3", {}, `${first} and ${second}`), made("p", {}, `Cohen's κ ${kappaText(found)}; the same call in ${percent(found.agreed)} of ${found.n}`),
        made("table", { class: "matrix" }, made("thead", {}, made("tr", {}, made("th", { scope: "col" }, `${first} ↓  ${second} →`), ...names.map((name) => made("th", { scope: "col" }, name)))),
          made("tbody", {}, ...table.map((row, k) => made("tr", {}, made("th", { scope: "row" }, names[k]), ...row.map((count) => made("td", {}, String(count))))))));
    }
  }
  return content;
}

/** @returns {HTMLElement[]} */
function helpContent() {
  const rows = [...CALLS.map((call) => [call.key, `${call.name}: ${call.meaning}`]), ...TAGS.map((tag) => [tag.key, `${tag.short}, ${tag.name}: ${tag.meaning}`])];
  /** @param {string[][]} of */
  const table = (of) => made("table", {}, made("tbody", {}, ...of.map(([key, text]) => made("tr", {}, made("td", {}, made("kbd", {}, key)), made("td", {}, text)))));
  return [
    made("p", {}, "What you judge stays in this browser; export it to keep it. Wheel: scroll; with Ctrl: zoom. Drag: pan. Click on a read: what is known of it stays beside the picture. Click on the reference or the coverage: reads are sorted by their base there."),
    made("h3", {}, "The page"), table(KEYS.map((one) => [one.shown, one.text])),
    made("h3", {}, "Calls and tags; the same key takes them back"), table(rows),
  ];
}
