// Fingers on the curves: two zoom along the steps, one moves what is zoomed, else the crosshair. Up and down scrolls on.
const touchZoom = (host, current) => {
  const fingers = new Map();
  let start = null; // range and places when the fingers last came or went

  const move = () => {
    const plot = current();
    const { left, width } = plot.over.getBoundingClientRect();
    const steps = plot.data[0];
    const [first, last] = [steps[0], steps.at(-1)];
    const at = [...fingers.values()].slice(0, 2).map((x) => x - left);
    const began = !start;
    if (began) {
      const { min, max } = plot.scales.x;
      start = { min, each: (max - min) / width, at };
    }
    const whole = start.each * width >= last - first;
    if (at.length === 1 && (began || whole)) plot.setCursor({ left: Math.min(Math.max(0, at[0]), width), top: 10 });
    if (began || (at.length === 1 && whole)) return;
    const held = start.min + start.at[0] * start.each; // the step under the first finger stays under it
    const apart = at.length > 1 ? Math.max(8, Math.abs(at[1] - at[0])) / Math.max(8, Math.abs(start.at[1] - start.at[0])) : 1;
    const each = Math.min(Math.max(start.each / apart, 4 / width), (last - first) / width);
    const min = Math.min(Math.max(first, held - at[0] * each), last - each * width);
    plot.setScale("x", { min, max: min + each * width });
  };

  const changed = (event, here) => {
    if (event.pointerType !== "touch") return;
    if (here && event.target.closest(".u-over")) fingers.set(event.pointerId, event.clientX); else fingers.delete(event.pointerId);
    start = null;
    if (fingers.size) move();
  };
  host.addEventListener("pointerdown", (event) => changed(event, true));
  for (const kind of ["pointerup", "pointercancel", "lostpointercapture"]) host.addEventListener(kind, (event) => changed(event, false));
  host.addEventListener("pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    fingers.set(event.pointerId, event.clientX);
    move();
  });
  // What a browser makes of a tap for pages that know the mouse alone would take the crosshair away again.
  host.addEventListener("touchend", (event) => { if (event.cancelable && event.target.closest(".u-over")) event.preventDefault(); });
};
