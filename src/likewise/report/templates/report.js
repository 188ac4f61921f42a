(() => {
  "use strict";
  const { layout, views } = JSON.parse(document.getElementById("views").textContent);
  const [dataset, configuration, score] = ["dataset", "configuration", "score"].map((id) => document.getElementById(id));
  const box = document.getElementById("heatmap");

  // Only buttons that stay in the page: some of plotly's others would send it elsewhere.
  const config = { responsive: true, displaylogo: false, modeBarButtons: [["toImage", "zoom2d", "pan2d", "resetScale2d"]] };

  const fill = (select, texts) => {
    const before = select.value;
    select.replaceChildren(...[...new Set(texts)].map((text) => new Option(text, text)));
    if (texts.includes(before)) select.value = before;
  };
  const here = () => views.filter((view) => view.dataset === dataset.value);
  const draw = () => {
    const view = here().find((v) => v.configuration === configuration.value);
    const longest = Math.max(...view.value[0].y.map((name) => name.length));
    const height = Math.max(380, 110 + 24 * view.value[0].y.length + 4 * longest);
    Plotly.react(box, view[score.value], { ...layout, height }, config);
  };

  fill(dataset, views.map((view) => view.dataset));
  const choose = () => { fill(configuration, here().map((view) => view.configuration)); draw(); };
  dataset.addEventListener("change", choose);
  configuration.addEventListener("change", draw);
  score.addEventListener("change", draw);
  choose();
})();
