"use strict";
// Begins the page, as soon as the first candidates have been read.

new Desk(JSON.parse(/** @type {HTMLElement} */ (document.getElementById("index")).textContent || "")).start();
