"use strict";
// Begins the page, as soon as the first candidates have been read.

const desk = new Desk(JSON.parse(/** @type {HTMLElement} */ (document.getElementById("index")).textContent || ""));
desk.start();
if (desk.index.explained) new Attention(desk);
