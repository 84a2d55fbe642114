"use strict";
// Small parts of the page: elements with texts, numbers as texts, bars and curves, files to save.

/** @param {string} id @returns {any} */
const byId = (id) => document.getElementById(id);

/** An element with text and children. @param {string} name @param {{[name: string]: string}} attributes @param {(Node | string)[]} children */
function made(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

/** A probability with as many digits as it takes to tell it from 0 and 1. @param {number | null} value */
function probabilityText(value) {
  if (value === null || Number.isNaN(value)) return "–";
  const least = Math.min(value, 1 - value);
  const digits = least >= 0.001 || least <= 0 ? 3 : Math.min(6, Math.ceil(-Math.log10(Math.max(least, 1e-9))));
  return value.toFixed(digits);
}

/** @param {string} allele */
function shortened(allele) {
  return allele.length <= 20 ? allele : `${allele.slice(0, 8)}…${allele.slice(-6)} (${allele.length.toLocaleString("en")} bp)`;
}

/** The browser's storage, or nothing where it keeps none. @returns {Storage | null} */
function keptByBrowser() {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** @param {number} value */
function bar(value) {
  const fill = made("div", { class: "fill" });
  fill.style.width = `${(100 * value).toFixed(2)}%`;
  return made("div", { class: "track" }, fill);
}

/** @param {SampleFacts} sample @returns {Node[]} */
function frequency(sample) {
  const parts = [sample.mode === null ? "" : `most probable ${sample.mode.toFixed(3)}`, sample.observed === null ? "" : `observed ${sample.observed.toFixed(3)}`, sample.ad ? `reads ${sample.ad}` : "", sample.depth === null ? "" : `of ${sample.depth}`];
  const element = made("div", { class: "density" }, made("div", {}, `${sample.name}: ${parts.filter((text) => text).join(", ") || "unknown"}`));
  const [x, y] = sample.density;
  if (x && x.length > 1) {
    const space = "http://www.w3.org/2000/svg";
    const svg = document.createElementNS(space, "svg");
    svg.setAttribute("viewBox", "0 0 300 42");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    const path = document.createElementNS(space, "path");
    path.setAttribute("d", `M${300 * x[0]},38 ${x.map((value, i) => `L${(300 * value).toFixed(2)},${(38 - 36 * y[i]).toFixed(2)}`).join(" ")} L${300 * x[x.length - 1]},38Z`);
    const line = document.createElementNS(space, "line");
    for (const [name, value] of Object.entries({ x1: 0, x2: 300, y1: 38.5, y2: 38.5 })) line.setAttribute(name, String(value));
    svg.append(path, line);
    element.append(svg);
  }
  return [element];
}

/** @param {Agreement} found */
function kappaText(found) {
  if (Number.isNaN(found.kappa)) return "unknown: no candidate in common";
  return found.kappa.toFixed(3) + (Number.isNaN(found.low) ? "" : ` (95 % ${found.low.toFixed(3)} to ${found.high.toFixed(3)})`);
}

/** @param {number} share */
function percent(share) {
  return Number.isNaN(share) ? "–" : `${(100 * share).toFixed(1)} %`;
}

/** @param {string} name @param {string} text */
function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "text/tab-separated-values" }));
  const link = made("a", { href: address, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10000);
}

/** Give the keys back once a menu was used by pointer: letters would choose of it else. @param {HTMLSelectElement} menu @param {HTMLElement} to */
function letGo(menu, to) {
  let byPointer = false;
  menu.addEventListener("pointerdown", () => (byPointer = true));
  menu.addEventListener("keydown", () => (byPointer = false));
  menu.addEventListener("change", () => (byPointer ? to.focus({ preventScroll: true }) : undefined));
}
