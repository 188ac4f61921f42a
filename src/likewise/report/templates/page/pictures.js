// Every picture: what is chosen goes in, an SVG comes out. Observable Plot draws; names reach it as text only.

const CELLS = 60; // Up to so many names a heatmap is made of rectangles, of more it is one image.
const LABELS = 60; // Up to so many names stand beside a heatmap, whose cells are then as high as a name; more are told where one points.
const FOREST = 40; // Rows of a forest; the table has all.
const CURVES = 8;
const STEPS = 24; // Damaged copies that a caption names.

const short = (name, longest = 28) => {
  if (name.length <= longest) return name;
  const half = Math.floor((longest - 1) / 2);
  return `${name.slice(0, half)}…${name.slice(-half)}`;
};
const LETTER = 6.4; // Room for a letter at 11 px, the least size of any text: none is cut.
const room = (texts, longest = 28) => 14 + LETTER * Math.max(4, ...texts.map((t) => Math.min(t.length, longest)));
const LINE = 13; // And its height.
// Labels beside a picture have half of its width at most; longer ones lose their middle.
const labelsBeside = (texts, longest, full) => {
  const left = Math.min(room(texts, longest), full * 0.5), letters = Math.floor((left - 14) / LETTER);
  return { left, letters, labels: texts.map((t) => short(t, letters)) };
};
// On a narrow screen the names of rows stand above their lines, where they have the whole width.
const NARROW = 520, EDGE = 22; // At the edge half of a number of the axis has room.
const lettersAbove = (full) => Math.floor((full - EDGE) / LETTER) - 1;
const sideAxis = (labels, above) => ({ tickFormat: above ? () => "" : (k) => labels[k], tickSize: 0, label: null, type: "band" });
const namesAbove = (labels, above) => (above ? [Plot.text(labels, { frameAnchor: "left", y: (_, k) => k, dx: 5, dy: -12, text: (label) => label, textAnchor: "start", fill: "currentColor", stroke: colour("--card"), strokeWidth: 4 })] : []);
const widthOf = (box, most = 1460) => Math.max(260, Math.min(most, box.clientWidth || 600));
// A picture whose caption stands beside it where there is room: the picture has the rest.
const CAPTION = 400;
const widthBeside = (box) => { const inside = (box.closest("figure").clientWidth || 600) - 26; return Math.max(260, inside > 900 ? inside - CAPTION : inside); };
const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const layerOf = (layer) => ({ last: "the last layer", embedding: "the embedding" })[layer] ?? `layer ${layer}`;
const capital = (text) => text[0].toUpperCase() + text.slice(1);
const noneSmall = (found) => (found.some((r) => r.tooFew) ? `Corrected p: ${TOO_FEW}.` : "");
const said = (row) => `${told(row.drawn)} (${interval(row.drawnLow, row.drawnHigh, row.unsure)})`;
const axis = (state) => (state.score === "calibrated" ? "calibrated score: 0 is chance, 1 is identical" : `${state.configuration.label}, a ${state.configuration.direction}`);

function plot(options) {
  const drawn = Plot.plot({ style: { fontSize: "11px", background: "none", overflow: "visible" }, ...options });
  drawn.removeAttribute("role"); // the figure around it has the name
  return drawn;
}

// The order of names for a heatmap: that of the tree where there is one and it is wanted, else as given.
function arranged(state, members) {
  const tree = state.page.pictures.find((p) => p.dataset === state.dataset && p.configuration === state.measure);
  if (state.order === "given" || !tree) return { order: [...members].sort((x, y) => x - y), tree: null };
  const wanted = new Set(members);
  const order = [...tree.order].map((k) => tree.members[k]).filter((n) => wanted.has(n));
  return order.length === members.length ? { order, tree } : { order: [...members].sort((x, y) => x - y), tree: null };
}

// Elbows of a tree over the places of its visible leaves; hidden leaves are cut off, and their joints with them.
function elbows(tree, order) {
  const at = new Map(order.map((n, k) => [n, k]));
  const nodes = [...tree.members].map((n) => (at.has(n) ? { y: at.get(n), x: 0 } : null));
  const lines = [];
  tree.height.forEach((height, k) => {
    const [one, two] = [nodes[tree.joined[2 * k]], nodes[tree.joined[2 * k + 1]]];
    if (one && two) {
      for (const node of [one, two]) lines.push({ x1: node.x, x2: height, y1: node.y, y2: node.y });
      lines.push({ x1: height, x2: height, y1: one.y, y2: two.y });
      nodes.push({ y: (one.y + two.y) / 2, x: height });
    } else nodes.push(one ?? two);
  });
  return lines;
}

const pictures = {
  heatmap(state, rows, box) {
    const found = chosenRows(state, rows);
    if (found.filter((r) => r.drawn !== null).length < 2) return null;
    const names = state.page.names, label = (n) => names[n].name;
    const { order, tree } = arranged(state, [...new Set(found.flatMap((r) => [r.a, r.b]))]);
    // Pairs between two sides make a rectangle; where their order counts a square, which has a cell for each order.
    const symmetric = state.configuration.symmetric, sided = symmetric && state.page.sides !== null;
    const [down, across] = sided ? state.page.sides.map((side) => order.filter((n) => side.includes(n))) : [order, order];
    const cells = new Map();
    for (const r of found) {
      cells.set(`${r.a},${r.b}`, r);
      if (symmetric) cells.set(`${r.b},${r.a}`, r);
    }
    const numbers = found.map((r) => r.drawn).filter((v) => v !== null);
    const domain = state.score === "calibrated" ? [0, 1] : d3.extent(numbers);
    if (domain[0] === domain[1]) domain[1] = domain[0] + 1;
    const scale = d3.scaleSequential(state.up ? domain : [...domain].reverse(), d3.interpolateViridis).clamp(true);
    const labels = down.map(label), left = down.length <= LABELS ? room(labels) : 12;
    const full = widthOf(box), least = Math.max(down.length, across.length) <= LABELS ? LINE : 2;
    const sizeWith = (tree) => (full - left - tree - 30) / across.length;
    const beside = tree && !sided && full > 520 && sizeWith(110) >= least ? 110 : 0;
    const size = Math.max(Math.min(Math.max(36, Math.min(60, 340 / down.length)), sizeWith(beside)), least);
    const width = left + size * across.length + 8, top = 8;
    const bottom = across.length <= LABELS ? room(across.map(label)) * 0.75 + 14 : 14;
    const height = top + size * down.length + bottom;
    const data = [];
    down.forEach((y) => across.forEach((x) => { const r = cells.get(`${y},${x}`); if (r) data.push({ x, y, r }); }));
    // Places are not rounded: a cell lies where the pointer and the keys look for it.
    const sameColumns = { x: { domain: across, round: false, tickFormat: (n) => short(label(n)), tickRotate: across.length > 1 ? -45 : 0, tickSize: 0, label: null },
      y: { domain: down, round: false, tickFormat: (n) => short(label(n)), tickSize: 0, label: null } };
    if (down.length > LABELS) sameColumns.y.axis = null;
    if (across.length > LABELS) sameColumns.x.axis = null;
    const missing = data.filter((d) => d.r.drawn === null);
    const unsure = data.filter((d) => d.r.drawn !== null && d.r.corrected !== null && d.r.corrected > LEVEL && !d.r.tooFew);
    const marks = [];
    if (down.length <= CELLS && across.length <= CELLS) {
      marks.push(Plot.cell(data.filter((d) => d.r.drawn !== null), { x: "x", y: "y", fill: (d) => scale(d.r.drawn), inset: size > 8 ? 0.5 : 0 }));
      marks.push(Plot.text(missing, { x: "x", y: "y", text: () => "×", fill: "currentColor" }));
      const wide = LETTER * d3.max(numbers, (v) => written(v, numbers).length); // a number is written where it fits
      if (size >= wide) marks.push(Plot.text(data.filter((d) => d.r.drawn !== null), { x: "x", y: "y", fill: (d) => (d3.lab(scale(d.r.drawn)).l > 62 ? "#000" : "#fff"), text: (d) => written(d.r.drawn, numbers) }));
      marks.push(Plot.dot(unsure, { x: "x", y: "y", r: 1.6, dy: size >= wide ? 10 : 0, fill: (d) => (d3.lab(scale(d.r.drawn)).l > 62 ? "#000" : "#fff") }));
    } else {
      marks.push(Plot.image([0], { src: () => painted(data, down, across, scale), frameAnchor: "middle", width: size * across.length, height: size * down.length, preserveAspectRatio: "none", imageRendering: "pixelated" }));
    }
    const map = plot({ width, height, marginLeft: left, marginTop: top, marginBottom: bottom, marginRight: 8, padding: 0, color: { type: "identity" }, ...sameColumns, marks });
    const parts = [map];
    if (beside) {
      const lines = elbows(tree, order);
      parts.push(plot({ width: beside, height, marginLeft: 2, marginRight: 6, marginTop: top, marginBottom: bottom, x: { label: null, ticks: 3 },
        y: { domain: [down.length - 0.5, -0.5], axis: null }, marks: [Plot.link(lines, { x1: "x1", x2: "x2", y1: "y1", y2: "y2", stroke: "currentColor", strokeWidth: 1 })] }));
    }
    return {
      parts,
      legend: Plot.legend({ color: { type: "linear", domain, range: d3.range(9).map((k) => d3.interpolateViridis(state.up ? k / 8 : 1 - k / 8)), interpolate: "rgb" }, width: Math.min(260, full - 20), marginLeft: 8, marginRight: 12, label: axis(state), style: { background: "none", fontSize: "11px" } }),
      grid: { svg: map, down, across, size, left, top, cell: (y, x) => cells.get(`${y},${x}`) },
      note: [
        `${down.length === across.length && !sided ? down.length : `${down.length} × ${across.length}`} names, ${found.length.toLocaleString("en")} ${found.length === 1 ? "pair" : "pairs"}; brighter is more alike.`,
        tree ? `Ordered by average linkage of ${tree.of === "calibrated" ? "calibrated" : "raw"} scores${beside ? "; the tree stands beside, its axis is how unlike the joined are, without intervals, which stand with the pairs below" : ""}.` : "In the order of the experiment.",
        symmetric ? "" : "The order of a pair matters: the row is the first model, the column the second.",
        unsure.length && down.length <= CELLS ? `A dot marks the ${unsure.length / (symmetric && !sided ? 2 : 1)} pairs that are not told apart from chance (corrected p above ${LEVEL}).` : "", noneSmall(found),
        missing.length ? "A cross marks a pair without a score." : "",
        outside(numbers, state), unsureOf(found),
        "Point at a cell for its interval; click, or arrow keys and Enter, for its evidence.",
      ],
    };
  },

  forest(state, rows, box) {
    const names = state.page.names, base = names.findIndex((n) => n.name === state.base);
    let found = chosenRows(state, rows).filter((r) => r.drawn !== null && (base < 0 || r.a === base || r.b === base));
    // Where every pair may be shown, those between layers are left to the maps of layers.
    if (base < 0 && state.page.same_layer) { const same = found.filter((r) => names[r.a].layer === names[r.b].layer); if (same.length) found = same; }
    if (!found.length) return null;
    const all = found.length;
    found.sort((x, y) => (state.up ? y.drawn - x.drawn : x.drawn - y.drawn));
    if (all > FOREST) found = [...found.slice(0, FOREST / 2), ...found.slice(-FOREST / 2)];
    const label = (r, half = 22) => (base < 0 ? `${short(names[r.a].name, half)} – ${short(names[r.b].name, half)}` : names[r.a === base ? r.b : r.a].name);
    const full = widthOf(box), above = full < NARROW, side = labelsBeside(found.map((r) => label(r)), 48, full), left = above ? EDGE : side.left;
    const longest = above ? lettersAbove(full) : side.letters, own = found.map((r) => (label(r).length <= longest ? label(r) : short(label(r, Math.min(22, Math.floor((longest - 3) / 2))), longest)));
    const labels = base < 0 || above ? own : side.labels;
    const place = (r) => found.indexOf(r), raw = state.score === "raw";
    const scale = scaleOf(state, rows);
    const ends = [...found.flatMap((r) => [r.drawn, r.drawnLow, r.drawnHigh, raw ? r.chance : 0, raw ? null : 1]), ...scale.bands.flatMap((b) => [b.low, b.high]), ...scale.steps.map((r) => r.drawn)].filter((v) => v !== null);
    const domain = d3.scaleLinear().domain(d3.extent(ends)).nice().domain(), [from, to] = domain, unit = (full - left - 16) / (to - from || 1), named = [];
    let last = -Infinity;
    for (const r of d3.sort(scale.steps, (r) => r.drawn)) {
      const half = (scale.word(r).length * LETTER) / 2 + 3, x = (r.drawn - from) * unit;
      if (x - half > last && x + half < (to - from) * unit + 16) { named.push(r); last = x + half; }
    }
    const top = named.length ? 20 : 6;
    const drawn = plot({
      width: full, height: 40 + top + (above ? 36 : 19) * found.length, marginLeft: left, marginBottom: 34, marginTop: top, marginRight: 16,
      x: { domain, label: axis(state), labelArrow: "none", grid: true }, y: { domain: found.map((_, k) => k), ...sideAxis(labels, above) },
      marks: [
        ...scale.bands.map((b) => Plot.rectX([b], { x1: "low", x2: "high", fill: b.colour, fillOpacity: 0.16 })),
        Plot.ruleX(scale.steps, { x: "drawn", stroke: colour("--warn-line"), strokeDasharray: "2 3" }),
        // Those whose names have room; the caption has all.
        Plot.text(named, { x: "drawn", text: scale.word, frameAnchor: "top", dy: -14, fill: "currentColor" }),
        raw ? Plot.tickX(found.filter((r) => r.chance !== null), { x: "chance", y: place, stroke: colour("--warn-line"), strokeWidth: 2 }) : Plot.ruleX([0, 1], { stroke: "currentColor", strokeOpacity: 0.5, strokeDasharray: "3 3" }),
        Plot.ruleY(found.filter((r) => r.drawnLow !== null), { x1: "drawnLow", x2: "drawnHigh", y: place, stroke: colour("--mark"), strokeWidth: 2 }),
        Plot.dot(found, { x: "drawn", y: place, r: 4, stroke: colour("--mark"), fill: (r) => (r.corrected !== null && r.corrected <= LEVEL ? colour("--mark") : colour("--card")) }),
        ...namesAbove(labels, above),
      ],
    });
    return {
      parts: [drawn], legend: scale.legend, points: { svg: drawn, rows: found },
      note: [
        all > FOREST ? `The ${FOREST / 2} most and the ${FOREST / 2} least alike of ${all.toLocaleString("en")} pairs; the table has all.` : all === 1 ? "" : `${all} pairs.`,
        "A line is the 95 % interval for other prompts of the same kind; a full dot is more alike than chance (corrected p at most 0.05), an empty one is not told apart from it, or could not be.", noneSmall(found),
        raw ? "An upright mark is the chance level." : "Dashed: chance and identical.",
        unsureOf(found), ...scale.note,
      ],
    };
  },

  ranks(state, rows, box) {
    const names = state.page.names;
    const known = state.page.ranks.filter((r) => r.dataset === state.dataset && r.configuration === state.measure);
    const found = known.find((r) => names[r.base].name === state.base) ?? known[0];
    if (!found) return null;
    const data = [...found.members].map((n, k) => ({ n, rank: found.rank[k], low: found.low[k], high: found.high[k], letters: found.letters[k] })).filter((d) => state.visible(d.n)).sort((x, y) => x.rank - y.rank);
    if (data.length < 2) return null;
    const full = widthOf(box), { left, labels } = labelsBeside(data.map((d) => names[d.n].name), 40, full);
    const drawn = plot({
      width: full, height: 46 + 20 * data.length, marginLeft: left, marginRight: 60, marginBottom: 34, marginTop: 6,
      x: { domain: [0.5, found.members.length + 0.5], label: `rank by likeness to ${short(names[found.base].name, 40)} (1 is the most alike)`, labelArrow: "none", ticks: Math.min(found.members.length, 12), tickFormat: "d", grid: true },
      y: { domain: data.map((_, k) => k), tickFormat: (k) => labels[k], tickSize: 0, label: null, type: "band" },
      marks: [
        Plot.ruleY(data, { x1: "low", x2: "high", y: (_, k) => k, stroke: colour("--mark"), strokeWidth: 3 }),
        Plot.dot(data, { x: "rank", y: (_, k) => k, r: 4, fill: colour("--mark") }),
        Plot.text(data, { x: () => found.members.length + 0.5, y: (_, k) => k, text: "letters", textAnchor: "start", dx: 8, fill: "currentColor" }),
      ],
    });
    return { parts: [drawn], note: [
      `A line is the 95 % confidence set of a rank, of all ranks together (${found.column === "calibrated" ? "calibrated" : "raw"} scores); without a line it is that rank alone. Two with a letter in common are not told apart by any test.`,
      known.length > 1 ? "For another base, choose its pairs in the bar above." : "",
    ] };
  },

  depth(state, rows, box) {
    const names = state.page.names, layers = state.layers;
    if (layers.length < 2) return null;
    const curves = new Map();
    for (const r of chosenRows(state, rows, { anyLayer: true })) {
      const [x, y] = [names[r.a], names[r.b]];
      if (r.drawn === null || x.layer !== y.layer || (x.model === y.model && x.format === y.format)) continue;
      if (state.base && x.model !== baseModel(state) && y.model !== baseModel(state)) continue;
      const key = [x, y].map((of) => (of.format ? `${of.model} | ${of.format}` : of.model)).join(" – ");
      if (!curves.has(key)) curves.set(key, []);
      curves.get(key).push({ ...r, layer: x.layer, key });
    }
    let kept = [...curves.values()].filter((c) => c.length > 1);
    if (!kept.length) return null;
    const all = kept.length;
    kept.sort((x, y) => (state.up ? -1 : 1) * (d3.mean(x, (r) => r.drawn) - d3.mean(y, (r) => r.drawn)));
    kept = kept.slice(0, CURVES);
    for (const c of kept) c.sort((x, y) => layers.indexOf(x.layer) - layers.indexOf(y.layer));
    const data = kept.flat(), full = widthOf(box);
    const drawn = plot({
      width: full, height: 320, marginBottom: 40, marginLeft: 50, x: { type: "point", domain: layers, label: "layer", labelArrow: "none" }, y: { label: axis(state), labelArrow: "none", grid: true, nice: true },
      color: { domain: kept.map((c) => c[0].key), range: CATEGORIES },
      marks: [
        Plot.areaY(data.filter((r) => r.drawnLow !== null), { x: "layer", y1: "drawnLow", y2: "drawnHigh", z: "key", fill: "key", fillOpacity: 0.15 }),
        Plot.line(data, { x: "layer", y: "drawn", z: "key", stroke: "key" }), Plot.dot(data, { x: "layer", y: "drawn", fill: "key", r: 3 }),
      ],
    });
    return { parts: [drawn], legend: swatches(kept.map((c) => c[0].key)), note: [
      all > CURVES ? `The ${CURVES} most alike of ${all} pairs of models; choose a base or fewer models for others.` : "", "Bands are 95 % intervals. Two models are compared at the same layer.", unsureOf(data),
    ] };
  },

  layers(state, rows, box) {
    const names = state.page.names, by = new Map();
    for (const r of chosenRows(state, rows, { anyLayer: true })) {
      if (r.drawn === null) continue;
      const [x, y] = [names[r.a].model, names[r.b].model], key = x <= y ? `${x}\n${y}` : `${y}\n${x}`;
      if (!by.has(key)) by.set(key, []);
      by.get(key).push(r);
    }
    const known = [...by].filter(([, of]) => new Set(of.map((r) => names[r.a].layer + "\n" + names[r.b].layer)).size > 3 && of.some((r) => names[r.a].layer !== names[r.b].layer));
    if (!known.length) return null;
    const asked = state.layersOf && [...state.layersOf].sort().join("\n");
    const [key, found] = known.find(([k]) => k === asked) ?? known.find(([k]) => new Set(k.split("\n")).size > 1) ?? known[0];
    const [first, second] = state.layersOf && asked === key ? state.layersOf : key.split("\n");
    const cells = [];
    for (const r of found) for (const [p, q] of first === second ? [[r.a, r.b], [r.b, r.a]] : [names[r.a].model === first ? [r.a, r.b] : [r.b, r.a]]) cells.push({ y: names[p].layer, x: names[q].layer, r });
    const ys = state.layers.filter((l) => cells.some((c) => c.y === l)), xs = state.layers.filter((l) => cells.some((c) => c.x === l));
    const better = (u, v) => (state.up ? u.r.drawn > v.r.drawn : u.r.drawn < v.r.drawn);
    const best = ys.map((y) => cells.filter((c) => c.y === y).reduce((u, v) => (better(u, v) ? u : v)));
    const numbers = cells.map((c) => c.r.drawn), domain = state.score === "calibrated" ? [0, 1] : d3.extent(numbers);
    const scale = d3.scaleSequential(state.up ? domain : [...domain].reverse(), d3.interpolateViridis).clamp(true);
    const full = widthBeside(box), size = Math.min((full - 90) / xs.length, Math.max(44, Math.min(110, 560 / ys.length)));
    const drawn = plot({
      // Margins leave as much as the cells need: the pointer looks for a cell by its size.
      width: 80 + size * xs.length, height: 80 + size * ys.length, marginLeft: 70, marginRight: 10, marginBottom: 56, marginTop: 24, padding: 0, color: { type: "identity" },
      x: { domain: xs, round: false, label: `layer of ${short(second)}`, labelArrow: "none", tickSize: 0 }, y: { domain: ys, round: false, label: `layer of ${short(first)}`, labelArrow: "none", labelAnchor: "top", tickSize: 0 },
      marks: [Plot.cell(cells, { x: "x", y: "y", fill: (c) => scale(c.r.drawn), inset: 0.5 }), Plot.dot(best, { x: "x", y: "y", r: Math.min(8, size / 3), stroke: (c) => (d3.lab(scale(c.r.drawn)).l > 62 ? "#000" : "#fff"), strokeWidth: 2 }),
        size >= 50 ? Plot.text(cells, { x: "x", y: "y", dy: size / 3, text: (c) => written(c.r.drawn, numbers), fill: (c) => (d3.lab(scale(c.r.drawn)).l > 62 ? "#000" : "#fff") }) : null],
    });
    return {
      parts: [drawn], choices: known.map(([k]) => k.split("\n")), chosen: [first, second],
      grid: { svg: drawn, down: ys, across: xs, size, left: 70, top: 24, cell: (y, x) => cells.find((c) => c.y === y && c.x === x)?.r },
      note: [`A ring marks the layer of ${second} that is most like each layer of ${first}. ${best.slice(0, 12).map((c) => `${capital(layerOf(c.y))} is most like ${layerOf(c.x)} (${told(c.r.drawn)}, ${interval(c.r.drawnLow, c.r.drawnHigh, c.r.unsure)}).`).join(" ")}`,
        "The best of several layers is high by choice alone; likewise best-layers corrects for that.", unsureOf(cells.map((c) => c.r))],
    };
  },

  map(state, rows, box) {
    const tree = state.page.pictures.find((p) => p.dataset === state.dataset && p.configuration === state.measure);
    if (!tree) return null;
    const names = state.page.names;
    const points = [...tree.members].map((n, k) => ({ n, x: tree.x[k], y: tree.y[k], name: names[n].name })).filter((d) => state.visible(d.n));
    if (points.length < 3) return null;
    const full = widthBeside(box), [x, y] = [d3.extent(points, (d) => d.x), d3.extent(points, (d) => d.y)];
    const span = Math.max(x[1] - x[0], y[1] - y[0]) || 1, middle = (e) => (e[0] + e[1]) / 2;
    // One scale for both axes: only distances mean something.
    const high = Math.max(220, Math.min(full * 0.75, 620, (full * (y[1] - y[0])) / span + 90));
    const unit = (1.15 * Math.max((x[1] - x[0]) / (full - 40), (y[1] - y[0]) / (high - 40))) || 1;
    const domain = (extent, length) => [middle(extent) - (unit * (length - 40)) / 2, middle(extent) + (unit * (length - 40)) / 2];
    const pixels = (d) => ({ left: full / 2 + (d.x - middle(x)) / unit, top: high / 2 - (d.y - middle(y)) / unit });
    const namesOf = () => placed(points.map((d) => ({ ...d, ...pixels(d), text: short(d.name, Math.min(30, Math.floor(full / 2 / LETTER))) })), full, high);
    const drawn = plot({
      width: full, height: high, margin: FRAME, x: { axis: null, domain: domain(x, full) }, y: { axis: null, domain: domain(y, high) },
      marks: [Plot.frame({ strokeOpacity: 0.2 }), Plot.dot(points, { x: "x", y: "y", r: 4, fill: colour("--mark") }),
        points.length <= 60 ? namesOf().map(([side, some]) => Plot.text(some, { x: "x", y: "y", text: "text", ...side, fill: "currentColor", stroke: colour("--card"), strokeWidth: 3 })) : Plot.tip(points, Plot.pointer({ x: "x", y: "y", title: "name" }))],
    });
    return { parts: [drawn], note: [
      `Names that are alike stand near each other (${tree.of === "calibrated" ? "calibrated" : "raw"} scores, metric scaling). Stress ${told(tree.stress)}: ${tree.stress < 0.1 ? "distances are nearly right" : tree.stress < 0.2 ? "distances are roughly right" : "distances are bent, trust the heatmap instead"}. It shows no uncertainty: the pairs with their intervals do. Only distances have a meaning, directions have none.`,
    ] };
  },
};

// Where the name of a point may stand: above, below or beside it, running either way.
const FRAME = 20;
const SIDES = [[0, -9], [0, 11], [9, 0]].flatMap(([dx, dy]) => [{ textAnchor: "start", dx, dy }, { textAnchor: "end", dx: -dx, dy }]);

// Names of points by the side they stand on: the first where they lie over nothing, else over the least.
function placed(points, width, height) {
  const boxes = points.map((d) => [d.left - 5, d.top - 5, d.left + 5, d.top + 5]), sides = new Map(SIDES.map((side) => [side, []]));
  const common = (a, b) => Math.max(0, Math.min(a[2], b[2]) - Math.max(a[0], b[0])) * Math.max(0, Math.min(a[3], b[3]) - Math.max(a[1], b[1]));
  for (const d of points) {
    const long = d.text.length * LETTER;
    const box = ({ textAnchor, dx, dy }) => { const left = d.left + dx - (textAnchor === "end" ? long : 0), top = d.top + dy - LINE / 2; return [left, top, left + long, top + LINE]; };
    const over = (side) => { const own = box(side); return d3.sum(boxes, (other) => common(own, other)) + (own[0] < FRAME || own[1] < FRAME || own[2] > width - FRAME || own[3] > height - FRAME ? 1e6 : 0); };
    const side = d3.least(SIDES, over);
    boxes.push(box(side));
    sides.get(side).push(d);
  }
  return [...sides].filter(([, some]) => some.length);
}

// What lies behind a forest: what the same measure says of models of which something is known.
function scaleOf(state, rows) {
  const names = state.page.names, at = baseModel(state), bands = [], note = [];
  const known = names.some((n) => n.copy_of || n.random || n.unrelated) ? chosenRows(state, rows, { anyModel: true }).filter((r) => r.drawn !== null && names[r.a].layer === names[r.b].layer) : [];
  const either = (r, holds) => holds(names[r.a], names[r.b]) || holds(names[r.b], names[r.a]);
  // The copies of the model that is looked at; of none, those of the one that has most.
  const copies = d3.rollups(known.filter((r) => either(r, (x, y) => x.copy_of === y.model)), (of) => of, (r) => names[r.a].copy_of ?? names[r.b].copy_of);
  const [of, steps] = copies.find(([model]) => model === at) ?? (at ? ["", []] : d3.greatest(copies, ([, all]) => all.length) ?? ["", []]);
  const copy = (r) => names[r.a].copy_of === of ? names[r.a] : names[r.b], several = new Set(steps.map((r) => copy(r).layer)).size > 1;
  const word = (r) => `${copy(r).damage}${several ? ` @ ${copy(r).layer}` : ""}`;
  const some = (texts, between) => texts.slice(0, STEPS).join(between) + (texts.length > STEPS ? ` and ${texts.length - STEPS} more` : "");
  const about = at ?? "";
  for (const [holds, label, tint, why] of [
    [(x, y) => x.random && !y.random && (!about || y.model === about), "with a model of random weights", "#8a8a8a", ""],
    [(x, y) => x.unrelated?.includes(y.model) && !y.random && (!about || y.model === about), "with unrelated trained models", "#7a5195", " A saved answer on lineage names them, for the base that it asked about."],
  ]) {
    const found = known.filter((r) => either(r, holds));
    if (!found.length) continue;
    const [low, high] = [d3.min(found, (r) => r.drawnLow ?? r.drawn), d3.max(found, (r) => r.drawnHigh ?? r.drawn)];
    bands.push({ low, high, label, colour: tint });
    note.push(`Shaded: all ${found.length === 1 ? "that is" : `${found.length.toLocaleString("en")} scores`} ${about ? `of ${about} ` : ""}${label}, ${range(low, high)}, intervals included.${why}`);
  }
  steps.sort((x, y) => (state.up ? y.drawn - x.drawn : x.drawn - y.drawn));
  if (steps.length) note.push(`Dotted: ${of} with its own damaged copies: ${some(steps.map((r) => `${word(r)} ${said(r)}`), "; ")}. As alike as a damaged copy does not mean damaged.`);
  const parts = [...bands.map((b) => [b.colour, b.label]), ...(steps.length ? [[colour("--warn-line"), `damaged copies of ${of}: ${some(steps.map(word), ", ")}`]] : [])];
  const legend = parts.length ? element("p", { class: "swatches" }, ...parts.map(([tint, label]) => element("span", {}, element("i", { style: `background: ${tint}` }), label))) : null;
  return { bands, steps, note, legend, word };
}

const CATEGORIES = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#7a5195", "#8a8a00"]; // Okabe and Ito, two more
const baseModel = (state) => state.page.names.find((n) => n.name === state.base)?.model;
const swatches = (labels) => {
  const box = document.createElement("p");
  box.className = "swatches";
  labels.forEach((label, k) => {
    const one = document.createElement("span"), mark = document.createElement("i");
    mark.style.background = CATEGORIES[k % CATEGORIES.length];
    one.append(mark, label);
    box.append(one);
  });
  return box;
};
// As many digits as tell the values of a picture apart, three at most.
function written(value, of) {
  const size = d3.max(of, Math.abs), spread = d3.max(of) - d3.min(of);
  if (size >= 1e4 || (size > 0 && size < 1e-3)) return value.toExponential(0);
  const fewest = size < 10 ? 2 : size < 100 ? 1 : 0;
  const text = value.toFixed(spread ? Math.max(fewest, Math.min(3, Math.ceil(-Math.log10(spread)) + 1)) : fewest);
  return Number(text) === 0 ? text.replace("-", "") : text; // no zero with a sign;
}
function outside(numbers, state) {
  const count = state.score === "calibrated" ? numbers.filter((v) => v < -1e-6 || v > 1 + 1e-6).length : 0;
  if (!count) return "";
  return count === 1 ? "1 score lies below 0 or above 1 and has the colour of that end." : `${count.toLocaleString("en")} scores lie below 0 or above 1 and have the colour of that end.`;
}
function painted(data, down, across, scale) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [across.length, down.length];
  const brush = canvas.getContext("2d"), image = brush.createImageData(across.length, down.length);
  const x = new Map(across.map((n, k) => [n, k])), y = new Map(down.map((n, k) => [n, k]));
  for (const d of data) {
    if (d.r.drawn === null) continue;
    const { r, g, b } = d3.rgb(scale(d.r.drawn));
    image.data.set([r, g, b, 255], 4 * (y.get(d.y) * across.length + x.get(d.x)));
  }
  brush.putImageData(image, 0, 0);
  return canvas.toDataURL();
}

// Large numbers as people say them: 135M, 7B.
const thousands = (x) => d3.format("~s")(x).replace("G", "B");

// What an answer draws: the same three shapes that figures.py draws for paper.
const answers = {
  triangle(of, box) {
    const cells = [];
    of.values.forEach((row, i) => row.forEach((value, j) => cells.push({ y: of.labels[i + 1], x: of.labels[j], value })));
    const left = room(of.labels), full = widthOf(box), size = Math.max(9, Math.min(40, (full - left - 20) / (of.labels.length - 1)));
    const drawn = plot({
      width: left + 20 + size * (of.labels.length - 1), height: 20 + left * 0.75 + size * (of.labels.length - 1), marginLeft: left, marginTop: 10, marginBottom: left * 0.75, padding: 0,
      x: { domain: of.labels.slice(0, -1), tickFormat: (t) => short(t), tickRotate: -45, tickSize: 0, label: null }, y: { domain: of.labels.slice(1), tickFormat: (t) => short(t), tickSize: 0, label: null },
      // Blue to red, told apart by every kind of colour blindness, and a number wherever one can be read.
      color: { type: "diverging", scheme: "RdBu", domain: [of.low, of.high], pivot: (of.low + of.high) / 2 },
      marks: [Plot.cell(cells.filter((c) => c.value !== null), { x: "x", y: "y", fill: "value", inset: 0.5 }),
        size >= 5 * LETTER ? Plot.text(cells.filter((c) => c.value !== null), { x: "x", y: "y", text: (c) => c.value.toFixed(2).replace("-", "−"), fill: (c) => (Math.abs(c.value - (of.low + of.high) / 2) > 0.35 * (of.high - of.low) ? "#fff" : "#000") }) : null],
    });
    return { parts: [drawn], note: [`${of.heading}.`, of.note] };
  },
  dots(of, box) {
    const parts = of.panels.map((panel) => {
      const data = Object.entries(panel.series).flatMap(([series, values]) => values.map((value, k) => ({ series, value, label: of.labels[k] })).filter((d) => d.value !== null));
      const all = widthOf(box), full = all > 900 ? Math.floor((all - 4 * of.panels.length) / of.panels.length) : all, { left, labels } = labelsBeside(of.labels, 40, full);
      return plot({
        width: full, height: 66 + 18 * of.labels.length, marginLeft: left, marginTop: 24, marginBottom: 34,
        x: { domain: [of.low, of.high], label: panel.title, labelArrow: "none", grid: true }, y: { domain: of.labels, tickFormat: (_, k) => labels[k], tickSize: 0, label: null },
        marks: [Plot.ruleX([0]), Plot.dot(data, { x: "value", y: "label", r: 4, symbol: "series", stroke: colour("--mark"), fill: (d) => (d.series === Object.keys(panel.series)[0] ? colour("--mark") : "none") })],
        symbol: { legend: true, domain: Object.keys(panel.series) },
      });
    });
    return { parts, note: [`${of.heading}.`, of.note] };
  },
  forest(of, box) {
    const data = of.labels.map((label, k) => ({ k, label, value: of.values[k], low: of.low[k], high: of.high[k], chance: of.chance[k] ?? null })).filter((d) => d.value !== null);
    const full = widthOf(box, 900), above = full < NARROW, side = labelsBeside(data.map((d) => d.label), 40, full), marks = Object.entries(of.marks);
    const left = above ? EDGE : side.left, labels = above ? data.map((d) => short(d.label, lettersAbove(full))) : side.labels;
    const place = (d) => data.indexOf(d), ends = data.flatMap((d) => [d.value, d.low, d.high, d.chance]).concat(marks.map(([, x]) => x), 0).filter((v) => v !== null);
    const drawn = plot({
      width: full, height: 54 + (above ? 36 : 24) * data.length, marginLeft: left, marginRight: 16, marginBottom: 34, marginTop: 20,
      x: { domain: d3.extent(ends), nice: true, label: of.across, labelArrow: "none", grid: true }, y: { domain: data.map((_, k) => k), ...sideAxis(labels, above) },
      marks: [
        Plot.ruleX(marks, { x: ([, x]) => x, stroke: colour("--warn-line"), strokeWidth: 2 }),
        Plot.text(marks, { x: ([, x]) => x, text: ([name]) => name, frameAnchor: "top", textAnchor: "start", dx: 4, dy: -14, fill: "currentColor" }),
        Plot.tickX(data.filter((d) => d.chance !== null), { x: "chance", y: place, stroke: colour("--warn-line"), strokeWidth: 2 }),
        Plot.ruleY(data.filter((d) => d.low !== null), { x1: "low", x2: "high", y: place, stroke: colour("--mark"), strokeWidth: 2 }),
        Plot.dot(data, { x: "value", y: place, r: 4, fill: colour("--mark") }),
        ...namesAbove(labels, above),
      ],
    });
    return { parts: [drawn], note: [`${of.heading}.`, of.note, of.chance.length ? "An upright mark is the chance level." : ""] };
  },
  lines(of, box) {
    const data = of.lines.flatMap((line) => line.x.map((x, k) => ({ x, y: line.y[k], low: line.low[k] ?? null, high: line.high[k] ?? null, key: line.label })));
    const keys = of.lines.map((line) => line.label), largest = d3.max(data, (d) => Math.abs(d.x)) ?? 0;
    const drawn = plot({
      width: widthOf(box), height: 320, marginLeft: 56, marginBottom: 40, x: { label: of.across, labelArrow: "none", type: of.logarithmic ? "log" : "linear", ...(largest >= 1e4 ? { tickFormat: thousands } : {}) }, y: { label: of.up, labelArrow: "none", grid: true },
      color: { domain: keys, range: keys.map((_, k) => CATEGORIES[k % CATEGORIES.length]) },
      marks: [Plot.areaY(data.filter((d) => d.low !== null && d.high !== null), { x: "x", y1: "low", y2: "high", z: "key", fill: "key", fillOpacity: 0.15 }),
        Plot.line(data.filter((d) => d.y !== null), { x: "x", y: "y", z: "key", stroke: "key" }), Plot.dot(data.filter((d) => d.y !== null), { x: "x", y: "y", fill: "key", r: 3 })],
    });
    return { parts: [drawn], legend: swatches(keys), note: [`${of.heading}.`, of.note] };
  },
};
