// Theme, copy buttons, the strip, folded probes and deep links. Without scripts everything but these works.
const byId = (id) => document.getElementById(id);
const blob = (id) => JSON.parse(byId(id).textContent);
const lazily = (make) => { let made; return () => (made ??= make()); };
const element = (name, text, attributes = {}) => {
  const made = document.createElement(name);
  if (text !== undefined) made.textContent = text;
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
};
const curveData = lazily(() => blob("curve-data"));
document.documentElement.classList.add("scripted");

{ // Theme: as the system, light or dark; remembered where the browser allows it.
  const button = byId("theme");
  const order = ["auto", "light", "dark"];
  const store = { get: () => { try { return localStorage.getItem("theme"); } catch { return null; } },
                  set: (value) => { try { localStorage.setItem("theme", value); } catch { /* not allowed: not kept */ } } };
  const apply = (theme) => {
    document.documentElement.dataset.theme = theme;
    button.lastElementChild.textContent = theme;
    button.setAttribute("aria-label", `Colours: ${theme === "auto" ? "as the system" : theme}`);
    document.dispatchEvent(new Event("themed"));
  };
  apply(order.includes(store.get()) ? store.get() : "auto");
  button.addEventListener("click", () => {
    const next = order[(order.indexOf(document.documentElement.dataset.theme) + 1) % order.length];
    store.set(next);
    apply(next);
  });
  for (const query of ["(prefers-color-scheme: dark)", "print"]) {
    matchMedia(query).addEventListener("change", () => document.dispatchEvent(new Event("themed")));
  }
}

{ // Copying: the clipboard where it is allowed, a selected text area elsewhere.
  const copy = async (text, button) => {
    let done = true;
    try { await navigator.clipboard.writeText(text); } catch {
      const area = element("textarea", text, { class: "unseen" });
      document.body.append(area);
      area.select();
      done = document.execCommand("copy");
      area.remove();
      button.focus();
    }
    const label = button.dataset.label ??= button.textContent;
    button.textContent = done ? "Copied" : "Not allowed";
    byId("said").textContent = done ? "Copied" : "The browser does not allow copying";
    setTimeout(() => { button.textContent = label; }, 1600);
  };
  const issue = lazily(() => blob("issue-data"));
  byId("copy-issue").addEventListener("click", (event) => copy(issue(), event.currentTarget));
  byId("show-issue").addEventListener("click", (event) => {
    const area = byId("issue-text");
    area.value ||= issue();
    area.hidden = !area.hidden;
    event.currentTarget.setAttribute("aria-expanded", String(!area.hidden));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("button[data-copy]");
    if (button) copy(button.dataset.copy, button);
  });
}

if (document.querySelector(".strip")) { // The strip: what a cell says on hover and focus, arrow keys, spacing.
  const tip = byId("tip");
  const strip = document.querySelector(".strip");
  const cells = strip.querySelectorAll(".cell");
  const rows = new Map();
  for (const cell of cells) {
    if (rows.has(cell.dataset.row)) cell.tabIndex = -1; // One stop of the tab key a row; arrow keys go on from there.
    rows.set(cell.dataset.row, [...(rows.get(cell.dataset.row) ?? []), cell]);
  }
  const show = (cell) => {
    const [first, ...others] = cell.dataset.tip.split("\n");
    tip.replaceChildren(element("b", first), ...others.map((line) => element("span", line)));
    tip.hidden = false;
    const at = cell.getBoundingClientRect();
    const left = Math.min(Math.max(8, at.left + at.width / 2 - tip.offsetWidth / 2), innerWidth - tip.offsetWidth - 8);
    const above = at.top - tip.offsetHeight - 8;
    tip.style.left = `${left + scrollX}px`;
    tip.style.top = `${(above < 0 ? at.bottom + 8 : above) + scrollY}px`;
  };
  const hide = () => { tip.hidden = true; };
  let byKeys = false; // A pointer at rest must not take the tip from the keyboard when the page moves under it.
  strip.addEventListener("pointermove", (event) => { if (event.movementX || event.movementY) byKeys = false; });
  for (const kind of ["mouseover", "focusin"]) {
    strip.addEventListener(kind, (event) => {
      const cell = event.target.closest(".cell");
      if (cell && !(byKeys && kind === "mouseover")) show(cell);
    });
  }
  for (const kind of ["mouseout", "focusout"]) strip.addEventListener(kind, hide);
  const moves = { ArrowRight: [1, 0], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowUp: [0, -1] };
  strip.addEventListener("keydown", (event) => {
    const cell = event.target.closest(".cell");
    byKeys = true;
    if (event.key === "Escape") hide();
    if (!cell || !moves[event.key]) return;
    const [along, across] = getComputedStyle(strip).getPropertyValue("--down").trim() === "1"
      ? [...moves[event.key]].reverse() : moves[event.key];
    const row = rows.get(String(Number(cell.dataset.row) + across)) ?? rows.get(cell.dataset.row);
    const here = rows.get(cell.dataset.row).indexOf(cell);
    const next = row[Math.min(Math.max(0, here + along), row.length - 1)];
    for (const other of row) other.tabIndex = other === next ? 0 : -1;
    next.focus();
    event.preventDefault();
  });
  byId("spacing")?.addEventListener("change", (event) => { strip.classList.toggle("by-date", event.target.value === "date"); });
}

{ // Probes: a log and a table of steps are made when a probe is opened.
  const logs = lazily(() => blob("log-data"));
  const stepTable = (arm, series) => {
    const { signals, arms } = curveData();
    const { seeds, lead } = arms[arm].classes[series];
    const shown = seeds[lead];
    const wanted = signals.filter((signal) => signal.brief && shown.series[signal.key]?.v);
    const columns = wanted.map((signal) => Curves.decode(shown.series[signal.key]));
    if (!columns.length) return document.createDocumentFragment();
    const last = columns[0].steps.at(-1);
    const steps = columns[0].steps.filter((step, index, all) => index < 3 || step === last || index === all.length - 2
      || Math.floor(Math.log2(step) * 1.5) !== Math.floor(Math.log2(all[index - 1]) * 1.5));
    const table = element("table");
    const head = element("tr");
    head.append(element("th", "step", { scope: "col", class: "num" }),
      ...wanted.map((signal) => element("th", signal.label, { scope: "col", class: "num" })));
    table.append(element("caption", seeds.length > 1 ? `Some of the steps, seed ${shown.seed}` : "Some of the steps"), element("thead"), element("tbody"));
    table.tHead.append(head);
    for (const step of steps) {
      const row = element("tr");
      row.append(element("th", String(step), { scope: "row", class: "num" }),
        ...columns.map((column) => element("td", Curves.number(Curves.at(column, step)), { class: "num" })));
      table.tBodies[0].append(row);
    }
    return table;
  };
  document.addEventListener("toggle", (event) => {
    const probe = event.target;
    if (!probe.open || probe.dataset.filled || !probe.classList.contains("probe")) return;
    probe.dataset.filled = "yes";
    const log = probe.querySelector(".log");
    log?.replaceChildren(element("h4", "Log"), element("pre", logs()[probe.id] ?? "", { tabindex: "0", "aria-label": "Log" }));
    probe.querySelector(".steps")?.append(stepTable(Number(probe.dataset.arm), Number(probe.dataset.series)));
  }, true);
}

{ // Deep links: what is folded around the target opens.
  const open = () => {
    const target = location.hash.length > 1 && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    for (let fold = target.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
    requestAnimationFrame(() => {
      target.scrollIntoView();
      target.querySelector("summary")?.focus({ preventScroll: true });
    });
  };
  addEventListener("hashchange", open);
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) open();
  });
  open();
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = [...document.querySelectorAll("details.figures:not([open])")];
    for (const fold of folded) fold.open = true;
  });
  addEventListener("afterprint", () => { for (const fold of folded) fold.open = false; });
}
