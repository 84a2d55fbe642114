"use strict";
// Judgements as files and back: labels.tsv, the columns of IGVNav, and a VCF with calls in INFO.

const LABEL_COLUMNS = ["chrom", "pos", "ref", "alt", "label", "call", "tags", "reviewer", "time", "note", "choice", "weight"];
const IGVNAV_COLUMNS = ["Chromosome", "Start", "Stop", "Reference", "Variant", "Call", "Tags", "Notes"];

/**
 * @typedef {{reviewer: string, key: string, judgement: Judgement}} Imported
 * @typedef {{format: string, found: Imported[], strangers: number}} Import
 */

/** One value of a table: what would break a line becomes a space. @param {string} text */
function cell(text) {
  return text.replace(/[\t\r\n]+/g, " ").trim();
}

/**
 * All judgements of all reviewers, in the order of the candidates. Those without a call, but with tags or a note, are kept.
 * `choice` is how the page's candidates were chosen, and each stands for so many of the list as its weight.
 * @param {Entry[]} entries @param {Reviews} reviews @param {string} choice
 */
function labelsTsv(entries, reviews, choice) {
  const lines = [LABEL_COLUMNS.join("\t")];
  for (const entry of entries) {
    for (const reviewer of Object.keys(reviews).sort()) {
      const judgement = reviews[reviewer][keyOf(entry)];
      if (!judgement) continue;
      const call = CALLS.find((one) => one.name === judgement.call);
      const values = [entry.chrom, String(entry.pos), entry.ref, entry.alt, call ? call.label : ".", judgement.call || ".",
        judgement.tags.join(",") || ".", cell(reviewer) || ".", judgement.time || ".", cell(judgement.note) || ".", choice || ".", String(entry.weight)];
      lines.push(values.join("\t"));
    }
  }
  return lines.join("\n") + "\n";
}

/**
 * One reviewer's judgements of all candidates as IGVNav writes them: positions are 0-based, calls are letters.
 * @param {Entry[]} entries @param {Judgements} judgements
 */
function igvnavTsv(entries, judgements) {
  const lines = [IGVNAV_COLUMNS.join("\t")];
  for (const entry of entries) {
    const judgement = judgements[keyOf(entry)];
    const call = judgement ? CALLS.find((one) => one.name === judgement.call) : undefined;
    lines.push([entry.chrom, String(entry.pos - 1), String(entry.pos - 1 + entry.ref.length), entry.ref, entry.alt,
      call ? call.letter : "", judgement ? judgement.tags.join(",") : "", judgement ? cell(judgement.note) : ""].join("\t"));
  }
  return lines.join("\n") + "\n";
}

const REVIEW_FIELDS = [
  ["REVIEW_CALL", "Calls of reviewers: somatic, germline, ambiguous or fail"],
  ["REVIEW_TAGS", "Tags of each reviewer, joined by &"],
  ["REVIEW_BY", "Reviewers, in the order of the calls; percent-encoded"],
  ["REVIEW_TIME", "When each call was made; percent-encoded"],
  ["REVIEW_NOTE", "Notes of each reviewer; percent-encoded"],
];
const WEIGHT_FIELD = '##INFO=<ID=REVIEW_WEIGHT,Number=1,Type=Float,Description="How many candidates of the list it stands for">';

/** Text as a value of INFO, as VCF 4.3 encodes it. @param {string} text */
function encoded(text) {
  return text.replace(/[^A-Za-z0-9_.+-]/g, (letter) => encodeURIComponent(letter).replace(/[!'()*]/g, (one) => `%${one.charCodeAt(0).toString(16).toUpperCase()}`));
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {Index} index @param {Reviews} reviews */
function reviewVcf(index, reviews) {
  const lines = ["##fileformat=VCFv4.3", `##source=varproof review-calls ${index.version}`];
  for (const contig of index.contigs) lines.push(`##contig=<ID=${contig}>`);
  for (const [name, meaning] of REVIEW_FIELDS) {
    lines.push(`##INFO=<ID=${name},Number=.,Type=String,Description="${meaning}">`);
  }
  lines.push(WEIGHT_FIELD, `##varproof_choice=${index.choice}`);
  lines.push("#CHROM\tPOS\tID\tREF\tALT\tQUAL\tFILTER\tINFO");
  for (const entry of index.entries) {
    const key = keyOf(entry);
    const by = Object.keys(reviews).sort().filter((name) => key in reviews[name]);
    const of = by.map((name) => reviews[name][key]);
    const columns = [
      of.map((one) => one.call || "."),
      of.map((one) => one.tags.join("&") || "."),
      by.map((name) => encoded(name) || "."),
      of.map((one) => encoded(one.time) || "."),
      of.map((one) => encoded(one.note) || "."),
    ];
    const info = by.length ? columns.map((values, i) => `${REVIEW_FIELDS[i][0]}=${values.join(",")}`).concat(`REVIEW_WEIGHT=${entry.weight}`).join(";") : ".";
    lines.push([entry.chrom, entry.pos, ".", entry.ref, entry.alt, ".", ".", info].join("\t"));
  }
  return lines.join("\n") + "\n";
}

/**
 * Judgements in a text of any of the three formats; `reviewer` is whose those of IGVNav are. Throws an Error that says what is
 * wrong with the text.
 * @param {string} text @param {Entry[]} entries @param {string} reviewer @returns {Import}
 */
function imported(text, entries, reviewer) {
  const known = new Set(entries.map(keyOf));
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== "");
  if (lines.length === 0) throw new Error("the file is empty");
  const header = lines[0].toLowerCase().replace(/^#/, "").split("\t");
  let format;
  /** @type {Imported[]} */
  let all;
  if (lines[0].startsWith("##fileformat=VCF")) [format, all] = ["VCF", fromVcf(lines)];
  else if (["chrom", "pos", "ref", "alt", "call"].every((name) => header.includes(name))) [format, all] = ["labels.tsv", fromLabels(lines, header, reviewer)];
  else if (header.length >= 6 && /^chr/.test(header[0]) && /^(start|pos)/.test(header[1])) [format, all] = ["IGVNav", fromIgvnav(lines, known, reviewer)];
  else throw new Error("neither labels.tsv (chrom, pos, ref, alt, call, …), nor IGVNav's columns, nor a VCF");
  const found = all.filter((one) => known.has(one.key));
  return { format, found, strangers: all.length - found.length };
}

/** @param {string} call @param {number} line */
function callNamed(call, line) {
  if (call === "" || call === ".") return "";
  const wanted = call.trim().toLowerCase();
  const found = CALLS.find((one) => one.name === wanted || one.letter.toLowerCase() === wanted);
  if (!found) throw new Error(`line ${line}: '${call.slice(0, 20)}' is no call; calls are ${CALLS.map((one) => one.name).join(", ")}`);
  return found.name;
}

/** @param {string} text @param {RegExp} separator @param {number} line */
function tagsNamed(text, separator, line) {
  const wanted = text === "." ? [] : text.split(separator).map((tag) => tag.trim().toUpperCase()).filter((tag) => tag !== "");
  for (const tag of wanted) {
    if (!TAGS.some((one) => one.short === tag)) throw new Error(`line ${line}: '${tag.slice(0, 20)}' is no tag of the procedure`);
  }
  return TAGS.map((tag) => tag.short).filter((tag) => wanted.includes(tag));
}

/** @param {string} text */
function filled(text) {
  return text === undefined || text === "." ? "" : text;
}

/** @param {string} text @param {number} line */
function position(text, line) {
  if (!/^[0-9]{1,12}$/.test(text || "")) throw new Error(`line ${line}: '${String(text).slice(0, 20)}' is no position`);
  return Number(text);
}

/** @param {string[]} lines @param {string[]} header @param {string} reviewer @returns {Imported[]} */
function fromLabels(lines, header, reviewer) {
  return lines.slice(1).map((text, i) => {
    const values = text.split("\t");
    /** @param {string} name */
    const value = (name) => (header.includes(name) ? filled(values[header.indexOf(name)] || "") : "");
    const line = i + 2;
    const judgement = { call: callNamed(value("call"), line), tags: tagsNamed(value("tags"), /[,;&]/, line), note: value("note"), time: value("time") };
    const place = { chrom: value("chrom"), pos: position(value("pos"), line), ref: value("ref"), alt: value("alt") };
    return { reviewer: value("reviewer") || reviewer, key: keyOf(place), judgement };
  });
}

/**
 * IGVNav's files may be 0-based or 1-based, and their names of columns differ: a candidate at either place is meant.
 * @param {string[]} lines @param {Set<string>} known @param {string} reviewer @returns {Imported[]}
 */
function fromIgvnav(lines, known, reviewer) {
  const found = [];
  for (const [i, text] of lines.slice(1).entries()) {
    const [chrom, start, , ref, alt, call, tags, note] = text.split("\t");
    const line = i + 2;
    if (ref === undefined || alt === undefined) throw new Error(`line ${line} has too few columns`);
    const judgement = { call: callNamed(call || "", line), tags: tagsNamed(tags || "", /[,;& ]/, line), note: filled(note || ""), time: "" };
    if (!judgement.call && !judgement.tags.length && !judgement.note) continue;
    const at = position(start, line);
    const keys = [at + 1, at].map((pos) => keyOf({ chrom, pos, ref, alt }));
    found.push({ reviewer, key: keys.find((key) => known.has(key)) || keys[0], judgement });
  }
  return found;
}

/** @param {string[]} lines @returns {Imported[]} */
function fromVcf(lines) {
  const found = [];
  for (const [i, text] of lines.entries()) {
    if (text.startsWith("#")) continue;
    const [chrom, pos, , ref, alt, , , info] = text.split("\t");
    if (info === undefined) throw new Error(`line ${i + 1} has too few columns`);
    const values = new Map(info.split(";").map((field) => /** @type {[string, string]} */ ([field.split("=")[0], field.slice(field.indexOf("=") + 1)])));
    const by = values.get("REVIEW_BY");
    if (by === undefined) continue;
    const columns = REVIEW_FIELDS.map(([name]) => (values.get(name) || "").split(","));
    for (const [k, name] of by.split(",").entries()) {
      const judgement = {
        call: callNamed(columns[0][k] || "", i + 1),
        tags: tagsNamed(columns[1][k] || "", /&/, i + 1),
        note: decoded(filled(columns[4][k])),
        time: decoded(filled(columns[3][k])),
      };
      found.push({ reviewer: decoded(filled(name)), key: keyOf({ chrom, pos: position(pos, i + 1), ref, alt }), judgement });
    }
  }
  return found;
}
