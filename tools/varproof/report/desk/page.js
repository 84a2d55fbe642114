"use strict";
// The page: which candidate is open, what keys and buttons do, what is kept. Texts of files go into it as text only.

const BOXES = ["blind", "onwards", "clips", "tall"];

class Desk {
  /** @param {Index} index */
  constructor(index) {
    this.index = index;
    this.store = new Store(index.digest, keptByBrowser());
    this.picture = new Picture(new PileupView(byId("pileup"), index.tracks), (text) => this.say(text));
    const named = this.named();
    this.here = named >= 0 ? named : Math.min(Math.max(0, this.store.here), Math.max(0, index.entries.length - 1));
    this.list = new CandidateList(byId("list"), index.entries, (i, focus) => this.open(i, focus === "place"));
    this.menu = new Menu(byId("export"), byId("export-menu"), (kind) => this.export(kind));
    /** @type {Map<number, Promise<Candidate | null>>} */
    this.loaded = new Map();
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
    this.here = i;
    this.store.here = i;
    const { entry } = this;
    this.list.current(i);
    byId("place").textContent = `${entry.chrom}:${entry.pos.toLocaleString("en")}  ${shortened(entry.ref)} > ${shortened(entry.alt)}`;
    const told = [`${entry.type}${entry.size > 1 ? ` of ${entry.size} bp` : ""}`, entry.gene, entry.consequence, entry.id !== "." ? entry.id : ""];
    byId("what").textContent = told.filter((text) => text).join(" · ");
    byId("filtered").textContent = entry.filter && entry.filter !== "." ? `filter ${entry.filter}` : "";
    if (focus) byId("place").focus({ preventScroll: true });
    this.refreshJudgement();
    byId("tip").hidden = true;
    tellRead(null, null);
    const candidate = await this.load(i);
    if (this.here !== i) return;
    this.picture.show(candidate);
    describeCandidate(candidate, entry, this.index.tracks);
    tellOthers(this.store, keyOf(entry));
    document.documentElement.dataset.shown = String(i);
    if (this.list.shown.includes(i)) for (const near of [this.neighbour(1), this.neighbour(-1)]) if (near !== i) this.load(near);
    this.save();
  }

  /** The shown candidate so many places on. @param {number} step */
  neighbour(step) {
    return neighbourOf(this.list.shown, this.here, step);
  }

  /** The next candidate without a call, from the top again where there is none below; else this one. */
  nextOpen() {
    const open = this.list.shown.filter((i) => !this.store.of(keyOf(this.index.entries[i])).call);
    const after = open.find((i) => i > this.here);
    return after !== undefined ? after : open.length ? open[0] : this.here;
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
      if (own.call) done += 1;
      this.list.mark(i, own);
    }
    byId("progress").max = Math.max(1, entries.length);
    byId("progress").value = done;
    byId("progress-text").textContent = `${done} of ${entries.length} judged${this.saved ? "" : " (not kept by this browser: export)"}`;
    byId("undo").disabled = !this.store.history.length;
    byId("reviewers").replaceChildren(...Object.keys(this.store.reviews).sort().map((value) => made("option", { value })));
  }

  filter() {
    const [filter, text] = [byId("filter").value, byId("find").value.trim()];
    this.list.show((i) => belongs(this.index.entries[i], filter, text, this.store, byId("blind").checked));
    const { total, choice, entries, noneJudged } = this.index;
    const of = this.list.shown.length === entries.length ? `${entries.length}` : `${this.list.shown.length} of ${entries.length}`;
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
    tellOthers(this.store, keyOf(this.entry));
    this.tell("Import", lines.map((line) => made("p", {}, line)));
  }

  /** @param {string} title @param {Node[]} content */
  tell(title, content) {
    byId("dialog-title").textContent = title;
    byId("dialog-text").replaceChildren(...content);
    byId("dialog").showModal();
    byId("dialog").scrollTop = 0; // where the focus is, at its end, it would begin else
  }

  /** Judge without opinions, or with them again: filters that tell some are not there then. */
  blind() {
    const blind = byId("blind").checked;
    document.body.classList.toggle("blind", blind);
    for (const option of byId("filter").options) option.hidden = option.disabled = blind && OPINIONS.includes(option.value);
    if (blind && OPINIONS.includes(byId("filter").value)) byId("filter").value = "all";
    byId("find").placeholder = blind ? "place, gene, tag …" : "place, gene, filter …";
    this.filter();
  }

  /** Add the tags of the candidate that was tagged last. */
  sameTags() {
    const [own, last] = [this.store.of(keyOf(this.entry)), this.store.lastTags(keyOf(this.entry))];
    const tags = TAGS.map((tag) => tag.short).filter((tag) => own.tags.includes(tag) || last.includes(tag));
    if (tags.length === own.tags.length) this.say(last.length ? "it has these tags" : "no candidate has tags");
    else this.change({ tags }, `tags ${tags.join(", ")}`);
  }

  /** What a command does. @param {string} does @param {string} what */
  command(does, what) {
    /** @type {{[does: string]: () => void}} */
    const commands = {
      call: () => this.call(what), tag: () => this.tag(what), "same tags": () => this.sameTags(), undo: () => this.undo(),
      next: () => this.open(this.neighbour(1), true), previous: () => this.open(this.neighbour(-1), true), open: () => this.open(this.nextOpen(), true),
      note: () => byId("note").focus(), find: () => byId("find").focus(), blind: () => byId("blind").click(), export: () => this.menu.open(),
      help: () => this.tell("Keys", helpContent()), leave: () => this.picture.choose(null),
      attention: () => (byId("blind").checked ? undefined : document.getElementById("attention")?.click()), // not in every page
    };
    if (Object.hasOwn(commands, does)) commands[does]();
    else this.picture.command(does);
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.defaultPrevented || byId("dialog").open || target.closest("[role=menu]")) return;
    if (target.matches("input, textarea, select") && !target.matches("input[type=checkbox]")) {
      if (event.key === "Escape") byId("place").focus({ preventScroll: true });
      return;
    }
    if ((event.ctrlKey || event.metaKey || event.altKey) && !event.getModifierState("AltGraph")) {
      if (event.key.toLowerCase() === "z" && !event.altKey) {
        event.preventDefault();
        this.undo();
      }
      return;
    }
    if (event.key === "Enter" && target.matches("button, summary")) return;
    if (/^(Arrow(Up|Down)|Page)/.test(event.key) && target.closest("#list, aside")) return;
    const command = commandOf(event);
    if (!command) return;
    this.command(command.does, command.what);
    event.preventDefault();
  }

  listen() {
    window.addEventListener("hashchange", () => (this.named() >= 0 ? this.open(this.named(), true) : undefined));
    document.addEventListener("keydown", (event) => this.key(event));
    byId("previous").addEventListener("click", () => this.open(this.neighbour(-1), false));
    byId("next").addEventListener("click", () => this.open(this.neighbour(1), false));
    byId("undo").addEventListener("click", () => this.undo());
    byId("help").addEventListener("click", () => this.command("help", ""));
    byId("agreement").addEventListener("click", () => this.tell("Agreement", agreementContent(this.store)));
    byId("filter").addEventListener("change", () => this.filter());
    byId("find").addEventListener("input", () => this.filter());
    byId("blind").addEventListener("change", () => this.blind());
    byId("reviewer").addEventListener("change", () => {
      this.store.reviewer = byId("reviewer").value.trim() || "reviewer";
      byId("reviewer").value = this.store.reviewer;
      this.save();
      this.refresh();
      this.filter();
      this.refreshJudgement();
      tellOthers(this.store, keyOf(this.entry));
    });
    byId("note").addEventListener("change", () => {
      if (byId("note").value !== this.store.of(keyOf(this.entry)).note) this.change({ note: byId("note").value }, "note kept");
    });
    byId("import").addEventListener("change", () => {
      this.import(byId("import").files).then(() => (byId("import").value = ""));
    });
    for (const name of ["filter", "group", "sort", "colour"]) letGo(byId(name), byId("place"));
  }
}
