"use strict";
// Draws each chart into its place. Nothing is fetched, and no text is evaluated as code: `ast` has Vega interpret expressions.
(() => {
  const options = { renderer: "svg", actions: false, ast: true, mode: "vega-lite", tooltip: { theme: "page" } };
  const paper = { wide: 690, narrow: 330 }; // pixels of a sheet, and of half of it: see the style sheet
  const views = new Map();
  const drawn = [];
  for (const data of document.querySelectorAll("script[data-chart]")) {
    const place = document.getElementById(data.dataset.chart);
    drawn.push(vegaEmbed(place, JSON.parse(data.textContent), options).then(({ view }) => {
      const svg = place.querySelector("svg");
      svg.setAttribute("role", "img");
      svg.setAttribute("aria-label", place.dataset.says);
      svg.setAttribute("focusable", "false");
      views.set(place, view);
    }).catch((error) => {
      place.textContent = "This chart cannot be drawn here; its numbers are in the table below it.";
      console.error(error);
    }));
  }
  const fit = (widthOf) => views.forEach((view, place) => view.width(widthOf(place)).run());
  const tables = document.querySelectorAll("details"); // on paper nothing can be unfolded
  addEventListener("beforeprint", () => tables.forEach((each) => { each.dataset.was = each.open; each.open = true; }));
  addEventListener("afterprint", () => tables.forEach((each) => { each.open = each.dataset.was === "true"; }));
  addEventListener("beforeprint", () => fit((place) => place.closest(".wide") ? paper.wide : paper.narrow));
  addEventListener("afterprint", () => fit((place) => place.clientWidth));
  Promise.all(drawn).then(() => { document.documentElement.dataset.drawn = String(drawn.length); });
})();
