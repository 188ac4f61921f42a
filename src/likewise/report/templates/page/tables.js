// A table that sorts, filters and gives itself as CSV. Every cell is text.

const ROWS = 100; // Shown at first, and with each "more".

const element = (tag, attributes = {}, ...inside) => {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null && value !== false) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...inside.filter((one) => one !== null && one !== undefined));
  return made;
};

// heads: [{name, number, p}]; rows: arrays of texts, numbers and null; open(k) makes the first cell of row k a button.
function table({ name, heads, rows, open = null }) {
  let sorted = rows.map((_, k) => k), by = null, down = false, wanted = "", count = ROWS;
  const cell = (value, head) => (value === null || value === undefined ? "–" : typeof value === "boolean" ? (value ? "yes" : "no") : typeof value === "number" ? (head.p ? toldP(value) : head.whole ? value.toLocaleString("en") : told(value)) : String(value));
  const search = element("input", { type: "search", placeholder: "filter rows", "aria-label": `filter rows of ${name}`, oninput: () => { wanted = search.value.toLowerCase(); count = ROWS; fill(); } });
  const counted = element("span", { class: "soft", role: "status" });
  const body = element("tbody");
  // Remarks that no row has are not shown; the CSV has the column.
  const seen = heads.flatMap((head, k) => (!["note", "reason"].includes(head.name) || rows.some((row) => row[k]) ? [k] : []));
  const headings = new Map(seen.map((k) => {
    const head = heads[k];
    const button = element("button", { type: "button", onclick: () => { down = by === k ? !down : head.number === true; by = k; order(); } }, head.name);
    return [k, element("th", { scope: "col", class: head.number ? "n" : "", "aria-sort": "none" }, button)];
  }));
  const more = element("button", { type: "button", onclick: () => { count += 10 * ROWS; fill(); } }, "more rows");
  const shownRows = () => (wanted ? sorted.filter((k) => rows[k].some((value, j) => cell(value, heads[j]).toLowerCase().includes(wanted))) : sorted);
  const order = () => {
    const value = (k) => rows[k][by];
    sorted.sort((x, y) => {
      const [u, v] = [value(x), value(y)];
      if (u === null || v === null) return (u === null) - (v === null) || x - y; // what is missing stands last, either way
      return (typeof u === "number" && typeof v === "number" ? u - v : String(u).localeCompare(String(v), "en", { numeric: true })) * (down ? -1 : 1) || x - y;
    });
    headings.forEach((heading, k) => heading.setAttribute("aria-sort", k !== by ? "none" : down ? "descending" : "ascending"));
    fill();
  };
  const fill = () => {
    const found = shownRows();
    body.replaceChildren(...found.slice(0, count).map((k) => element("tr", {}, ...seen.map((j) => {
      const text = cell(rows[k][j], heads[j]);
      if (j === 0 && open) return element("th", { scope: "row" }, element("button", { type: "button", class: "link", onclick: () => open(k) }, text));
      return element("td", { class: heads[j].number ? "n" : "" }, text);
    }))));
    counted.textContent = `${found.length.toLocaleString("en")} of ${rows.length.toLocaleString("en")} ${rows.length === 1 ? "row" : "rows"}`;
    more.hidden = found.length <= count;
  };
  const download = () => {
    // A cell that a spreadsheet would run as a formula gets a quote before it, as in the files beside the page.
    const quoted = (value) => {
      if (value === null || value === undefined) return "";
      const text = typeof value === "string" && /^[=+\-@\t\r]/.test(value) ? `'${value}` : String(value);
      return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
    };
    const lines = [heads.map((h) => h.name), ...shownRows().map((k) => rows[k])].map((line) => line.map(quoted).join(","));
    save(new Blob([`${lines.join("\n")}\n`], { type: "text/csv" }), `${name.replace(/[^\w.-]+/g, "-")}.csv`);
  };
  fill();
  return element("div", { class: "table" },
    element("p", { class: "tools" }, search, counted, element("button", { type: "button", class: "csv", onclick: download }, "CSV of these rows")),
    element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": name }, element("table", {}, element("thead", {}, element("tr", {}, ...headings.values())), body)), more);
}

function save(blob, name) {
  const link = element("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

const PAIR_HEADS = [
  ["first", false], ["second", false], ["value", true], ["from", true], ["to", true], ["chance", true], ["z", true], ["p corrected", true, true],
  ["calibrated", true], ["calibrated from", true], ["calibrated to", true], ["note", false],
].map(([name, number, p = false]) => ({ name, number, p }));
const pairCells = (page, r) => [page.names[r.a].name, page.names[r.b].name, r.value, r.low, r.high, r.chance, r.z, r.corrected, r.calibrated, r.calibratedLow, r.calibratedHigh, [r.note, r.unsure && !r.note.includes(r.unsure) ? `no interval: ${r.unsure}` : ""].filter(Boolean).join("; ")];
