/* Mends of the theme's markup for screen readers and the keyboard. No request, no storage, no framework. */
(() => {
  "use strict";

  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));

  const drop = (selector, ...attributes) =>
    all(selector).forEach((element) => attributes.forEach((name) => element.removeAttribute(name)));

  /* The icon library replaces <i> by <svg> after loading, and again whenever the theme changes; its title
     then contradicts the button's name. */
  function quietIcons(button) {
    const quiet = () =>
      all("svg", button).forEach((svg) => {
        if (svg.getAttribute("aria-hidden") === "true" && !svg.querySelector("title")) return;
        all("title", svg).forEach((title) => title.remove());
        svg.removeAttribute("aria-labelledby");
        svg.removeAttribute("role");
        svg.setAttribute("aria-hidden", "true");
      });
    quiet();
    new MutationObserver(quiet).observe(button, { childList: true, subtree: true });
  }

  /* What scrolls sideways must be reachable by keyboard. */
  function reachable() {
    const scrolling = ".cell_output, figure.wide, pre, mjx-container[display='true'], .pst-scrollable-table-container";
    all(scrolling).forEach((element) => {
      if (element.scrollWidth > element.clientWidth + 1) element.setAttribute("tabindex", "0");
    });
  }

  document.addEventListener("DOMContentLoaded", () => {
    drop(".citation-list", "role");
    drop('[role="doc-biblioentry"]', "role");
    drop(".search-button-field", "aria-label");
    drop('summary[aria-label="Toggle hidden content"]', "aria-label");
    /* A chapter of two pages: the arrow that opens its second one has a picture and no name. */
    all(".has-children > details > summary").forEach((element) => {
      const chapter = element.closest(".has-children").querySelector("a");
      element.setAttribute("aria-label", "Pages of: " + (chapter ? chapter.textContent.trim() : "this part"));
    });
    all(".search-button__kbd-shortcut").forEach((element) => element.setAttribute("aria-hidden", "true"));
    all(".theme-switch-button").forEach(quietIcons);

    const sidebar = document.querySelector("#pst-primary-sidebar");
    if (sidebar) {
      sidebar.setAttribute("role", "navigation");
      sidebar.setAttribute("aria-label", "Contents of the book");
    }
    /* pandas leaves the corner above its index empty: a cell, not a header. */
    all("table.dataframe thead th").forEach((header) => {
      if (header.textContent.trim() !== "") return;
      const cell = document.createElement("td");
      Array.from(header.attributes).forEach(({ name, value }) => cell.setAttribute(name, value));
      header.replaceWith(cell);
    });
    reachable();
  });

  window.addEventListener("load", () => {
    reachable();
    window.MathJax?.startup?.promise?.then(reachable);
  });
  window.addEventListener("resize", reachable);
})();
