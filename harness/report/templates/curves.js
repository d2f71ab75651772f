// The interactive curves: one line for each class of equal traces, drawn by uPlot from the embedded data.
const Curves = (() => {
  const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0)).buffer;

  // One series as arrays; steps that were left out repeat or lie between the values around them.
  const decode = (series) => {
    if (!series?.v) return { steps: [], values: [] };
    const values = Array.from(new Float32Array(bytes(series.v)));
    const gaps = series.d && (series.w === 4 ? new Uint32Array(bytes(series.d)) : new Uint16Array(bytes(series.d)));
    let step = series.first;
    return { values, steps: values.map((_, index) => (index ? step += gaps ? gaps[index - 1] : 1 : step)) };
  };
  const at = ({ steps, values }, step) => {
    let low = 0, high = steps.length;
    while (low < high) { const middle = (low + high) >> 1; if (steps[middle] <= step) low = middle + 1; else high = middle; }
    return low && step <= steps.at(-1) ? values[low - 1] : undefined;
  };
  const number = (value) => {
    if (value === undefined || value === null) return "–";
    if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
    return value === 0 ? "0" : Math.abs(value) >= 1e5 || Math.abs(value) < 1e-3 ? value.toExponential(3) : String(Number(value.toPrecision(5)));
  };
  return { decode, at, number };
})();

if (byId("explorer")) {
  const state = { arm: 0, signal: null, log: false, hidden: new Map(), step: null };
  // A canvas knows no CSS variables: an element that wears the colour tells what it is in this theme.
  const dye = document.body.appendChild(element("span", undefined, { hidden: "" }));
  const css = (name) => { dye.style.color = `var(${name})`; return getComputedStyle(dye).color; };
  const font = `12px ${getComputedStyle(document.body).fontFamily}`;
  const host = byId("chart");
  let plot, drawn = [];

  const arms = () => curveData().arms;
  const signalNow = () => curveData().signals.find((signal) => signal.key === state.signal);
  const isShown = (group) => state.hidden.get(`${state.arm}/${group.name}`) ?? group.shown;

  const radio = (parent, name, value, label, checked) => {
    const input = element("input", undefined, { type: "radio", name, value });
    input.checked = checked;
    const wrap = element("label");
    wrap.append(input, element("span", label));
    parent.append(wrap);
  };

  const fillControls = () => {
    arms().forEach((arm, index) => { if (arm.classes.length) radio(byId("curve-arm"), "curve-arm", index, arm.name, index === state.arm); });
    const families = new Map();
    for (const signal of curveData().signals) {
      if (!families.has(signal.family)) families.set(signal.family, element("optgroup", undefined, { label: signal.family }));
      families.get(signal.family).append(element("option", signal.label, { value: signal.key }));
    }
    byId("curve-signal").append(...families.values());
  };

  // Marks where a class stops being finite: a dashed line and a word, for the picture alone (the table says it too).
  const drawOnsets = (chart) => {
    const { ctx, bbox } = chart;
    const scale = devicePixelRatio;
    ctx.save();
    ctx.font = font.replace("12px", `${12 * scale}px`);
    let row = 0;
    for (const { group, shown } of drawn) { // the earliest of its seeds
      if (!shown || !group.onset) continue;
      const x = chart.valToPos(group.onset[0], "x", true);
      if (x < bbox.left - 1 || x > bbox.left + bbox.width + 1) continue;
      ctx.strokeStyle = ctx.fillStyle = css(group.colour);
      ctx.lineWidth = scale;
      ctx.setLineDash([3 * scale, 3 * scale]);
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const text = `${group.name}: not finite from step ${group.onset[0]}`;
      const room = bbox.left + bbox.width - x > ctx.measureText(text).width + 8 * scale;
      ctx.textAlign = room ? "left" : "right";
      ctx.fillText(text, x + (room ? 6 : -6) * scale, bbox.top + (14 + 16 * row++) * scale);
    }
    ctx.restore();
  };

  const axis = (extra) => ({
    stroke: () => css("--muted"), font, grid: { stroke: () => css("--rule"), width: 1 }, ticks: { show: false }, ...extra,
  });

  const options = () => ({
    width: host.clientWidth, height: innerWidth < 600 ? 260 : 380,
    legend: { show: false },
    cursor: { drag: { x: true, y: false }, points: { size: 7 }, y: false },
    scales: { x: { time: false }, y: { distr: state.log ? 3 : 1 } },
    axes: [axis({ size: 32, space: 70, values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? String(tick) : "")) }),
      axis({ size: 64, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : Curves.number(tick))) })],
    series: [{}, ...drawn.flatMap(({ group, shown, seeds }) => seeds.map((data) => ({
      show: shown, stroke: () => css(group.colour), dash: group.dash.length ? group.dash : undefined,
      width: (group.reference ? 3 : 1.6) * (seeds.length > 1 ? 0.6 : 1),
      // A difference is often exactly 0, which a log axis cannot show: points, for a line would invent what lies between.
      ...(signalNow().difference ? { paths: () => null } : {}),
      points: { show: signalNow().difference || data.values.length < 3, size: signalNow().difference ? 4 : 8, fill: () => css(group.colour) },
    })))],
    hooks: { draw: [drawOnsets], setCursor: [(chart) => { readOut(chart.cursor.idx === null || chart.cursor.idx === undefined ? null : chart.data[0][chart.cursor.idx]); }] },
  });

  const draw = (range) => {
    drawn = arms()[state.arm].classes.map((group) => ({
      group, shown: isShown(group), seeds: group.seeds.map(({ seed, series }) => ({ seed, ...Curves.decode(series[state.signal]) })),
    }));
    const drawable = (value) => (Number.isFinite(value) && (!state.log || value > 0) ? value : null);
    const tables = drawn.flatMap(({ seeds }) => seeds)
      .map(({ steps, values }) => (steps.length ? [steps, values.map(drawable)] : [[1], [null]]));
    plot?.destroy();
    plot = new uPlot(options(), tables.length ? uPlot.join(tables) : [[]], host);
    if (range) plot.setScale("x", range);
    host.setAttribute("aria-label", `${signalNow().label}, ${arms()[state.arm].name}; the table below has the values`);
    byId("chart-note").textContent = [
      signalNow().difference ? `Difference from ${arms()[state.arm].reference}, seed by seed; on the log axis a step without any difference has no point.` : "",
      drawn.some(({ seeds }) => seeds.length > 1) ? "Lines of one colour and pattern are the seeds of one line." : "",
      curveData().brief && signalNow().family !== "Loss" ? "One seed of each line: all of them would be too much for one page, traces can be exported." : "",
    ].filter(Boolean).join(" ");
    fillTable();
  };

  const fillTable = () => {
    const body = byId("lines").tBodies[0];
    body.replaceChildren(...drawn.map(({ group, shown, seeds }, index) => {
      const finite = seeds.flatMap(({ values }) => values.filter(Number.isFinite));
      const box = element("input", undefined, { type: "checkbox" });
      box.checked = shown;
      box.addEventListener("change", () => {
        state.hidden.set(`${state.arm}/${group.name}`, box.checked);
        drawn[index].shown = box.checked;
        const before = drawn.slice(0, index).reduce((count, one) => count + one.seeds.length, 0);
        seeds.forEach((_, seed) => plot.setSeries(before + seed + 1, { show: box.checked }));
      });
      const swatch = document.createElementNS("http://www.w3.org/2000/svg", "svg");
      swatch.setAttribute("class", "line");
      swatch.setAttribute("aria-hidden", "true");
      const stroke = document.createElementNS("http://www.w3.org/2000/svg", "path");
      stroke.setAttribute("d", "M0 6H30");
      stroke.setAttribute("stroke-dasharray", group.dash.join(" "));
      stroke.style.stroke = `var(${group.colour})`;
      swatch.append(stroke);
      const label = element("label");
      label.append(box, swatch, element("b", group.name), element("span", group.verdict, { class: "unseen" }));
      if (seeds.length > 1) label.append(element("span", `${seeds.length} seeds`, { class: "muted" }));
      const name = element("th", undefined, { scope: "row" });
      name.append(label);
      const row = element("tr");
      const extreme = (pick) => Curves.number(finite.length ? finite.reduce((one, other) => pick(one, other)) : undefined);
      row.append(name, element("td", "", { class: "num value" }), element("td", group.span),
        element("td", extreme((one, other) => Math.min(one, other)), { class: "num" }),
        element("td", extreme((one, other) => Math.max(one, other)), { class: "num" }),
        element("td", group.onset ? `from step ${group.onset[0]}: ${group.onset[1]}` : "", { class: "muted" }));
      return row;
    }));
    readOut(null);
  };

  const readOut = (step) => {
    state.step = step;
    byId("at-step").textContent = step === null ? "last value" : `step ${step}`;
    const now = (data) => (step === null ? data.values.at(-1) : Curves.at(data, step));
    byId("lines").querySelectorAll(".value").forEach((cell, index) => {
      const { seeds } = drawn[index];
      const values = seeds.map((data) => Curves.number(now(data)));
      cell.replaceChildren(...(seeds.length > 1 ? values.map((value, seed) => {
        const line = element("span", value);
        line.prepend(element("small", `seed ${seeds[seed].seed}`));
        return line;
      }) : values));
    });
  };

  const zoom = (factor) => {
    const { min, max } = plot.scales.x;
    const steps = plot.data[0];
    const middle = state.step ?? (min + max) / 2;
    const half = Math.max(2, (max - min) * factor / 2);
    const left = Math.max(steps[0], middle - half);
    plot.setScale("x", { min: left, max: Math.min(steps.at(-1), left + 2 * half) });
  };
  const whole = () => { const steps = plot.data[0]; plot.setScale("x", { min: steps[0], max: steps.at(-1) }); };

  const moveCrosshair = (direction) => {
    const steps = plot.data[0];
    const here = plot.cursor.idx ?? (direction > 0 ? -1 : steps.length);
    const next = Math.min(Math.max(0, here + direction), steps.length - 1);
    plot.setCursor({ left: plot.valToPos(steps[next], "x"), top: 10 });
  };

  const choose = (key) => {
    state.signal = key;
    byId("curve-signal").value = key;
    setLog(signalNow().log);
  };
  const setLog = (on) => {
    state.log = on;
    for (const input of byId("curve-scale").querySelectorAll("input")) input.checked = (input.value === "log") === on;
  };
  const range = () => ({ min: plot.scales.x.min, max: plot.scales.x.max });

  const start = () => {
    state.arm = Math.max(0, arms().findIndex((arm) => arm.classes.length));
    fillControls();
    choose("loss");
    draw();
    byId("curve-arm").addEventListener("change", (event) => { state.arm = Number(event.target.value); draw(); });
    byId("curve-signal").addEventListener("change", (event) => { const kept = range(); choose(event.target.value); draw(kept); });
    byId("curve-scale").addEventListener("change", (event) => { const kept = range(); setLog(event.target.value === "log"); draw(kept); });
    byId("zoom-in").addEventListener("click", () => zoom(0.5));
    byId("zoom-out").addEventListener("click", () => zoom(2));
    byId("zoom-all").addEventListener("click", whole);
    const keys = { ArrowLeft: () => moveCrosshair(-1), ArrowRight: () => moveCrosshair(1), "+": () => zoom(0.5), "-": () => zoom(2), 0: whole };
    host.addEventListener("keydown", (event) => { if (keys[event.key]) { keys[event.key](); event.preventDefault(); } });
    touchZoom(host, () => plot);
    document.addEventListener("themed", () => draw(range()));
    new ResizeObserver(() => { if (plot.width !== host.clientWidth) plot.setSize({ width: host.clientWidth, height: plot.height }); }).observe(host);
  };

  // Nothing is decoded before the curves come near the window.
  const watch = new IntersectionObserver((entries) => {
    if (entries.some((entry) => entry.isIntersecting)) { watch.disconnect(); start(); }
  }, { rootMargin: "600px" });
  watch.observe(byId("explorer"));
}
