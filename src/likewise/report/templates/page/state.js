// What is chosen: one object, written into the address, so that a link shows what its sender saw.

const LEVEL = 0.05, TOO_FEW = `with so few shuffles it cannot reach ${LEVEL}, however alike they are`;

class State {
  constructor(page, changed) {
    this.page = page;
    this.changed = changed;
    this.models = [...new Set(page.names.map((n) => n.model))];
    this.layers = [...new Set(page.names.map((n) => n.layer))].sort(byDepth);
    this.start();
  }
  start() {
    const lead = this.page.lead;
    Object.assign(this, {
      dataset: lead.dataset, measure: lead.configuration, wanted: lead.score, base: "", order: "alike", pair: null,
      hidden: new Set(this.page.shown_models.length ? this.models.filter((m) => !this.page.shown_models.includes(m)) : []), left: new Set(this.layers.filter((layer) => !this.page.shown_layers.includes(layer))),
      layersOf: null,
    });
  }
  read(hash) {
    this.start();
    const said = new URLSearchParams(hash.replace(/^#/, ""));
    const place = (list, of, get) => list.findIndex((one) => get(one) === said.get(of));
    const among = (known, of) => new Set((said.get(of) ?? "").split("\n").filter((one) => known.includes(one)));
    const dataset = place(this.page.datasets, "data", (d) => d.name);
    const measure = place(this.page.configurations, "measure", (c) => c.label);
    if (dataset >= 0) this.dataset = dataset;
    if (measure >= 0) this.measure = measure;
    if (["raw", "calibrated"].includes(said.get("score"))) this.wanted = said.get("score");
    if (["alike", "given"].includes(said.get("order"))) this.order = said.get("order");
    if (this.page.names.some((n) => n.name === said.get("with"))) this.base = said.get("with");
    if (said.has("without")) this.hidden = among(this.models, "without");
    if (said.has("only")) { const only = among(this.models, "only"); this.hidden = new Set(this.models.filter((m) => !only.has(m))); }
    if (said.has("layers")) this.left = new Set(this.layers.filter((l) => !among(this.layers, "layers").has(l)));
    const two = ["down", "across"].map((of) => said.get(of));
    if (two.every((model) => this.models.includes(model))) this.layersOf = two;
    const pair = ["a", "b"].map((of) => place(this.page.names, of, (n) => n.name));
    this.pair = pair.every((one) => one >= 0) ? pair : null;
  }
  hash() {
    const said = new URLSearchParams();
    said.set("data", this.page.datasets[this.dataset].name);
    said.set("measure", this.page.configurations[this.measure].label);
    said.set("score", this.wanted);
    if (this.order !== "alike") said.set("order", this.order);
    if (this.base) said.set("with", this.base);
    if (this.hidden.size > this.models.length / 2) said.set("only", this.models.filter((m) => !this.hidden.has(m)).join("\n"));
    else if (this.hidden.size || this.page.shown_models.length) said.set("without", [...this.hidden].join("\n"));
    if (this.left.size || this.page.shown_layers.length < this.layers.length) said.set("layers", this.layers.filter((l) => !this.left.has(l)).join("\n"));
    if (this.layersOf) ["down", "across"].forEach((of, k) => said.set(of, this.layersOf[k]));
    if (this.pair) ["a", "b"].forEach((of, k) => said.set(of, this.page.names[this.pair[k]].name));
    return `#${said}`;
  }
  set(changes) {
    Object.assign(this, changes);
    // replaceState and not location: a step back leaves the page, and does not undo a click.
    history.replaceState(null, "", this.hash());
    this.changed(changes);
  }
  get configuration() { return this.page.configurations[this.measure]; }
  // What is shown of the score that is wanted: a measure without a chance level has raw ones only.
  get score() { return this.page.has_calibrated[this.measure] ? this.wanted : "raw"; }
  // Whether more is more alike, for what is shown.
  get up() { return this.score === "calibrated" || this.configuration.direction === "similarity"; }
  visible(n) { const of = this.page.names[n]; return !this.hidden.has(of.model) && !this.left.has(of.layer); }
}

// Layers by depth: the embedding first, then numbers, then by numbers in names, "last" at the end.
function byDepth(x, y) {
  const number = /^-?[0-9]+(\.[0-9]+)?$/;
  const place = (layer) => (layer === "embedding" ? 0 : layer === "last" ? 3 : number.test(layer) ? 1 : 2);
  if (place(x) !== place(y)) return place(x) - place(y);
  if (place(x) === 1) return Number(x) - Number(y) || (x < y ? -1 : x > y ? 1 : 0);
  const [a, b] = [x, y].map((layer) => layer.split(/([0-9]+)/)); // text and number in turns
  for (let k = 0; k < Math.min(a.length, b.length); k++) {
    const difference = k % 2 ? Number(a[k]) - Number(b[k]) : 0;
    if (difference) return difference;
    if (a[k] !== b[k] && k % 2 === 0) return a[k] < b[k] ? -1 : 1;
  }
  return a.length - b.length || (x < y ? -1 : x > y ? 1 : 0);
}

// Rows that are shown: of the chosen data set and measure, between visible models, with what is drawn of each.
function chosenRows(state, rows, { anyLayer = false, anyModel = false } = {}) {
  const [from, to] = rows.stretch(state.dataset, state.measure), found = [];
  const names = state.page.names;
  const seen = (n) => (anyModel ? !state.left.has(names[n].layer) : anyLayer ? !state.hidden.has(names[n].model) : state.visible(n));
  for (let i = from; i < to; i++) {
    if (!seen(rows.table.a[i]) || !seen(rows.table.b[i])) continue;
    found.push(drawnRow(rows.row(i), state.score));
  }
  return found;
}
function drawnRow(row, score) {
  const raw = score === "raw";
  row.drawn = raw ? row.value : row.calibrated;
  row.drawnLow = raw ? row.low : row.calibratedLow;
  row.drawnHigh = raw ? row.high : row.calibratedHigh;
  return row;
}
