// What a pair rests on: every measure, its chance level and interval, the prompts, and the command that says the same.

function evidence(page, rows, dataset, [a, b]) {
  const name = (n) => page.names[n].name, found = rows.ofPair(dataset, a, b), where = page.datasets[dataset].name;
  // A list for each measure, and no table: it can be read at any width.
  const lists = found.map((r) => element("section", { class: "card measure" },
    element("h3", {}, r.of.label, element("span", { class: "soft" }, ` a ${r.of.direction}${r.of.symmetric ? "" : `, from ${name(r.a)}`}`)),
    element("dl", {}, ...[
      ["calibrated", r.calibrated === null ? null : `${told(r.calibrated)} (${interval(r.calibratedLow, r.calibratedHigh, r.unsure)}): ${inWords(r)}`],
      ["value", `${told(r.value)} (${interval(r.low, r.high, r.unsure)})`],
      ["chance", r.chance === null ? "none" : `${told(r.chance)}${r.sd === null ? "" : ` ± ${told(r.sd)}`}${r.source ? ` (${r.source})` : ""}`],
      ["p corrected", r.corrected === null ? null : `${toldP(r.corrected)}: ${r.corrected <= LEVEL ? "more alike than chance" : r.tooFew ? TOO_FEW : "not told apart from chance"}`],
      ["p, z", r.p === null && r.z === null ? null : `${toldP(r.p)}, ${told(r.z)}`],
      ["note", r.note || null],
    ].filter(([, text]) => text !== null).flatMap(([head, text]) => [element("dt", {}, head), element("dd", { "data-of": head }, text)]))));
  const parts = [element("form", { method: "dialog", class: "close" }, element("button", { value: "close", autofocus: true }, "Close")), element("h2", { id: "evidence-title" }, `${name(a)} and ${name(b)} on ${where}`)];
  if (!lists.length) parts.push(element("p", {}, "This pair was not compared here."));
  else parts.push(element("div", { class: "measures" }, ...lists));
  const known = page.evidence.find((e) => e.dataset === dataset && ((e.a === a && e.b === b) || (e.a === b && e.b === a)));
  if (known) {
    for (const [title, items] of [["Prompts that both represent most alike", known.most], ["Prompts that they represent least alike", known.least]]) {
      parts.push(element("h3", {}, title), element("ol", {}, ...items.map((item) => element("li", {},
        element("strong", {}, item.id), ` ${known.measure} ${told(item.value)}`, item.text ? element("q", {}, item.text) : null,
        item.left.length ? element("span", { class: "soft" }, ` Neighbours in ${name(known.a)} alone: ${item.left.join(", ")}; in ${name(known.b)} alone: ${item.came.join(", ")}.`) : null))));
    }
    parts.push(element("p", { class: "soft" }, `The ${known.measure} of a prompt is its part of the score, without an interval: it is of one prompt. ${known.told}`));
  } else if (page.evidence_left_out) parts.push(element("p", { class: "soft" }, page.evidence_left_out));
  parts.push(element("p", {}, page.store ? `The same in a terminal, in the folder that holds ${page.store}:` : "The same in a terminal:"), element("pre", { tabindex: "0" }, element("code", {}, command(page, dataset, name(a), name(b)))));
  return parts;
}

// Where a calibrated score lies between chance and identical.
const inWords = (r) => {
  const [low, high] = r.calibratedLow === null ? [r.calibrated, r.calibrated] : [r.calibratedLow, r.calibratedHigh];
  if (low >= 0.999) return "identical";
  if (low <= 0) return high < 0 ? "below chance" : "its interval holds chance";
  return `${Math.round(100 * r.calibrated)} % of the way from chance to identical`;
};

const quotedWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const command = (page, dataset, a, b) => ["likewise explain", ...[a, b].map(quotedWord), "--dataset", quotedWord(page.datasets[dataset].name), ...(page.store ? ["--store", quotedWord(page.store)] : []), ...(page.experiment ? ["--experiment", quotedWord(page.experiment)] : [])].join(" ");
