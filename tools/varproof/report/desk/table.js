"use strict";
// Sorts and searches the table of a report; without it the table is as it was written.

(() => {
  const table = /** @type {HTMLTableElement} */ (document.getElementById("calls"));
  const [body] = table.tBodies;
  const rows = [...body.rows];
  const headings = [.../** @type {HTMLTableSectionElement} */ (table.tHead).rows[0].cells];
  const find = /** @type {HTMLInputElement} */ (document.getElementById("find"));
  const only = /** @type {HTMLInputElement} */ (document.getElementById("only"));
  const count = /** @type {HTMLElement} */ (document.getElementById("count"));

  /** What a cell is sorted by: a number where it is one. @param {HTMLTableRowElement} row @param {number} column */
  function value(row, column) {
    const cell = row.cells[column];
    const text = cell.dataset.by ?? cell.textContent ?? "";
    const number = text === "–" ? -1 : Number(text.replace(/,/g, ""));
    return text !== "" && !Number.isNaN(number) ? number : text;
  }

  headings.forEach((heading, column) => {
    heading.querySelector("button")?.addEventListener("click", () => {
      const up = heading.getAttribute("aria-sort") !== "ascending";
      for (const other of headings) other.removeAttribute("aria-sort");
      heading.setAttribute("aria-sort", up ? "ascending" : "descending");
      const keyed = rows.map((row, i) => ({ row, i, key: value(row, column) }));
      keyed.sort((a, b) => {
        const order = typeof a.key === typeof b.key ? (a.key < b.key ? -1 : a.key > b.key ? 1 : 0) : typeof a.key === "number" ? -1 : 1;
        return (up ? order : -order) || a.i - b.i;
      });
      body.append(...keyed.map((one) => one.row));
    });
  });

  function search() {
    const words = find.value.toLowerCase().split(/\s+/).filter((word) => word !== "");
    let shown = 0;
    for (const row of rows) {
      const text = (row.textContent ?? "").toLowerCase().replace(/,/g, "");
      row.hidden = (only.checked && row.classList.contains("no")) || !words.every((word) => text.includes(word.replace(/,/g, "")));
      if (!row.hidden) shown += 1;
    }
    count.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")}`;
  }

  find.addEventListener("input", search);
  only.addEventListener("change", search);
  search();
})();
