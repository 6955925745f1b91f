"use strict";
// Draws every figure of the page in the reader's colour scheme, and again when it changes.
(() => {
  const read = (id) => JSON.parse(document.getElementById(id).textContent);
  const config = read("plot-config");
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  const themed = (layout) => {
    const css = getComputedStyle(document.documentElement);
    const colour = (name) => css.getPropertyValue(name).trim();
    const axis = { gridcolor: colour("--grid"), zerolinecolor: colour("--grid"), linecolor: colour("--line") };
    const made = {
      ...layout,
      font: { color: colour("--text"), size: 13, family: getComputedStyle(document.body).fontFamily },
      hoverlabel: { bgcolor: colour("--panel"), bordercolor: colour("--line"), font: { color: colour("--text") } },
    };
    for (const key of Object.keys(layout)) {
      if (/^[xy]axis\d*$/.test(key)) made[key] = { ...layout[key], ...axis };
    }
    return made;
  };

  const draw = () => {
    for (const plot of document.querySelectorAll(".plot")) {
      const { data, layout } = read(plot.dataset.figure);
      Plotly.react(plot, data, themed(layout), config);
    }
  };

  dark.addEventListener("change", draw);
  draw();
})();
