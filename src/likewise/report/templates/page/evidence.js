// What a pair rests on: every measure, its chance level and interval, the prompts, and the command that says the same.

function evidence(page, rows, dataset, [a, b]) {
  const name = (n) => page.names[n].name, found = rows.ofPair(dataset, a, b), where = page.datasets[dataset].name;
  const heads = ["measure", "first", "value", "95 % interval", "chance", "z", "p", "p corrected", "calibrated", "95 % interval", "note"].map((h) => ({ name: h, number: false }));
  const cells = found.map((r) => [
    `${r.of.label} (${r.of.direction})`, r.of.symmetric ? "either" : name(r.a), told(r.value), interval(r.low, r.high), r.chance === null ? "none" : `${told(r.chance)}${r.sd === null ? "" : ` ± ${told(r.sd)}`}${r.source ? ` (${r.source})` : ""}`,
    told(r.z), toldP(r.p), toldP(r.corrected), told(r.calibrated), interval(r.calibratedLow, r.calibratedHigh), r.note,
  ]);
  const parts = [element("form", { method: "dialog", class: "close" }, element("button", { value: "close", autofocus: true }, "Close")), element("h2", { id: "evidence-title" }, `${name(a)} and ${name(b)} on ${where}`)];
  if (!cells.length) parts.push(element("p", {}, "This pair was not compared here."));
  else parts.push(table({ name: `${name(a)} and ${name(b)}`, heads, rows: cells }));
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

const quotedWord = (word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`);
const command = (page, dataset, a, b) => ["likewise explain", ...[a, b].map(quotedWord), "--dataset", quotedWord(page.datasets[dataset].name), ...(page.store ? ["--store", quotedWord(page.store)] : []), ...(page.experiment ? ["--experiment", quotedWord(page.experiment)] : [])].join(" ");
