"use strict";
// What each key does: calls and tags as codes.js has them, and these. The help is made of the same table.

/**
 * @typedef {{key: string, code: string, shiftKey: boolean}} Pressed
 * @typedef {{keys: string[], shown: string, does: string, text: string}} Key
 */

/** `keys` as events name them, letters in lower case; `Shift+` before one means another thing than the key alone. @type {Key[]} */
const KEYS = [
  { keys: ["j", "ArrowRight"], shown: "j or →", does: "next", text: "next candidate" },
  { keys: ["k", "ArrowLeft"], shown: "k or ←", does: "previous", text: "previous candidate" },
  { keys: ["Enter"], shown: "Enter", does: "open", text: "next candidate without a call" },
  { keys: ["m"], shown: "m", does: "same tags", text: "more of the same: add the tags of the candidate that you tagged last" },
  { keys: ["n"], shown: "n", does: "note", text: "write a note; Escape leaves it" },
  { keys: ["u"], shown: "u", does: "undo", text: "undo" },
  { keys: ["b"], shown: "b", does: "blind", text: "blind: hide what varproof, the caller and others say" },
  { keys: ["Shift+g"], shown: "Shift G", does: "group", text: "group by the next of: allele, strand, haplotype, mate, nothing" },
  { keys: ["Shift+s"], shown: "Shift S", does: "sort", text: "sort by the next of: base, start, qualities, strand, insert size, mismatches" },
  { keys: ["Shift+c"], shown: "Shift C", does: "colour", text: "colour by the next of: base, qualities, strand, mismatches, insert size" },
  { keys: ["l"], shown: "l", does: "line", text: "line up by the base under the pointer, as a click on the reference does; again: by the candidate" },
  { keys: ["["], shown: "[", does: "line left", text: "sort by the base one column to the left" },
  { keys: ["]"], shown: "]", does: "line right", text: "sort by the base one column to the right" },
  { keys: ["d"], shown: "d", does: "attention", text: "what the network looked at, where predict --explain told it: show it, or don't" },
  { keys: ["i"], shown: "i", does: "read", text: "information on the next read, as a click on it gives; Escape leaves it" },
  { keys: ["Shift+i"], shown: "Shift I", does: "read before", text: "on the read before" },
  { keys: ["+"], shown: "+", does: "in", text: "zoom in" },
  { keys: ["-"], shown: "−", does: "out", text: "zoom out" },
  { keys: ["."], shown: ".", does: "whole", text: "the whole window" },
  { keys: ["h"], shown: "h", does: "tall", text: "high rows, whose letters can be read, or as many as fit" },
  { keys: ["Shift+ArrowRight"], shown: "Shift →", does: "pan right", text: "pan to the right" },
  { keys: ["Shift+ArrowLeft"], shown: "Shift ←", does: "pan left", text: "pan to the left" },
  { keys: ["ArrowDown"], shown: "↓", does: "down", text: "further down; in the list of candidates: the next" },
  { keys: ["ArrowUp"], shown: "↑", does: "up", text: "further up; in the list: the one before" },
  { keys: ["PageDown"], shown: "Page ↓", does: "page down", text: "a page down" },
  { keys: ["PageUp"], shown: "Page ↑", does: "page up", text: "a page up" },
  { keys: ["o"], shown: "o", does: "other", text: "the other sample's reads, where not all fit: the normal's, then the tumour's again" },
  { keys: ["p"], shown: "p", does: "export", text: "put out: the menu of Export; Enter writes a file, Escape none" },
  { keys: ["/"], shown: "/", does: "find", text: "find" },
  { keys: ["?"], shown: "?", does: "help", text: "these keys" },
  { keys: ["Escape"], shown: "Escape", does: "leave", text: "leave a field, a menu, a read" },
];

/**
 * What a key does, and to what: a call's or a tag's name; nothing for others. Digits are meant by their place on the keyboard,
 * where some layouts have other letters on them.
 * @param {Pressed} event @returns {{does: string, what: string} | null}
 */
function commandOf(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  const digit = /^Digit[0-9]$/.test(event.code) && !/^[+\-./?[\]]$/.test(key) ? event.code.slice(5) : key;
  const shifted = event.shiftKey ? KEYS.find((one) => one.keys.includes(`Shift+${key}`)) : undefined;
  if (shifted) return { does: shifted.does, what: "" };
  const call = CALLS.find((one) => one.key === key);
  if (call) return { does: "call", what: call.name };
  const tag = TAGS.find((one) => one.key === digit);
  if (tag) return { does: "tag", what: tag.short };
  const found = KEYS.find((one) => one.keys.includes(key));
  return found ? { does: found.does, what: "" } : null;
}

/** The value after this one, from the first again. @param {string[]} values @param {string} value */
function nextValue(values, value) {
  return values[(values.indexOf(value) + 1) % values.length];
}
