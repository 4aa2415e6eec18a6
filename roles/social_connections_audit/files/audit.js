/*
Copyright (c) The community.wpcom authors
GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
SPDX-License-Identifier: GPL-3.0-or-later
*/
"use strict";
(() => {
  const search = document.getElementById("search");
  const hits = document.getElementById("hits");
  const table = document.getElementById("rows");
  const rowsOf = (selector) => Array.from(document.querySelectorAll(selector), (row) => ({ row, text: null }));
  const groups = [
    { found: rowsOf("#rows > tbody > tr"), word: "connections" },
    { found: rowsOf(".matrix > tbody > tr"), word: "sites" },
  ];
  document.documentElement.classList.add("scripted");

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const shown = groups.map(({ found, word }) => {
      let count = 0;
      for (const one of found) {
        // The cells of a row are read once, when somebody searches.
        one.text ??= Array.from(one.row.cells, (cell) => cell.textContent).join(" ").toLowerCase();
        const matches = words.every((part) => one.text.includes(part));
        one.row.hidden = !matches;
        count += matches;
      }
      return `${count} of ${found.length} ${word}`;
    });
    hits.textContent = words.length ? shown.join(", ") : "";
  }

  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(filter, 60);
  });

  if (!table) return;
  const heads = Array.from(table.tHead.rows[0].cells);
  const body = table.tBodies[0];
  const worst = ["broken", "expiring", "unknown", "untested", "ok"];
  const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

  function keyOf(cell, name) {
    if (name === "State") return worst.indexOf(cell.className);
    // What never expires comes last.
    if (name === "Expires") return cell.textContent || "9999";
    if (name === "ID") return Number(cell.textContent);
    return cell.textContent;
  }

  heads.forEach((head, column) => {
    const name = head.textContent;
    head.firstElementChild.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      const keyed = Array.from(body.rows, (row) => [keyOf(row.cells[column], name), row]);
      const compare = typeof keyed[0]?.[0] === "number" ? (a, b) => a - b : collator.compare;
      keyed.sort((a, b) => (down ? compare(b[0], a[0]) : compare(a[0], b[0])));
      heads.forEach((other) => other.setAttribute("aria-sort", "none"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      body.replaceChildren(...keyed.map(([, row]) => row));
    });
  });

  const folded = document.querySelectorAll("details");
  addEventListener("beforeprint", () => folded.forEach((one) => (one.open = true)));
})();
