"use strict";
// Draws each chart into its place. Nothing is fetched, and no text is evaluated as code: `ast` has Vega interpret expressions.
(() => {
  const options = { renderer: "svg", actions: false, ast: true, mode: "vega-lite", tooltip: { theme: "page" } };
  const drawn = [];
  for (const data of document.querySelectorAll("script[data-chart]")) {
    const place = document.getElementById(data.dataset.chart);
    drawn.push(vegaEmbed(place, JSON.parse(data.textContent), options).then(() => {
      const svg = place.querySelector("svg");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", place.dataset.says);
      svg.setAttribute("focusable", "false");
    }).catch((error) => {
      place.textContent = "This chart cannot be drawn here; its numbers are in the table below it.";
      console.error(error);
    }));
  }
  Promise.all(drawn).then(() => { document.documentElement.dataset.drawn = String(drawn.length); });
})();
