// Puts the page together: the bar, the pictures that follow it, the tables, and the evidence of a pair.

async function start() {
  const page = await openBlock(document.getElementById("block").textContent);
  window.addEventListener("resize", () => document.querySelectorAll(".drawings .plot").forEach(reachable));
  if (!page.table) { // the page of one answer
    drawAnswers(page);
    document.body.dataset.ready = "yes";
    return;
  }
  const rows = new Rows(page), by = (id) => document.getElementById(id);
  const state = new State(page, (changes) => { if (Object.keys(changes).join() === "pair") drawEvidence(); else draw(); });
  const bar = filters(page, state, by);
  // A narrow screen begins with the answer, and a wide one has no head to open the bar by.
  const narrow = matchMedia("(max-width: 700px)"), fold = () => { by("choose").open = !narrow.matches; };
  narrow.addEventListener("change", fold);
  fold();
  const dialog = by("evidence");

  dialog.addEventListener("close", () => { if (state.pair) state.set({ pair: null }); });
  window.addEventListener("hashchange", () => {
    // A link within the page moves to its place, and leaves what is chosen.
    if (by(location.hash.slice(1))) history.replaceState(null, "", state.hash());
    else { state.read(location.hash); draw(); }
  });
  let width = innerWidth;
  window.addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; draw(); } });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => draw());

  const open = (r) => state.set({ pair: [r.a, r.b] });
  drawAnswers(page);
  state.read(location.hash);
  draw();
  document.body.dataset.ready = "yes";

  function draw() {
    bar();
    for (const figure of document.querySelectorAll("figure[data-picture]")) {
      // What is hidden has no width to draw for.
      const section = figure.closest("section:not(#answers)");
      for (const one of [section, figure]) if (one) one.hidden = false;
      const found = pictures[figure.dataset.picture](state, rows, figure.querySelector(".plot"));
      // A section with nothing in it is left out, with its place in the contents; the answer stays without its picture.
      if (section) { section.hidden = !found; document.querySelectorAll(`nav a[href="#${section.id}"]`).forEach((link) => { link.hidden = !found; }); }
      figure.hidden = !found;
      if (found) show(figure, found, state, open);
    }
    const pairs = chosenRows(state, rows);
    by("pairs").replaceChildren(table({ name: `pairs ${page.datasets[state.dataset].name} ${state.configuration.label}`, heads: PAIR_HEADS, rows: pairs.map((r) => pairCells(page, r)), open: (k) => open(pairs[k]) }));
    drawEvidence();
    document.body.dataset.width = innerWidth;  // what all this was drawn for
  }
  function drawEvidence() {
    if (state.pair) {
      by("evidence-body").replaceChildren(...evidence(page, rows, state.dataset, state.pair));
      if (!dialog.open) dialog.showModal();
    } else if (dialog.open) dialog.close();
  }
}

function show(figure, found, state, open) {
  const parts = found.legend ? [element("div", { class: "legend" }, found.legend), ...found.parts] : found.parts;
  const box = figure.querySelector(".plot");
  box.replaceChildren(...parts);
  figure.querySelector("figcaption").textContent = found.note.filter(Boolean).join(" ");
  // What does not fit is scrolled, by keyboard too.
  if (!box.hasAttribute("role")) { if (box.scrollWidth > box.clientWidth) box.setAttribute("tabindex", "0"); else box.removeAttribute("tabindex"); }
  box.querySelectorAll("svg").forEach((svg) => svg.setAttribute("aria-hidden", "true")); // the caption and the table say it
  if (found.grid) cursor(box, found.grid, state, open); else reachable(box);
  if (found.points) found.points.svg.querySelectorAll("g[aria-label=dot] circle").forEach((dot, k) => {
    const r = found.points.rows[k];
    dot.append(titled(pairTitle(state, r)));
    dot.style.cursor = "pointer";
    dot.addEventListener("click", () => open(r));
  });
  const choices = figure.querySelector(".choices");
  if (choices && found.choices) {
    const select = element("select", { id: "layers-of", onchange: () => state.set({ layersOf: found.choices[select.value] }) },
      ...found.choices.map((two, k) => element("option", { value: k, selected: [...two].sort().join("\n") === [...found.chosen].sort().join("\n") }, two[0] === two[1] ? two[0] : two.join(" – "))));
    choices.replaceChildren(element("label", {}, "models ", select));
  }
  if (!figure.querySelector(".svg")) figure.append(element("button", { type: "button", class: "svg", onclick: () => box.querySelectorAll("svg").forEach((svg, k) => saveSvg(svg, `${figure.dataset.picture ?? "figure"}-${k + 1}.svg`)) }, "Save as SVG"));
}

// What is wider than its frame can be moved with the keyboard too.
function reachable(box) {
  const wider = box.scrollWidth > box.clientWidth;
  for (const [name, value] of Object.entries({ tabindex: "0", role: "group", "aria-label": `${box.closest("figure").getAttribute("aria-label")}: arrow keys move it` })) {
    if (wider) box.setAttribute(name, value); else box.removeAttribute(name);
  }
}

function saveSvg(svg, name) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  copy.style.color = "#1b1b22";
  save(new Blob([copy.outerHTML], { type: "image/svg+xml" }), name);
}

const titled = (text) => { const made = document.createElementNS("http://www.w3.org/2000/svg", "title"); made.textContent = text; return made; };
const pairTitle = (state, r) => `${state.page.names[r.a].name} – ${state.page.names[r.b].name}: ${said(r)}; chance ${told(r.chance)}, p corrected ${toldP(r.corrected)}`;

// A heatmap is one thing for the keyboard: arrows move over its cells, Enter opens one.
function cursor(box, grid, state, open) {
  const svg = grid.svg, at = { x: 0, y: 0 }, live = element("p", { class: "live", role: "status" });
  const mark = document.createElementNS("http://www.w3.org/2000/svg", "rect");
  for (const [name, value] of Object.entries({ width: grid.size, height: grid.size, fill: "none", stroke: colour("--ink"), "stroke-width": 2, visibility: "hidden", "pointer-events": "none" })) mark.setAttribute(name, value);
  svg.append(mark);
  const go = (x, y) => {
    [at.x, at.y] = [Math.max(0, Math.min(grid.across.length - 1, x)), Math.max(0, Math.min(grid.down.length - 1, y))];
    const r = grid.cell(grid.down[at.y], grid.across[at.x]);
    mark.setAttribute("x", grid.left + at.x * grid.size);
    mark.setAttribute("y", grid.top + at.y * grid.size);
    mark.setAttribute("visibility", "visible");
    live.textContent = r ? pairTitle(state, r) : "no pair";
    return r;
  };
  const place = (event) => {
    const frame = svg.getBoundingClientRect(), scale = svg.viewBox.baseVal.width / frame.width;
    const x = Math.floor(((event.clientX - frame.left) * scale - grid.left) / grid.size), y = Math.floor(((event.clientY - frame.top) * scale - grid.top) / grid.size);
    return x >= 0 && y >= 0 && x < grid.across.length && y < grid.down.length ? [x, y] : null;
  };
  box.classList.add("grid");
  box.onpointermove = (event) => { const found = place(event); if (found) go(...found); };
  box.onclick = (event) => { const found = place(event), r = found && go(...found); if (r) open(r); };
  box.onkeydown = (event) => {
    const step = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (step) { go(at.x + step[0], at.y + step[1]); event.preventDefault(); }
    // Else the same key press would go on to the button that the evidence opens with, and close it.
    if (event.key === "Enter") { event.preventDefault(); const r = go(at.x, at.y); if (r) open(r); }
  };
  box.append(live);
}

// The bar: made once, and set to what is chosen whenever that changes.
function filters(page, state, by) {
  const select = (id, options, key, of = (v) => v) => {
    const made = by(id);
    made.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
    made.addEventListener("change", () => state.set({ [key]: of(made.value) }));
    return made;
  };
  const dataset = select("dataset", page.datasets.map((d, k) => [k, `${d.name} (${d.items.toLocaleString("en")})`]), "dataset", Number);
  const measure = select("measure", page.configurations.map((c, k) => [k, c.label]), "measure", Number);
  const score = select("score", [["calibrated", "calibrated"], ["raw", "raw"]], "wanted");
  const order = select("order", [["alike", "by likeness"], ["given", "as given"]], "order");
  const base = select("base", [["", "all pairs"], ...page.names.map((n) => [n.name, `with ${n.name}`])], "base");
  const ticks = (id, all, key) => {
    const list = by(id).querySelector(".ticks"), search = by(id).querySelector("input[type=search]");
    const boxes = all.map((one) => element("label", {}, element("input", { type: "checkbox", value: one, onchange: (event) => {
      const without = new Set(state[key]);
      if (event.target.checked) without.delete(one); else without.add(one);
      state.set({ [key]: without });
    } }), ` ${one}`));
    list.replaceChildren(...boxes);
    const seen = () => boxes.filter((box) => !box.hidden).map((box) => box.querySelector("input").value);
    search?.addEventListener("input", () => boxes.forEach((box) => { box.hidden = !box.textContent.toLowerCase().includes(search.value.toLowerCase()); }));
    by(id).querySelector(".all").addEventListener("click", () => { const tick = new Set(seen()); state.set({ [key]: new Set([...state[key]].filter((one) => !tick.has(one))) }); });
    by(id).querySelector(".none").addEventListener("click", () => state.set({ [key]: new Set([...state[key], ...seen()]) }));
    by(id).hidden = all.length < 2;
    return () => {
      boxes.forEach((box) => { const input = box.querySelector("input"); input.checked = !state[key].has(input.value); });
      by(id).querySelector("summary").textContent = `${id} ${all.length - state[key].size} of ${all.length}`;
    };
  };
  const parts = [ticks("models", state.models, "hidden"), ticks("layers", state.layers, "left")];
  by("reset").addEventListener("click", () => { state.start(); state.set({}); });
  document.querySelectorAll("#filters .bar details").forEach((details) => details.addEventListener("keydown", (event) => { if (event.key === "Escape") { details.open = false; details.querySelector("summary").focus(); } }));
  return () => {
    score.querySelector("[value=calibrated]").disabled = !page.has_calibrated[state.measure];
    [dataset.value, measure.value, score.value, order.value, base.value] = [state.dataset, state.measure, state.score, state.order, state.base];
    parts.forEach((part) => part());
  };
}

function drawAnswers(page) {
  for (const answer of page.answers) {
    const section = document.getElementById(`study-${answer.name}`);
    for (const drawing of answer.drawings) {
      const figure = element("figure", { "aria-label": drawing.alt }, element("div", { class: "plot" }), element("figcaption"));
      section.querySelector(".drawings").append(figure);
      const made = answers[drawing.kind](drawing, figure.querySelector(".plot"));
      if (drawing.unsure) made.note.push(`No interval: ${drawing.unsure}.`);
      show(figure, made, null, null);
    }
    for (const of of answer.tables) {
      const made = table({ name: of.caption || of.name, heads: of.columns.map((name, k) => ({ name, number: of.numeric[k], p: of.p[k], whole: of.whole[k] })), rows: of.rows });
      const place = section.querySelector(`[data-table="${CSS.escape(of.name)}"]`);
      place.append(made);
    }
  }
}

start().catch((error) => {
  document.getElementById("trouble").hidden = false;
  document.getElementById("trouble").textContent = `This page could not be opened here (${error.message}). It needs a browser of 2023 or later; the tables beside it have all numbers.`;
});
