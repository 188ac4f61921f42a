// The block of numbers: opened once, read by all. Its format is that of block.py.

const KINDS = { u1: [1, Uint8Array], u2: [2, Uint16Array], u4: [4, Uint32Array], f4: [4, Float32Array] };

async function openBlock(text) {
  const packed = Uint8Array.from(atob(text.trim()), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const bytes = new Uint8Array(await new Response(stream).arrayBuffer());
  const length = new DataView(bytes.buffer).getUint32(0, true);
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
  const planes = bytes.subarray(4 + length);
  const column = ({ at, n, kind }) => {
    const [size, Kind] = KINDS[kind];
    const whole = new Uint8Array(n * size);
    // Plane k holds byte k of every number; typed arrays are little end first on every machine that runs a browser.
    for (let k = 0; k < size; k++) for (let i = 0, from = at + k * n; i < n; i++) whole[i * size + k] = planes[from + i];
    return new Kind(whole.buffer);
  };
  const read = (of) => {
    if (of === null || typeof of !== "object") return of;
    if (Array.isArray(of)) return of.map(read);
    if ("at" in of && "n" in of && "kind" in of) return column(of);
    return Object.fromEntries(Object.entries(of).map(([name, value]) => [name, read(value)]));
  };
  return read(head);
}

// One row of the long table as an object; a missing number is null.
class Rows {
  constructor(page) {
    this.page = page;
    this.table = page.table;
    this.n = page.table.a.length;
    // Rows stand by data set and configuration, so that those of both are one stretch.
    this.starts = new Map();
    for (let i = 0; i < this.n; i++) {
      const key = this.key(this.table.dataset[i], this.table.configuration[i]);
      if (!this.starts.has(key)) this.starts.set(key, [i, i]);
      this.starts.get(key)[1] = i + 1;
    }
  }
  key(dataset, configuration) { return dataset * 65536 + configuration; }
  stretch(dataset, configuration) { return this.starts.get(this.key(dataset, configuration)) ?? [0, 0]; }
  number(name, i) {
    const column = this.table[name];
    return column === undefined || Number.isNaN(column[i]) ? null : column[i];
  }
  row(i) {
    const t = this.table, get = (name) => this.number(name, i);
    const of = this.page.configurations[t.configuration[i]];
    const row = {
      i, a: t.a[i], b: t.b[i], dataset: t.dataset[i], configuration: t.configuration[i], of,
      value: get("value"), low: get("low"), high: get("high"), chance: get("chance"), sd: get("sd"), z: get("z"),
      p: get("p"), corrected: get("corrected"), calibrated: get("calibrated"),
      note: this.page.reasons[t.reason[i]], source: this.page.sources[t.source[i]], unsure: this.page.unsure[t.unsure[i]], tooFew: t.too_few[i] === 1,
    };
    // Chance level and identity are constants of the row, so the ends of its interval are calibrated as the score is.
    row.calibratedLow = row.calibratedHigh = null;
    if (row.calibrated !== null && row.low !== null) {
      const per = of.identity !== null ? 1 / (of.identity - row.chance) : row.calibrated / (row.value - row.chance);
      const ends = [(row.low - row.chance) * per, (row.high - row.chance) * per];
      if (ends.every(Number.isFinite)) [row.calibratedLow, row.calibratedHigh] = ends.sort((x, y) => x - y);
    }
    return row;
  }
  // Every measure of a pair, in either order.
  ofPair(dataset, a, b) {
    const found = [];
    this.page.configurations.forEach((_, c) => {
      const [from, to] = this.stretch(dataset, c);
      for (let i = from; i < to; i++) {
        const x = this.table.a[i], y = this.table.b[i];
        if ((x === a && y === b) || (x === b && y === a)) found.push(this.row(i));
      }
    });
    return found;
  }
}

// Numbers as report/tables.py tells them, so that the page and its files read alike.
const told = (value, least = 0) => {
  if (value === null || value === undefined) return "–";
  if (least && value >= 0 && value < least) return `< ${least.toExponential(0)}`;
  if (Number.isInteger(value) && Math.abs(value) >= 100) return value.toLocaleString("en");
  const size = Math.abs(value);
  if (size === 0 || (size >= 0.001 && size < 100)) return value.toFixed(3);
  if (size >= 100 && size < 1e6) return (size >= 1000 ? Math.round(value).toLocaleString("en") : value.toFixed(1));
  return value.toExponential(1);
};
const toldP = (p) => told(p, 1e-16);
const range = (low, high) => `${told(low)} to ${told(high)}`;
// Why some have no interval, each reason once.
const unsureOf = (rows) => {
  const why = new Map();
  for (const r of rows) if (r.drawn !== null && r.drawnLow === null) why.set(r.unsure, (why.get(r.unsure) ?? 0) + 1);
  return why.size ? `Without an interval: ${[...why].map(([reason, count]) => `${count.toLocaleString("en")} (${reason})`).join("; ")}.` : "";
};
const interval = (low, high, why) => (low === null ? `no interval${why ? `: ${why}` : ""}` : range(low, high));
