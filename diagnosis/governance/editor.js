// The page of the area editor: it draws what `state` says and sends what its reader asks for (editor.py answers).
// Nothing is loaded from elsewhere; texts reach the page as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";
const DRAG = 5; // pixels from which a press is a drag and not a click
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value != null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function draw(parent, tag, attributes = {}) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  parent.append(element);
  return element;
}

function fill(template, values = {}) {
  return template.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

function writer(language, texts) {
  const number = (value, decimals = 0) =>
    value == null
      ? texts.missing
      : new Intl.NumberFormat(language, {
          useGrouping: "always",
          minimumFractionDigits: decimals,
          maximumFractionDigits: decimals,
        })
          .format(value)
          .replace("-", "−");
  const percent = (share, decimals = 0) =>
    share == null ? texts.missing : number(100 * share, decimals) + (language === "it" ? "\u00a0%" : "%");
  const change = (share) => {
    if (share == null) return texts.missing;
    const text = percent(share, 1);
    return share > 0 && /[1-9]/.test(text) ? `+${text}` : text;
  };
  return { number, percent, change };
}

function render({ model, el }) {
  const texts = model.get("texts");
  const territory = model.get("territory");
  const write = writer(model.get("language"), texts);
  const say = (name, values) => fill(texts[name], values);
  const count = territory.names.length;
  const nearUnits = territory.fixed.map(() => []);
  for (const [one, other] of territory.near) nearUnits[one].push(other);

  let state = model.get("state");
  let areas = new Map();
  let chosen = null;
  let focused = 0;
  let comparing = true;
  let view = { x: 0, y: 0, width: territory.width, height: territory.height };

  const areaOf = (i) => state.area[territory.unit[i]];
  const nameOf = (area) => territory.names[areas.get(area).centre];
  const send = (command) => model.send(command);

  // ---- The parts of the page -------------------------------------------------------------------------------------

  const root = make("div", { class: "area-editor", lang: model.get("language"), "data-lm-suppress-shortcuts": "true" });
  const button = (name, action, more = {}) =>
    make("button", { type: "button", "data-do": name, onclick: action, ...more }, texts[name]);
  const undo = button("undo", () => send({ do: "undo" }));
  const redo = button("redo", () => send({ do: "redo" }));
  const reset = button("reset", () => send({ do: "reset" }));
  const compare = make("input", { type: "checkbox", checked: true, "data-do": "compare" });
  compare.addEventListener("change", () => {
    comparing = compare.checked;
    update();
  });
  const bar = make(
    "div",
    { class: "bar", role: "toolbar" },
    undo,
    redo,
    reset,
    make("label", {}, compare, ` ${texts.compare}`),
  );

  const helpId = `area-editor-${Math.random().toString(36).slice(2)}`;
  const svg = document.createElementNS(SVG, "svg");
  const margin = 6;
  for (const [name, value] of Object.entries({
    role: "group",
    "aria-label": texts.map,
    "aria-describedby": helpId,
    style: `aspect-ratio: ${territory.width + 2 * margin} / ${territory.height + 2 * margin}`,
    preserveAspectRatio: "xMidYMid meet",
  }))
    svg.setAttribute(name, value);
  const layer = (name) => draw(svg, "g", { class: name });
  const [land, ties, borders, before, marks, centres] = [
    "land", "ties", "borders", "before", "marks", "centres",
  ].map(layer);
  const shapes = territory.shapes.map((path, i) =>
    draw(land, "path", { d: path, "data-i": i, role: "button", tabindex: -1, "fill-rule": "evenodd" }),
  );
  const titles = shapes.map((shape) => draw(shape, "title"));
  for (const [i, j] of territory.ties) {
    const [[x1, y1], [x2, y2]] = [territory.points[i], territory.points[j]];
    draw(ties, "line", { x1, y1, x2, y2 });
  }
  const lines = territory.borders.map(([i, j, path]) => ({ i, j, path, line: draw(borders, "path", { d: path }) }));
  const readout = make("p", { class: "readout", "aria-hidden": "true" });
  const zoom = make(
    "div",
    { class: "zoom" },
    make("button", { type: "button", title: texts.zoom_in, "aria-label": texts.zoom_in, onclick: () => rescale(0.6) }, "+"),
    make("button", { type: "button", title: texts.zoom_out, "aria-label": texts.zoom_out, onclick: () => rescale(1 / 0.6) }, "−"),
    make("button", { type: "button", title: texts.zoom_all, "aria-label": texts.zoom_all, onclick: () => rescale(Infinity) }, "⤢"),
  );
  const legend = make(
    "p",
    { class: "legend" },
    make("span", {}, make("i", { class: "centre" }), ` ${texts.legend_centre}`),
    make("span", { class: "compared" }, make("i", { class: "moved" }), ` ${texts.legend_moved}`),
    make("span", { class: "compared" }, make("i", { class: "before" }), ` ${texts.legend_before}`),
  );
  const map = make(
    "div",
    { class: "map" },
    make("div", { class: "frame" }, svg, zoom),
    readout,
    legend,
    make("p", { class: "help", id: helpId }, texts.map_help),
  );

  const pick = make("select", { "data-do": "pick", "aria-label": texts.municipality });
  pick.append(make("option", { value: "" }, texts.choose));
  const alphabet = territory.names
    .map((name, i) => [name, i])
    .sort((one, other) => one[0].localeCompare(other[0], model.get("language")));
  for (const [name, i] of alphabet) pick.append(make("option", { value: i }, name));
  pick.addEventListener("change", () => choose(pick.value === "" ? null : Number(pick.value)));
  const explanation = make("div", { class: "explanation" });
  const totals = make("ul", { class: "totals" });
  const verdict = make("p", { class: "verdict" });
  const faults = make("ul", { class: "faults" });
  const side = make(
    "div",
    { class: "side" },
    make("h4", {}, texts.totals),
    totals,
    verdict,
    faults,
    make("h4", {}, texts.municipality),
    pick,
    explanation,
  );
  const live = make("p", { class: "live", role: "status", "aria-live": "polite" }, texts.hint);
  const tableBody = make("tbody");
  const longest = territory.estimated ? texts.longest_estimated : texts.longest;
  const judged = state.areas.some((area) => area.validity != null);
  const headings = [texts.area, texts.members, texts.population, texts.jobs, texts.containment];
  headings.push(...(judged ? [texts.validity] : []), longest, texts.limits);
  const table = make(
    "table",
    { class: "areas" },
    make("caption", {}, texts.table),
    make("thead", {}, make("tr", {}, ...headings.map((text) => make("th", { scope: "col" }, text)))),
    tableBody,
  );
  const validityNote = judged ? make("p", { class: "note" }, texts.validity_note) : "";
  const estimatedNote = territory.minutes && territory.estimated ? make("p", { class: "note" }, texts.estimated_note) : "";
  const movedList = make("ul", { class: "moved-list" });
  const list = make("details", { class: "list" }, make("summary", {}, texts.list));
  list.addEventListener("toggle", () => listMunicipalities());

  const name = make("input", { type: "text", maxlength: 80, "data-do": "name" });
  const note = make("textarea", { rows: 2, maxlength: 10000, "data-do": "note" });
  const answer = make("p", { class: "answer", role: "status" });
  const form = make(
    "form",
    { class: "save", onsubmit: save },
    make("h4", {}, texts.save),
    make("label", {}, texts.save_name, name),
    make("label", {}, texts.save_note, note),
    make("button", { type: "submit", "data-do": "save" }, texts.save_do),
    answer,
  );
  root.append(
    territory.function ? make("p", { class: "function" }, say("function", { name: territory.function })) : "",
    bar,
    live,
    make("div", { class: "main" }, map, side),
    make("div", { class: "scroll" }, table),
    validityNote,
    estimatedNote,
    make("h4", {}, texts.moved),
    movedList,
    list,
    form,
  );

  // ---- What the reader does --------------------------------------------------------------------------------------

  function choose(i) {
    chosen = i;
    pick.value = i == null ? "" : String(i);
    if (i != null) focusOn(i, false);
    send({ do: "choose", code: i == null ? null : territory.codes[i] });
    update();
  }

  function nearAreas(i) {
    const own = areaOf(i);
    const unit = territory.unit[i];
    if (territory.fixed[unit]) return new Set();
    return new Set(nearUnits[unit].map((other) => state.area[other]).filter((area) => area !== own));
  }

  function press(i) {
    if (i === chosen) choose(null);
    else if (chosen != null && nearAreas(chosen).has(areaOf(i))) move(areaOf(i));
    else choose(i);
  }

  function move(area) {
    send({ do: "move", code: territory.codes[chosen], area });
  }

  function save(event) {
    event.preventDefault();
    const now = new Date();
    const two = (value) => String(value).padStart(2, "0");
    const date = `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
    send({ do: "save", name: name.value, note: note.value, date });
  }

  function focusOn(i, really = true) {
    shapes[focused].setAttribute("tabindex", -1);
    focused = i;
    shapes[i].setAttribute("tabindex", 0);
    if (really) shapes[i].focus({ preventScroll: true });
  }

  function neighbourTowards([dx, dy]) {
    const [x, y] = territory.points[focused];
    let best = null;
    let least = Infinity;
    for (let i = 0; i < count; i++) {
      const [ax, ay] = [territory.points[i][0] - x, territory.points[i][1] - y];
      const along = ax * dx + ay * dy;
      const across = Math.abs(ax * dy) + Math.abs(ay * dx);
      if (i !== focused && along > 0 && along + 2 * across < least) [best, least] = [i, along + 2 * across];
    }
    return best;
  }

  svg.addEventListener("keydown", (event) => {
    if (event.key in ARROWS) {
      const next = neighbourTowards(ARROWS[event.key]);
      if (next != null) focusOn(next);
    } else if (event.key === "Enter" || event.key === " ") press(focused);
    else if (event.key === "Escape") choose(null);
    else return;
    event.preventDefault();
  });
  root.addEventListener("keydown", (event) => {
    const writing = event.target.closest("input[type=text], textarea");
    if (!writing && (event.ctrlKey || event.metaKey) && !event.altKey) {
      const key = event.key.toLowerCase();
      const back = key === "z" && !event.shiftKey;
      if (back || key === "y" || key === "z") {
        send({ do: back ? "undo" : "redo" });
        event.preventDefault();
      }
    }
    event.stopPropagation(); // the notebook has commands of its own for many keys
  });
  const indexOf = (event) => {
    const shape = event.target.closest?.("[data-i]");
    return shape ? Number(shape.dataset.i) : null;
  };
  let pressed = null;
  let dragged = false;
  svg.addEventListener("pointerdown", (event) => {
    pressed = { x: event.clientX, y: event.clientY, from: { ...view } };
    dragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    if (!pressed || !(event.buttons & 1) || view.width >= territory.width) return;
    const [dx, dy] = [event.clientX - pressed.x, event.clientY - pressed.y];
    if (!dragged && Math.hypot(dx, dy) < DRAG) return;
    dragged = true;
    view.x = pressed.from.x - dx * pixel();
    view.y = pressed.from.y - dy * pixel();
    show();
  });
  svg.addEventListener("click", (event) => {
    const i = indexOf(event);
    if (!dragged && i != null) {
      focusOn(i);
      press(i);
    }
  });
  const tell = (event) => {
    const i = indexOf(event);
    readout.textContent = i == null ? "\u00a0" : shapes[i].getAttribute("aria-label");
  };
  svg.addEventListener("pointerover", tell);
  svg.addEventListener("focusin", (event) => {
    tell(event);
    if (indexOf(event) != null && event.target.matches(":focus-visible")) focusOn(indexOf(event), false);
    mark();
  });
  svg.addEventListener("focusout", () => mark());

  // ---- What is shown ---------------------------------------------------------------------------------------------

  const pixel = () => {
    const box = svg.getBoundingClientRect();
    return box.width ? Math.max((view.width + 2 * margin) / box.width, (view.height + 2 * margin) / box.height) : 1;
  };

  function show() {
    const { x, y, width, height } = view;
    svg.setAttribute("viewBox", [x - margin, y - margin, width + 2 * margin, height + 2 * margin].join(" "));
    label();
  }

  function rescale(factor) {
    const share = Math.min((view.width * factor) / territory.width, 1);
    if (share === 1) view = { x: 0, y: 0, width: territory.width, height: territory.height };
    else if (share > 0.04) {
      const middle = [view.x + view.width / 2, view.y + view.height / 2];
      const [x, y] = chosen == null ? middle : territory.points[chosen];
      const [width, height] = [territory.width * share, territory.height * share];
      view = { x: x - width / 2, y: y - height / 2, width, height };
    }
    show();
  }

  function label() {
    const unit = pixel();
    const size = 13 * unit;
    const placed = [];
    centres.replaceChildren();
    const order = [...areas.values()].sort((one, other) => other.population - one.population);
    for (const { centre } of order) {
      const [x, y] = territory.points[centre];
      if (x < view.x || x > view.x + view.width || y < view.y || y > view.y + view.height) continue;
      draw(centres, "circle", { cx: x, cy: y, r: 4 * unit });
      const width = territory.names[centre].length * size * 0.62;
      const right = view.x + view.width + margin - width;
      const left = Math.max(view.x - margin, Math.min(x - width / 2, right));
      const box = [left, y - size * 1.6, left + width, y - size * 0.4];
      if (placed.some((b) => b[0] < box[2] && box[0] < b[2] && b[1] < box[3] && box[1] < b[3])) continue;
      placed.push(box);
      const text = draw(centres, "text", { x: left + width / 2, y: y - size * 0.55, "font-size": size });
      text.setAttribute("stroke-width", 3 * unit);
      text.textContent = territory.names[centre];
    }
  }

  function mark() {
    marks.replaceChildren();
    const outline = (i, kind) => draw(marks, "path", { d: territory.shapes[i], class: kind });
    if (chosen != null) outline(chosen, "chosen");
    if (comparing) for (const i of state.moved) outline(i, "moved");
    const active = svg.getRootNode().activeElement;
    if (active?.dataset?.i && svg.contains(active) && active.matches(":focus-visible")) outline(active.dataset.i, "focused");
  }

  function colour() {
    const reachable = chosen == null ? null : nearAreas(chosen).add(areaOf(chosen));
    const moved = new Set(state.moved);
    shapes.forEach((shape, i) => {
      const area = areaOf(i);
      const values = { name: territory.names[i], area: nameOf(area), n: write.number(territory.population[i]) };
      const text = say("label", values) + (moved.has(i) ? ` (${texts.label_moved})` : "");
      shape.setAttribute("fill", territory.colours[areas.get(area).colour]);
      shape.setAttribute("class", reachable && !reachable.has(area) ? "far" : "");
      shape.setAttribute("aria-label", text);
      shape.setAttribute("aria-pressed", i === chosen);
      titles[i].textContent = text;
    });
    before.replaceChildren();
    for (const { i, j, path, line } of lines) {
      const split = j >= 0 && areaOf(i) !== areaOf(j);
      line.setAttribute("class", j < 0 ? "outer" : split ? "between" : "inside");
      const wasSplit = j >= 0 && territory.start[territory.unit[i]] !== territory.start[territory.unit[j]];
      if (comparing && wasSplit && !split) draw(before, "path", { d: path });
    }
    svg.classList.toggle("choosing", chosen != null);
  }

  function limitText({ limit, value, needed }, area) {
    if (limit === "max_minutes" && value == null) return texts.limit_no_way;
    const shown = limit === "validity" ? write.percent(value) : write.number(value);
    return say(`limit_${limit}`, { value: shown, needed: write.number(needed), name: territory.names[area.farthest] });
  }

  const faultsOf = (area) => area.limits.map((item) => limitText(item, area)).join("; ");

  function verdictText() {
    const broken = state.total.broken;
    return broken === 0 ? texts.all_hold : broken === 1 ? texts.one_breaks : say("some_break", { n: broken });
  }

  function sum() {
    const { total, start } = state;
    const against = (share, same) => (same ? texts.unchanged : say("against_start", { change: share }));
    const near = Math.abs(total.interaction - start.interaction) <= 1e-12 * Math.max(1, start.interaction);
    const gain = start.interaction > 0 ? total.interaction / start.interaction - 1 : null;
    const signed = (value) => (value > 0 ? `+${write.number(value)}` : write.number(value));
    const entries = [
      ["interaction", write.number(total.interaction, 3), against(write.change(gain), near), texts.interaction_note],
      ["areas", write.number(total.areas), against(signed(total.areas - start.areas), total.areas === start.areas), ""],
      ["moved_count", write.number(state.moved.length), "", ""],
    ];
    if (total.within != null) {
      const share = ` (${write.percent(total.employed > 0 ? total.within / total.employed : null, 1)})`;
      const change = against(signed(total.within - start.within), total.within === start.within);
      entries.splice(1, 0, ["internal", write.number(total.within) + share, change, texts.internal_note]);
    }
    totals.replaceChildren(
      ...entries.map(([key, value, change, why]) =>
        make(
          "li",
          { title: why || null, "data-total": key },
          make("b", {}, texts[key]),
          make("strong", {}, value),
          make("span", {}, change),
        ),
      ),
    );
    verdict.textContent = verdictText();
    verdict.classList.toggle("bad", state.total.broken > 0);
    const broken = [...areas.values()].filter((area) => area.limits.length);
    faults.replaceChildren(
      ...broken.map((area) =>
        make("li", {}, make("b", {}, say("area_of", { name: territory.names[area.centre] })), `: ${faultsOf(area)}`),
      ),
    );
  }

  function tabulate() {
    const order = [...areas.values()].sort((one, other) => other.population - one.population);
    tableBody.replaceChildren(
      ...order.map((area) => {
        const swatch = make("i", { class: "swatch", style: `background:${territory.colours[area.colour]}` });
        const far = [];
        if (area.beyond) far.push(say("beyond", { n: area.beyond, limit: write.number(territory.wished) }));
        if (area.unreached && area.longest != null) far.push(say("unreached", { n: area.unreached }));
        const cells = [
          write.number(area.members),
          write.number(area.population),
          write.number(area.jobs),
          write.percent(area.containment),
          ...(judged ? [write.percent(area.validity)] : []),
          write.number(area.longest) + (far.length ? ` (${far.join("; ")})` : ""),
        ].map((text, at, all) => make("td", { class: at < all.length - 1 ? "number" : "number ways" }, text));
        return make(
          "tr",
          { class: area.limits.length ? "broken" : null, "data-area": area.area },
          make("th", { scope: "row" }, swatch, territory.names[area.centre]),
          ...cells,
          make("td", { class: "faults-of" }, faultsOf(area) || texts.kept),
        );
      }),
    );
  }

  function listMoved() {
    const rows = state.moved.map((i) => {
      const first = state.start_names[territory.start[territory.unit[i]]];
      const values = { name: territory.names[i], before: first, after: nameOf(areaOf(i)) };
      return make("li", {}, say(String(areaOf(i)) in state.start_names ? "moved_row" : "moved_row_new", values));
    });
    movedList.replaceChildren(...(rows.length ? rows : [make("li", { class: "none" }, texts.nobody_moved)]));
  }

  function listMunicipalities() {
    list.querySelector("table")?.remove();
    if (!list.open) return;
    const head = [texts.municipality, texts.area, texts.population].map((text) => make("th", { scope: "col" }, text));
    const rows = alphabet.map(([text, i]) =>
      make(
        "tr",
        {},
        make("th", { scope: "row" }, text),
        make("td", {}, nameOf(areaOf(i))),
        make("td", { class: "number" }, write.number(territory.population[i])),
      ),
    );
    list.append(make("table", {}, make("thead", {}, make("tr", {}, ...head)), make("tbody", {}, ...rows)));
  }

  function explain() {
    const detail = model.get("detail");
    // A button that was pressed goes: the keyboard goes on from the list of municipalities.
    if (explanation.contains(explanation.getRootNode().activeElement)) pick.focus({ preventScroll: true });
    explanation.replaceChildren();
    if (chosen == null) return;
    const [about, unit] = [territory.names[chosen], territory.unit[chosen]];
    explanation.append(
      make("p", { class: "who" }, make("strong", {}, about), `, ${say("area_of", { name: nameOf(areaOf(chosen)) })}`),
    );
    if (detail.position !== chosen || detail.state !== state.serial) return; // the answer is on its way
    explanation.append(make("p", { class: "reason" }, detail.reason));
    if (detail.with_it.length) {
      explanation.append(make("p", {}, say("with_it", { names: detail.with_it.join(", ") })));
    }
    if (territory.fixed[unit]) explanation.append(make("p", {}, texts.no_move));
    if (!detail.choices.length) return;
    explanation.append(make("p", { class: "move" }, texts.move_to));
    for (const { area, change, limits } of detail.choices) {
      const parts = [say("would_change", { change: write.change(change) })];
      const broken = limits.map((limit) => texts[`short_${limit}`]).join(", ");
      if (broken) parts.push(say("would_break", { limits: broken }));
      const swatch = make("i", { class: "swatch" });
      if (area != null) swatch.style.background = territory.colours[areas.get(area).colour];
      const text = area == null ? texts.to_new : say("area_of", { name: nameOf(area) });
      explanation.append(
        make(
          "button",
          { type: "button", class: "choice", "data-to": area ?? "new", onclick: () => move(area) },
          swatch,
          text,
          make("small", { class: broken ? "bad" : null }, parts.join("; ")),
        ),
      );
    }
    if (detail.choices.some((choice) => choice.area == null)) {
      explanation.append(make("p", { class: "note" }, texts.to_new_note));
    }
  }

  function announce() {
    if (!state.done) return;
    const values = { limits: verdictText() };
    if (state.about != null) {
      values.name = territory.names[state.about];
      values.area = nameOf(areaOf(state.about));
    }
    live.textContent = say(state.done, values);
  }

  function update() {
    undo.disabled = !state.can_undo;
    redo.disabled = !state.can_redo;
    reset.disabled = state.moved.length === 0;
    root.classList.toggle("comparing", comparing);
    colour();
    mark();
    label();
    sum();
    tabulate();
    listMoved();
    listMunicipalities();
    explain();
  }

  function take() {
    state = model.get("state");
    areas = new Map(state.areas.map((area) => [area.area, area]));
    update();
    announce();
  }

  function answered() {
    const { answer: key, files = [], ...values } = model.get("saved");
    if (!key) return;
    answer.textContent = say(key, { ...values, files: files.join(", ") });
    answer.classList.toggle("bad", key !== "saved");
  }

  model.on("change:state", take);
  model.on("change:detail", explain);
  model.on("change:saved", answered);
  el.append(root);
  focusOn(focused, false);
  areas = new Map(state.areas.map((area) => [area.area, area]));
  show();
  update();
  const watch = new ResizeObserver(() => label());
  watch.observe(svg);
  return () => {
    watch.disconnect();
    model.off("change:state", take);
    model.off("change:detail", explain);
    model.off("change:saved", answered);
  };
}

export default { render };
