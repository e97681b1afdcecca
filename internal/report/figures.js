"use strict";
// Zooms the pictures of a connection, all on one time axis, and shows the frame at which a
// reader points. What it needs is in the page: data-from and data-to of a figure are the
// times of its left and right in seconds; data-x and data-y of a row of the frames' table
// are where the frame is, as shares of the width, and of the height of the first plots,
// whose data-low and data-high are the sequence numbers at their bottom and top.
function connectFigures(root) {
  const rows = [...root.querySelectorAll("tr[data-x]")].map(row => ({
    row, x: Number(row.dataset.x), y: row.dataset.y.split(" ").map(y => y === "" ? NaN : Number(y)),
  }));
  for (const figure of root.querySelectorAll("figure[data-from]")) connectFigure(figure, rows);
}

function connectFigure(figure, rows) {
  const from = Number(figure.dataset.from), to = Number(figure.dataset.to);
  const pictures = [...figure.querySelectorAll("svg.picture")];
  const plots = pictures.filter(picture => picture.querySelector(".tick"));
  const lines = [...figure.querySelectorAll("svg.picture > svg")].map(svg => ({svg, width: svg.viewBox.baseVal.width}));
  const placed = [...figure.querySelectorAll(".picture > .mark, .picture > .shaded, .picture > rect")].map(e => ({
    e, x: parseFloat(e.getAttribute("x")) / 100, width: parseFloat(e.getAttribute("width")) / 100,
    y: Number(e.getAttribute("y")), plot: e.classList.contains("mark") ? plots.indexOf(e.parentNode) : -1,
  }));
  const heights = plots.map(() => ({top: 0, bottom: 1})); // what is shown of them, as shares
  let left = 0, right = 1; // what is shown, as shares of the whole
  let chosen = -1;         // in rows

  const cursors = pictures.map(picture => picture.appendChild(svg("line", {class: "cursor", y1: 0, y2: "100%", visibility: "hidden"})));
  const range = svg("rect", {class: "range", y: 0, height: "100%"});
  const detail = document.createElement("output");
  detail.className = "chosen-frame";
  detail.textContent = "Click a picture to see the frame there; drag to zoom in.";
  const tools = document.createElement("div");
  tools.className = "tools";
  for (const [words, act] of [
    ["Zoom in", () => zoom(0.5)], ["Zoom out", () => zoom(2)], ["Earlier", () => move(-0.5)], ["Later", () => move(0.5)],
    ["Whole connection", () => show(0, 1)], ["Previous frame", () => choose(chosen - 1)], ["Next frame", () => choose(chosen + 1)],
  ]) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = words;
    button.onclick = act;
    tools.append(button);
  }
  figure.querySelector("h4").after(tools);
  figure.append(detail);

  function svg(name, attributes) {
    const e = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const key in attributes) e.setAttribute(key, attributes[key]);
    return e;
  }

  // share is where a share of the whole is now; percent is the same for an attribute.
  const share = x => (x - left) / (right - left);
  const percent = x => (100 * share(x)).toFixed(4) + "%";

  function show(newLeft, newRight) {
    const least = 1e-5, width = Math.min(Math.max(newRight - newLeft, least), 1);
    left = Math.min(Math.max(newLeft, 0), 1 - width);
    right = left + width;
    plots.forEach(fitHeight);
    for (const {svg, width} of lines) {
      const {top, bottom} = heights[plots.indexOf(svg.parentNode)];
      svg.setAttribute("viewBox", `${left * width} ${top * 1000} ${(right - left) * width} ${(bottom - top) * 1000}`);
    }
    for (const {e, x, width, y, plot} of placed) {
      e.setAttribute("x", percent(x));
      if (width) e.setAttribute("width", (100 * width / (right - left)).toFixed(4) + "%");
      if (plot >= 0 && plots[plot].dataset.low) {
        const inner = plots[plot].querySelector("svg"), begin = inner.y.baseVal.value, height = inner.height.baseVal.value;
        const {top, bottom} = heights[plot], now = ((y - begin) / height - top) / (bottom - top);
        e.setAttribute("y", begin + now * height);
        e.setAttribute("visibility", now < 0.02 || now > 1 ? "hidden" : "visible");
      }
    }
    for (const plot of plots) drawTicks(plot);
    drawCursor();
  }

  function zoom(times) {
    const middle = chosen < 0 || share(rows[chosen].x) < 0 || share(rows[chosen].x) > 1 ? (left + right) / 2 : rows[chosen].x;
    const half = (right - left) * times / 2;
    show(middle - half, middle + half);
  }

  function move(widths) {
    const by = (right - left) * widths;
    show(Math.min(Math.max(left + by, 0), 1 - (right - left)), right + by);
  }

  // fitHeight shows of sequence numbers what the listed frames in the time shown have.
  function fitHeight(plot, i) {
    if (!plot.dataset.low) return;
    let top = Infinity, bottom = -Infinity;
    for (const {x, y} of rows) {
      if (x >= left && x <= right && !isNaN(y[i])) [top, bottom] = [Math.min(top, y[i]), Math.max(bottom, y[i])];
    }
    const margin = Math.max((bottom - top) * 0.2, 0.002);
    heights[i] = right - left === 1 || top > bottom ? {top: 0, bottom: 1} : {top: Math.max(top - margin, 0), bottom: Math.min(bottom + margin, 1)};
    drawNumbers(plot, heights[i]);
  }

  // roundStep is 1, 2 or 5 times a power of ten, so that the span has so many steps at most.
  function roundStep(span, most) {
    const power = 10 ** Math.floor(Math.log10(span / most));
    return power * [1, 2, 5, 10].find(times => span / (power * times) <= most);
  }

  // drawNumbers replaces the axis of sequence numbers.
  function drawNumbers(plot, {top, bottom}) {
    const low = Number(plot.dataset.low), all = Number(plot.dataset.high) - low, axis = plot.previousElementSibling;
    const inner = plot.querySelector("svg"), begin = inner.y.baseVal.value, height = inner.height.baseVal.value;
    const least = low + (1 - bottom) * all, span = (bottom - top) * all;
    const x = axis.width.baseVal.value - 6, step = Math.max(roundStep(span, height / 36), 1);
    axis.replaceChildren();
    for (const old of plot.querySelectorAll(".grid:not(.time)")) old.remove();
    for (let n = Math.ceil(Math.max(least, 0) / step) * step; n <= least + span; n += step) {
      const y = begin + (1 - (n - least) / span) * height;
      const text = svg("text", {x, y, dy: 4, "text-anchor": "end"});
      text.textContent = n.toLocaleString("en-US");
      axis.append(text);
      plot.prepend(svg("line", {class: "grid", x1: 0, x2: "100%", y1: y, y2: y}));
    }
  }

  // drawTicks replaces the time axis of a plot: round times, as many as there is room for.
  function drawTicks(plot) {
    for (const old of plot.querySelectorAll(".tick, .time")) old.remove();
    const height = plot.height.baseVal.value, start = from + left * (to - from), span = (right - left) * (to - from);
    const room = Math.max(2, Math.floor(plot.clientWidth / 90));
    const step = roundStep(span, room);
    const digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    for (let n = Math.ceil(Math.max(start, 0) / step); n * step <= start + span; n++) {
      const x = percent((n * step - from) / (to - from)), near = parseFloat(x);
      plot.prepend(svg("line", {class: "grid time", x1: x, x2: x, y1: 16, y2: height - 22}));
      const text = svg("text", {class: "tick", x, y: height - 7, "text-anchor": near < 5 ? "start" : near > 95 ? "end" : "middle"});
      text.textContent = (n * step).toFixed(digits) + " s";
      plot.append(text);
    }
  }

  function drawCursor() {
    for (const cursor of cursors) {
      cursor.setAttribute("visibility", chosen < 0 ? "hidden" : "visible");
      if (chosen >= 0) for (const end of ["x1", "x2"]) cursor.setAttribute(end, percent(rows[chosen].x));
    }
  }

  // choose shows a frame: its line, what it is, and the states after it.
  function choose(i) {
    if (i < 0 || i >= rows.length) return;
    if (chosen >= 0) rows[chosen].row.classList.remove("chosen");
    chosen = i;
    const {row, x} = rows[i];
    row.classList.add("chosen");
    const ends = [...row.closest("table").querySelectorAll(".ends span")].map(end => end.textContent);
    const states = [...row.querySelectorAll("td.end")].map((td, i) => ends[i] + " " + td.textContent);
    const code = document.createElement("code");
    code.textContent = row.querySelector(".arrow").textContent;
    detail.replaceChildren(row.querySelector(".frame").textContent + ": " + row.querySelector(".role").textContent, code, "then: " + states.join(", "));
    if (x < left || x > right) show(x - (right - left) / 2, x + (right - left) / 2);
    else drawCursor();
  }

  // nearest is the listed frame nearest to a point of a picture.
  function nearest(picture, px, py) {
    const box = picture.getBoundingClientRect(), inner = picture.querySelector("svg"), plot = plots.indexOf(picture);
    let best = -1, least = Infinity;
    rows.forEach(({x, y}, i) => {
      const dx = share(x) * box.width - px;
      let dy = 0;
      if (plot >= 0 && plot < 2 && inner && rows.some(r => !isNaN(r.y[plot]))) {
        if (isNaN(y[plot])) return;
        const {top, bottom} = heights[plot];
        dy = inner.y.baseVal.value + (y[plot] - top) / (bottom - top) * inner.height.baseVal.value - py;
      }
      const distance = dx * dx + dy * dy;
      if (distance < least) [best, least] = [i, distance];
    });
    return best;
  }

  for (const picture of pictures) {
    let start = null;
    const at = event => event.clientX - picture.getBoundingClientRect().left;
    picture.addEventListener("pointerdown", event => {
      if (event.button === 0) start = at(event);
      if (start !== null) picture.setPointerCapture(event.pointerId);
    });
    picture.addEventListener("pointermove", event => {
      if (start === null || Math.abs(at(event) - start) < 5) return;
      range.setAttribute("x", Math.min(start, at(event)));
      range.setAttribute("width", Math.abs(at(event) - start));
      picture.append(range);
    });
    picture.addEventListener("pointercancel", () => { start = null; range.remove(); });
    picture.addEventListener("pointerup", event => {
      if (start === null) return;
      const box = picture.getBoundingClientRect(), end = at(event), whole = x => left + x / box.width * (right - left);
      range.remove();
      if (Math.abs(end - start) >= 5) show(whole(Math.min(start, end)), whole(Math.max(start, end)));
      else choose(nearest(picture, end, event.clientY - box.top));
      start = null;
    });
    picture.addEventListener("dblclick", () => show(0, 1));
  }
  rows.forEach(({row}, i) => row.addEventListener("click", () => choose(i)));
}
connectFigures(document);
