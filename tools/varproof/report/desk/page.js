"use strict";
// The page: what is shown beside the pileup, what keys and buttons do, what is kept. Texts of files go into it as text only.

const BOXES = ["blind", "onwards", "clips", "tall"];

class Desk {
  /** @param {Index} index */
  constructor(index) {
    this.index = index;
    this.store = new Store(index.digest, keptByBrowser());
    this.view = new PileupView(byId("pileup"), index.tracks);
    const named = this.named();
    this.here = named >= 0 ? named : Math.min(Math.max(0, this.store.here), Math.max(0, index.entries.length - 1));
    /** @type {number[]} */
    this.shown = [];
    /** @type {Map<number, Promise<Candidate | null>>} */
    this.loaded = new Map();
    /** @type {HTMLButtonElement[]} */
    this.buttons = [];
    this.saved = true;
  }

  /** The candidate that the page's address names behind '#', as chrom:pos:ref:alt; -1 where it names none. */
  named() {
    const name = decoded(location.hash.slice(1));
    return this.index.entries.findIndex((entry) => `${entry.chrom}:${entry.pos}:${entry.ref}:${entry.alt}` === name);
  }

  start() {
    byId("calls-name").textContent = this.index.calls;
    byId("reviewer").value = this.store.reviewer;
    for (const [value, text] of Object.entries(FILTERS)) byId("filter").append(made("option", { value }, text));
    this.makeList();
    this.makeJudgement();
    this.listen();
    this.tickAsBefore();
    this.filter();
    this.refresh();
    this.open(this.here, false);
  }

  /** Boxes as they were left: who judges blind must not see opinions after opening the page again. */
  tickAsBefore() {
    for (const box of BOXES) {
      if (box in this.store.ticked && byId(box).checked !== this.store.ticked[box]) byId(box).click();
      byId(box).addEventListener("change", () => {
        this.store.ticked[box] = byId(box).checked;
        this.save();
      });
    }
  }

  makeList() {
    for (const [i, entry] of this.index.entries.entries()) {
      const button = made("button", { type: "button" },
        made("span", { class: "where" }, `${entry.chrom}:${entry.pos.toLocaleString("en")}`), made("span", { class: "mark" }),
        made("span", { class: "allele" }, `${shortened(entry.ref)} > ${shortened(entry.alt)}${entry.gene ? ` ${entry.gene}` : ""}`),
        made("span", { class: "p" }, entry.posterior === null ? "" : probabilityText(entry.posterior)));
      button.addEventListener("click", () => this.open(i, true));
      this.buttons.push(/** @type {HTMLButtonElement} */ (button));
      byId("list").append(made("li", {}, button));
    }
  }

  makeJudgement() {
    for (const call of CALLS) {
      const button = made("button", { type: "button", class: call.name, "aria-pressed": "false", title: call.meaning, "data-call": call.name }, made("span", {}, call.name), made("kbd", {}, call.key));
      button.addEventListener("click", () => this.call(call.name));
      byId("judged").append(button);
    }
    for (const tag of TAGS) {
      const button = made("button", { type: "button", "aria-pressed": "false", title: `${tag.short}: ${tag.meaning}`, "data-tag": tag.short }, made("kbd", {}, tag.key), made("span", {}, tag.name));
      button.addEventListener("click", () => this.tag(tag.short));
      byId("tags").append(button);
    }
  }

  get entry() {
    return this.index.entries[this.here];
  }

  /** @param {number} i */
  load(i) {
    let found = this.loaded.get(i);
    if (!found) {
      found = this.data(i).then((text) => (text === null ? null : inflated(text).then((bytes) => unpacked(bytes, this.index.window))));
      this.loaded.set(i, found);
      if (this.loaded.size > 24) this.loaded.delete(/** @type {number} */ (this.loaded.keys().next().value));
    }
    return found;
  }

  /** The data of a candidate, once the file has been read so far. @param {number} i @returns {Promise<string | null>} */
  data(i) {
    const text = () => (byId(`c${i}`) ? byId(`c${i}`).textContent : null);
    if (text() !== null || document.readyState !== "loading") return Promise.resolve(text());
    return new Promise((resolve) => document.addEventListener("DOMContentLoaded", () => resolve(text()), { once: true }));
  }

  /** @param {number} i @param {boolean} focus */
  async open(i, focus) {
    if (!this.index.entries.length) return;
    this.buttons[this.here].removeAttribute("aria-current");
    this.here = i;
    this.store.here = i;
    const [entry, button] = [this.entry, this.buttons[i]];
    button.setAttribute("aria-current", "true");
    button.scrollIntoView({ block: "nearest" });
    byId("place").textContent = `${entry.chrom}:${entry.pos.toLocaleString("en")}  ${shortened(entry.ref)} > ${shortened(entry.alt)}`;
    const told = [`${entry.type}${entry.size > 1 ? ` of ${entry.size} bp` : ""}`, entry.gene, entry.consequence, entry.id !== "." ? entry.id : ""];
    byId("what").textContent = told.filter((text) => text).join(" · ");
    byId("filtered").textContent = entry.filter && entry.filter !== "." ? `filter ${entry.filter}` : "";
    if (focus) byId("place").focus({ preventScroll: true });
    this.refreshJudgement();
    byId("tip").hidden = true;
    const candidate = await this.load(i);
    if (this.here !== i) return;
    this.view.show(candidate);
    this.describe(candidate);
    document.documentElement.dataset.shown = String(i);
    if (this.shown.includes(i)) for (const near of [this.neighbour(1), this.neighbour(-1)]) if (near !== i) this.load(near);
    this.save();
  }

  /** The shown candidate so many places on. @param {number} step */
  neighbour(step) {
    const at = this.shown.indexOf(this.here);
    if (at < 0) {
      const next = step > 0 ? this.shown.find((i) => i > this.here) : [...this.shown].reverse().find((i) => i < this.here);
      return next === undefined ? this.here : next;
    }
    return this.shown[Math.min(Math.max(0, at + step), this.shown.length - 1)];
  }

  /** The next candidate without a call, from the top again where there is none below; else this one. */
  nextOpen() {
    const open = this.shown.filter((i) => !this.store.of(keyOf(this.index.entries[i])).call);
    const after = open.find((i) => i > this.here);
    return after !== undefined ? after : open.length ? open[0] : this.here;
  }

  /** @param {Candidate | null} candidate */
  describe(candidate) {
    for (const id of ["events", "reasons", "counts", "frequencies", "fields"]) byId(id).replaceChildren();
    const entry = this.entry;
    if (!candidate) {
      byId("counts").append(made("p", {}, entry.skipped ? `no reads were packed: ${entry.skipped}` : "no data"));
      byId("pileup").setAttribute("aria-label", "no reads");
      return;
    }
    const { facts } = candidate;
    for (const [name, family, value] of facts.events) {
      byId("events").append(made("div", { class: family ? "event other" : "event" }, made("span", {}, name),
        bar(value), made("span", { class: "value" }, probabilityText(value))));
    }
    if (!facts.events.length) byId("events").append(made("p", { class: "muted" }, entry.skipped ? `not judged: ${entry.skipped}` : "nothing: the list was not scored"));
    for (const reason of facts.reasons) byId("reasons").append(made("li", {}, reason));
    this.count(candidate);
    for (const sample of facts.samples) byId("frequencies").append(...frequency(sample));
    byId("frequencies-section").hidden = !facts.samples.length;
    const table = made("tbody", {});
    for (const [name, value] of facts.fields) table.append(made("tr", {}, made("td", {}, name), made("td", {}, value)));
    for (const sample of facts.samples) for (const [name, value] of sample.fields) table.append(made("tr", {}, made("td", {}, `${sample.name} ${name}`), made("td", {}, value)));
    byId("fields").append(made("table", {}, table));
    byId("fields-section").hidden = !table.childElementCount;
    this.tellOthers();
  }

  /** @param {Candidate} candidate */
  count(candidate) {
    const head = made("tr", {}, made("th", { scope: "col" }, "reads"), ...["alternative", "reference", "neither"].map((name) => made("th", { scope: "col" }, name)));
    const body = made("tbody", {});
    /** @type {string[]} */
    const spoken = [];
    for (const [i, pile] of candidate.piles.entries()) {
      const counts = strandCounts(pile);
      const name = { tumor: "tumour", normal: "normal", context: "context" }[this.index.tracks[i].kind] || "";
      body.append(made("tr", {}, made("th", { scope: "row" }, name), ...counts.map(([forward, reverse]) => made("td", { title: "forward + reverse" }, forward || reverse ? `${forward} + ${reverse}` : "0"))));
      spoken.push(`${name}: ${counts[0][0] + counts[0][1]} alternative, ${counts[1][0] + counts[1][1]} reference`);
    }
    const figures = made("tbody", {});
    const found = candidate.piles.map((pile) => [typical(candidate, pile, 0), typical(candidate, pile, 1)]);
    for (const [title, name] of /** @type {const} */ ([["base quality", "quality"], ["mapping quality", "mapping"], ["mismatches", "edits"], ["bp to their end", "end"]])) {
      figures.append(made("tr", {}, made("th", { scope: "row" }, title), ...found.map(([alternative, reference]) => made("td", {}, `${alternative[name] ?? "–"} (${reference[name] ?? "–"})`))));
    }
    const titles = ["median: alternative (reference)", ...this.index.tracks.map((track) => ({ tumor: "tumour", normal: "normal", context: "context" })[track.kind] || "")];
    byId("counts").append(made("table", {}, made("thead", {}, made("tr", {}, ...titles.map((title) => made("th", { scope: "col" }, title)))), figures));
    byId("counts").prepend(made("table", {}, made("caption", { class: "unseen" }, "reads of the picture, forward + reverse"), made("thead", {}, head), body));
    byId("pileup").setAttribute("aria-label", `Pileup of ${this.entry.chrom}:${this.entry.pos}. ${spoken.join("; ")}.`);
  }

  tellOthers() {
    const key = keyOf(this.entry);
    const rows = Object.keys(this.store.reviews).sort().filter((name) => name !== this.store.reviewer && key in this.store.reviews[name]);
    byId("others").replaceChildren();
    if (!rows.length) return;
    byId("others").append(made("h3", {}, "Other reviewers"), ...rows.map((name) => {
      const one = this.store.reviews[name][key];
      return made("p", {}, `${name}: `, made("strong", { class: one.call }, one.call || "no call"), one.tags.length ? ` ${one.tags.join(", ")}` : "", one.note ? `: ${one.note}` : "");
    }));
  }

  refreshJudgement() {
    const own = this.store.of(keyOf(this.entry));
    for (const button of byId("judged").children) button.setAttribute("aria-pressed", String(button.dataset.call === own.call));
    for (const button of byId("tags").children) button.setAttribute("aria-pressed", String(own.tags.includes(button.dataset.tag)));
    if (byId("note").value !== own.note) byId("note").value = own.note;
  }

  /** Marks in the list, and progress. */
  refresh() {
    const { entries } = this.index;
    let done = 0;
    for (const [i, entry] of entries.entries()) {
      const own = this.store.of(keyOf(entry));
      const call = CALLS.find((one) => one.name === own.call);
      if (call) done += 1;
      const mark = /** @type {HTMLElement} */ (this.buttons[i].children[1]);
      const text = call ? call.letter : own.tags.length || own.note ? "·" : "";
      if (mark.textContent !== text || !mark.classList.contains(own.call || "open")) {
        mark.textContent = text;
        mark.className = `mark ${own.call || "open"}`;
        mark.title = own.call;
      }
    }
    byId("progress").max = Math.max(1, entries.length);
    byId("progress").value = done;
    byId("progress-text").textContent = `${done} of ${entries.length} judged${this.saved ? "" : " (not kept by this browser: export)"}`;
    byId("undo").disabled = !this.store.history.length;
    byId("reviewers").replaceChildren(...Object.keys(this.store.reviews).sort().map((value) => made("option", { value })));
  }

  filter() {
    const [filter, text] = [byId("filter").value, byId("find").value.trim()];
    this.shown = [];
    for (const [i, entry] of this.index.entries.entries()) {
      const here = belongs(entry, filter, text, this.store);
      /** @type {HTMLElement} */ (this.buttons[i].parentElement).hidden = !here;
      if (here) this.shown.push(i);
    }
    const { total, choice, entries, noneJudged } = this.index;
    const of = this.shown.length === entries.length ? `${entries.length}` : `${this.shown.length} of ${entries.length}`;
    const taken = total > entries.length ? `, ${choice} of ${total.toLocaleString("en")}` : "";
    byId("shown").textContent = `${of} candidates${taken}${noneJudged ? ": varproof could judge none" : ""}`;
  }

  save() {
    this.saved = this.store.keep();
  }

  /** @param {Partial<Judgement>} change @param {string} spoken */
  change(change, spoken) {
    this.store.change(keyOf(this.entry), change, new Date().toISOString().replace(/\.\d+Z$/, "Z"));
    this.save();
    this.refreshJudgement();
    this.refresh();
    this.say(spoken);
  }

  /** @param {string} name */
  call(name) {
    const own = this.store.of(keyOf(this.entry));
    const call = own.call === name ? "" : name;
    this.change({ call }, call ? `${call}` : "call taken back");
    if (call && byId("onwards").checked) this.open(this.nextOpen(), true);
  }

  /** @param {string} short */
  tag(short) {
    const own = this.store.of(keyOf(this.entry));
    const has = own.tags.includes(short);
    const tags = TAGS.map((tag) => tag.short).filter((tag) => (tag === short ? !has : own.tags.includes(tag)));
    this.change({ tags }, `${short} ${has ? "off" : "on"}`);
  }

  undo() {
    const key = this.store.undo();
    if (!key) return this.say("nothing to undo");
    this.save();
    this.refresh();
    const place = this.index.entries.findIndex((entry) => keyOf(entry) === key);
    this.open(place, true);
    this.say("undone");
  }

  /** @param {string} text */
  say(text) {
    byId("live").textContent = "";
    byId("live").textContent = text;
  }

  /** @param {string} kind */
  export(kind) {
    const { reviews, reviewer } = this.store;
    const base = this.index.calls.replace(/[^A-Za-z0-9_-]+/g, "_").slice(0, 60) || "calls";
    const names = CALLS.map((call) => call.name);
    if (kind === "labels") download(`${base}.labels.tsv`, labelsTsv(this.index.entries, reviews, this.index.choice));
    if (kind === "consensus") download(`${base}.consensus.tsv`, labelsTsv(this.index.entries, { consensus: consensus(reviews, names) }, this.index.choice));
    if (kind === "igvnav") download(`${base}.${reviewer.replace(/[^A-Za-z0-9_-]+/g, "_")}.igvnav.tsv`, igvnavTsv(this.index.entries, this.store.own));
    if (kind === "vcf") download(`${base}.review.vcf`, reviewVcf(this.index, reviews));
  }

  /** @param {FileList} files */
  async import(files) {
    const lines = [];
    for (const file of files) {
      try {
        const result = imported(await file.text(), this.index.entries, file.name.replace(/\.[a-z.]+$/i, ""));
        this.store.add(result.found);
        lines.push(`${file.name}: ${result.found.length} judgements (${result.format})${result.strangers ? `; ${result.strangers} of other candidates left out` : ""}`);
      } catch (error) {
        lines.push(`${file.name}: ${/** @type {Error} */ (error).message}. Nothing was taken from it.`);
      }
    }
    this.save();
    this.refresh();
    this.filter();
    this.refreshJudgement();
    this.tellOthers();
    this.tell("Import", lines.map((line) => made("p", {}, line)));
  }

  /** @param {string} title @param {Node[]} content */
  tell(title, content) {
    byId("dialog-title").textContent = title;
    byId("dialog-text").replaceChildren(...content);
    byId("dialog").showModal();
  }

  agreement() {
    const names = CALLS.map((call) => call.name);
    const reviewers = Object.keys(this.store.reviews).sort();
    if (reviewers.length < 2) {
      return this.tell("Agreement", [made("p", {}, "There is one reviewer. Import the labels of others, or enter another name above and judge again.")]);
    }
    const all = fleiss(Object.values(callCounts(this.store.reviews, names)));
    const content = [made("p", {}, `${reviewers.length} reviewers, ${all.n} candidates that two or more called. Fleiss' κ `, made("strong", {}, kappaText(all)), `, agreed ${percent(all.agreed)} of pairs.`)];
    for (const [i, first] of reviewers.entries()) {
      for (const second of reviewers.slice(i + 1)) {
        const table = confusion(this.store.reviews[first], this.store.reviews[second], names);
        const found = cohen(table);
        content.push(made("h3", {}, `${first} and ${second}`), made("p", {}, `Cohen's κ ${kappaText(found)}; the same call in ${percent(found.agreed)} of ${found.n}`),
          made("table", { class: "matrix" }, made("thead", {}, made("tr", {}, made("th", { scope: "col" }, `${first} ↓  ${second} →`), ...names.map((name) => made("th", { scope: "col" }, name)))),
            made("tbody", {}, ...table.map((row, k) => made("tr", {}, made("th", { scope: "row" }, names[k]), ...row.map((count) => made("td", {}, String(count))))))));
      }
    }
    this.tell("Agreement", content);
  }

  help() {
    const rows = [["j or →, k or ←", "next, previous candidate"], ["Enter", "next candidate without a call"],
      ...CALLS.map((call) => [call.key, `${call.name}: ${call.meaning}`]), ...TAGS.map((tag) => [tag.key, `${tag.short}, ${tag.name}: ${tag.meaning}`]),
      ["n", "write a note; Escape leaves it"], ["u", "undo"], ["b", "blind: hide what varproof and others say"], ["+ − .", "zoom in, out, whole window"],
      ["h", "high rows, whose letters can be read, or as many as fit"], ["Shift and arrows", "pan"],
      ["o", "the other sample's reads, where not all fit: the normal's, then the tumour's again"], ["p", "put out: to Export; Space opens it"], ["/", "find"], ["?", "these keys"]];
    this.tell("Keys", [made("p", {}, "A key pressed again takes its call or tag back. Wheel: scroll; with Ctrl: zoom. Drag: pan. What you judge stays in this browser; export it to keep it."),
      made("table", {}, made("tbody", {}, ...rows.map(([key, text]) => made("tr", {}, made("td", {}, made("kbd", {}, key)), made("td", {}, text)))))]);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (byId("dialog").open) return;
    if (target.matches("input, textarea, select") && !target.matches("input[type=checkbox]")) {
      if (event.key === "Escape") byId("place").focus({ preventScroll: true });
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey) {
      if (event.key.toLowerCase() === "z" && !event.altKey) {
        event.preventDefault();
        this.undo();
      }
      return;
    }
    if (event.key === "Enter" && target.matches("button, summary")) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const digit = /^Digit[0-9]$/.test(event.code) && !/^[+\-./?]$/.test(key) ? event.code.slice(5) : key;
    const call = CALLS.find((one) => one.key === key);
    const tag = TAGS.find((one) => one.key === digit);
    /** @type {{[key: string]: () => void}} */
    const actions = {
      j: () => this.open(this.neighbour(1), true), ArrowRight: () => this.open(this.neighbour(1), true),
      k: () => this.open(this.neighbour(-1), true), ArrowLeft: () => this.open(this.neighbour(-1), true),
      Enter: () => this.open(this.nextOpen(), true), u: () => this.undo(), n: () => byId("note").focus(), "/": () => byId("find").focus(),
      b: () => byId("blind").click(), h: () => byId("tall").click(), o: () => this.view.nextTrack(), p: () => byId("export").focus(), "?": () => this.help(), "+": () => this.view.zoom(1.4, GUTTER + this.view.width / 2), "-": () => this.view.zoom(1 / 1.4, GUTTER + this.view.width / 2),
      ".": () => this.whole(), ArrowDown: () => this.view.pan(0, 40), ArrowUp: () => this.view.pan(0, -40), PageDown: () => this.view.pan(0, 300), PageUp: () => this.view.pan(0, -300),
    };
    if (event.shiftKey && event.key === "ArrowRight") actions.ArrowRight = () => this.view.pan(60, 0);
    if (event.shiftKey && event.key === "ArrowLeft") actions.ArrowLeft = () => this.view.pan(-60, 0);
    const action = actions[key];
    if (/^(Arrow(Up|Down)|Page)/.test(key) && target.closest("#list, aside")) return;
    if (call) this.call(call.name);
    else if (tag) this.tag(tag.short);
    else if (action) action();
    else return;
    event.preventDefault();
  }

  whole() {
    this.view.fit();
    this.view.zoomed = true;
    this.view.clamp();
    this.view.ask();
  }

  listen() {
    const canvas = byId("pileup");
    window.addEventListener("hashchange", () => (this.named() >= 0 ? this.open(this.named(), true) : undefined));
    document.addEventListener("keydown", (event) => this.key(event));
    byId("previous").addEventListener("click", () => this.open(this.neighbour(-1), false));
    byId("next").addEventListener("click", () => this.open(this.neighbour(1), false));
    byId("undo").addEventListener("click", () => this.undo());
    byId("help").addEventListener("click", () => this.help());
    byId("agreement").addEventListener("click", () => this.agreement());
    byId("filter").addEventListener("change", () => this.filter());
    byId("find").addEventListener("input", () => this.filter());
    byId("blind").addEventListener("change", () => document.body.classList.toggle("blind", byId("blind").checked));
    byId("reviewer").addEventListener("change", () => {
      this.store.reviewer = byId("reviewer").value.trim() || "reviewer";
      byId("reviewer").value = this.store.reviewer;
      this.save();
      this.refresh();
      this.filter();
      this.refreshJudgement();
      this.tellOthers();
    });
    byId("note").addEventListener("change", () => {
      if (byId("note").value !== this.store.of(keyOf(this.entry)).note) this.change({ note: byId("note").value }, "note kept");
    });
    byId("export").addEventListener("change", () => {
      byId("note").blur();
      this.export(byId("export").value);
      byId("export").value = "";
    });
    byId("import").addEventListener("change", () => {
      this.import(byId("import").files).then(() => (byId("import").value = ""));
    });
    for (const name of /** @type {const} */ (["group", "sort", "colour"])) {
      byId(name).addEventListener("change", () => {
        this.view.look[name] = byId(name).value;
        this.view.arrange();
      });
    }
    byId("clips").addEventListener("change", () => {
      this.view.look.clips = byId("clips").checked;
      this.view.ask();
    });
    byId("tall").addEventListener("change", () => {
      this.view.look.tall = byId("tall").checked;
      this.view.arrange();
    });
    byId("in").addEventListener("click", () => this.view.zoom(1.4, GUTTER + this.view.width / 2));
    byId("out").addEventListener("click", () => this.view.zoom(1 / 1.4, GUTTER + this.view.width / 2));
    byId("whole").addEventListener("click", () => this.whole());
    new ResizeObserver(() => {
      if (!this.view.zoomed) this.view.open();
      this.view.arrange();
    }).observe(canvas);
    window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.view.readColours();
      this.view.ask();
    });
    canvas.addEventListener("wheel", (/** @type {WheelEvent} */ event) => {
      event.preventDefault();
      if (event.ctrlKey) this.view.zoom(event.deltaY < 0 ? 1.15 : 1 / 1.15, event.offsetX);
      else this.view.pan(event.deltaX, event.deltaY);
      byId("tip").hidden = true;
    }, { passive: false });
    /** @type {{x: number, y: number} | null} */
    let held = null;
    canvas.addEventListener("pointerdown", (/** @type {PointerEvent} */ event) => {
      held = { x: event.offsetX, y: event.offsetY };
      canvas.setPointerCapture(event.pointerId);
    });
    canvas.addEventListener("pointerup", () => (held = null));
    canvas.addEventListener("pointerleave", () => (byId("tip").hidden = true));
    canvas.addEventListener("pointermove", (/** @type {PointerEvent} */ event) => {
      if (held) {
        this.view.pan(held.x - event.offsetX, held.y - event.offsetY);
        held = { x: event.offsetX, y: event.offsetY };
        byId("tip").hidden = true;
      } else this.hover(event.offsetX, event.offsetY);
    });
  }

  /** @param {number} x @param {number} y */
  hover(x, y) {
    const [found, tip] = [this.view.at(x, y), byId("tip")];
    tip.hidden = !found;
    if (!found || !this.view.candidate) return;
    const place = this.view.candidate.facts.first + found.column + 1;
    const lines = [place.toLocaleString("en"), ...readFacts(this.view.candidate, this.view.candidate.piles[found.track], found.row, found.column)];
    tip.replaceChildren(...lines.map((line) => made("div", {}, line)));
    const canvas = byId("pileup");
    tip.style.left = `${Math.min(x + 14, canvas.clientWidth - tip.offsetWidth - 4)}px`;
    tip.style.top = `${y + 16 + tip.offsetHeight > canvas.clientHeight ? y - tip.offsetHeight - 10 : y + 16}px`;
  }
}
