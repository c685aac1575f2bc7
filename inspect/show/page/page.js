"use strict";
const data = id => JSON.parse(document.getElementById("data-" + id).textContent);
const view = data("page"), report = data("report");
const step = 200; // rows that are drawn at once
const marks = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]|\p{Cf}/gu; // control characters, and those that reorder or hide text
const safe = s => String(s).replace(marks, c => "\\u{" + c.codePointAt(0).toString(16) + "}");
const make = (tag, cls, text) => { const e = document.createElement(tag); if (cls) e.className = cls; if (text !== undefined) e.textContent = safe(text); return e; };
const within = (e, ...children) => { e.append(...children); return e; };
const by = q => document.querySelector(q);
const size = n => { let u = -1; while (n >= 1023.95 && u < 5) { n /= 1024; u++; } return u < 0 ? n + " B" : n.toFixed(1) + " " + "KMGTPE"[u] + "iB"; };
const many = (n, one, more) => n.toLocaleString("en") + " " + (n === 1 ? one : more || one + "s");

// lazy is a details element whose content is made when it is opened.
function lazy(cls, summary, content) {
  const d = within(make("details", cls), summary);
  d.addEventListener("toggle", () => { if (d.open && d.childElementCount === 1) d.append(content()); });
  return d;
}

// fill adds rows to a box, some at a time.
function fill(box, list, draw, from = 0) {
  for (const x of list.slice(from, from + step)) box.append(draw(x));
  const left = list.length - from - step;
  if (left > 0) {
    const more = make("button", "", "show " + Math.min(left, step) + " of " + left.toLocaleString("en") + " more");
    more.onclick = () => { more.remove(); fill(box, list, draw, from + step); };
    box.append(more);
  }
  return box;
}

// --- overview

function block(b) {
  if (b.note) return make("p", b.note.tone, b.note.text);
  if (b.bars) {
    const box = make("div", "bars");
    for (const x of b.bars) {
      const line = make("b"); line.style.width = 100 * x.bytes / (b.bars[0].bytes || 1) + "%";
      box.append(make("span", "n", x.text), make("span", "path", x.label), line);
    }
    return box;
  }
  if (b.table) {
    const t = make("table"), numbers = b.table.heads.map(h => h.startsWith(">") ? "n" : "");
    const head = t.insertRow();
    b.table.heads.forEach((h, i) => head.append(make("th", numbers[i], h.replace(/^[>+]/, ""))));
    const body = t.createTBody();
    fill(body, b.table.rows, r => within(make("tr"), ...r.map((c, i) => make("td", [numbers[i], c.tone, c.text.length > 24 ? "long" : ""].join(" "), c.text))));
    return within(make("div", "scroll"), t);
  }
  const d = make("dl", "facts");
  for (const f of b.facts) {
    const v = make("dd", f.value.tone, f.names ? undefined : f.value.text);
    if (f.names) fill(v, f.names, n => make("span", "chip", n));
    d.append(make("dt", "", f.label), v);
  }
  return d;
}

function strip(disk) {
  const box = make("div", "strip");
  for (const p of disk.partitions || []) {
    const fs = p.filesystem, i = make("i", fs ? "" : "none", fs ? (fs.mountpoint || fs.type) : "");
    i.style.flexGrow = Math.sqrt(Math.max(p.size, 1)); i.style.flexBasis = 0; // the root, or small ones would be lines
    i.title = safe(p.index + ": " + size(p.size) + " " + (fs ? fs.type : "no filesystem"));
    box.append(i);
  }
  return box;
}

function overview() {
  document.title = safe(view.title) + " – assay report";
  by("h1").textContent = safe(view.title);
  by("#kind").append(...view.facts.map(f => make("span", "chip", f)));
  by("#tiles").append(...view.tiles.map(t => within(make("div"), make("dt", "", t.label), make("dd", t.value.tone, t.value.text))));
  for (const p of view.parts) {
    const card = within(make("article", "card"), make("h3", "", p.heading));
    if (p.strip && report.disk) card.append(strip(report.disk));
    card.append(...p.blocks.map(block));
    by("#overview").append(card);
  }
}

// --- any value

const plain = v => v === null || typeof v !== "object";
function show(v) {
  if (plain(v)) return make("span", "mono" + (String(v).length > 24 ? " long" : ""), v === null ? "" : v);
  if (Array.isArray(v)) return v.every(plain) ? fill(make("div", "list"), v, x => make("span", "chip mono", x)) : tableOf(v);
  const t = make("table"), keys = Object.keys(v);
  fill(t.createTBody(), keys, k => within(make("tr"), make("td", "key", k), within(make("td"), show(v[k]))));
  return within(make("div", "scroll"), t);
}

function tableOf(list) {
  const keys = [...new Set(list.slice(0, 1000).flatMap(x => plain(x) || Array.isArray(x) ? [] : Object.keys(x)))];
  if (!keys.length || keys.length > 9) return fill(make("div"), list, x => fold(x));
  const t = make("table"), head = t.insertRow();
  for (const k of keys) head.append(make("th", "", k));
  fill(t.createTBody(), list, x => within(make("tr"), ...keys.map(k => within(make("td"), k in x ? (plain(x[k]) || Array.isArray(x[k]) && x[k].every(plain) && x[k].length < 20 ? show(x[k]) : fold(x[k])) : ""))));
  return within(make("div", "scroll"), t);
}

function fold(v) {
  const first = plain(v) ? v : Array.isArray(v) ? many(v.length, "record") : Object.values(v).find(plain);
  return lazy("row dir", within(make("summary"), make("span", "path", first ?? "…")), () => within(make("div"), show(v)));
}

// --- packages

function packages() {
  const all = (report.packages || []).slice(), box = by("#packages .rows"), input = by("#packages input");
  const details = new Map();
  for (const manager of ["dpkg", "rpm"]) for (const p of report[manager] || []) details.set(manager + " " + p.name + " " + (p.arch || ""), p);
  for (const p of all) p.text = (p.name + " " + p.version).toLowerCase();
  const row = p => lazy("row dir package", within(make("summary"), make("span", "path", p.name), make("span", "mono soft", p.version), make("span", "n", p.arch)), () => {
    const files = make("button", "", "its files"), { text, ...facts } = p;
    files.onclick = () => { by("#files input").value = "package:" + p.name; search(); by("#files").scrollIntoView(); };
    return within(make("div"), show(details.get(p.manager + " " + p.name + " " + p.arch) || facts), files);
  });
  const draw = () => {
    const words = input.value.toLowerCase().split(/\s+/).filter(Boolean), found = all.filter(p => words.every(w => p.text.includes(w)));
    box.replaceChildren();
    fill(box, found, row);
    by("#packages .count").textContent = words.length ? found.length + " of " + many(all.length, "package") : many(all.length, "package");
  };
  input.oninput = draw;
  draw();
  if (!all.length) by("#packages").remove(), by('nav a[href="#packages"]').remove();
}

// --- records

function records() {
  const rows = by("#records .rows"), seen = new Set(["files", "sections", "subject", "schema_version"]);
  const order = { unread: 0, ok: 1, absent: 2 }, sections = report.sections || {};
  const names = Object.keys(sections).sort((a, b) => order[sections[a].status] - order[sections[b].status] || (a < b ? -1 : 1));
  const empty = v => v === undefined || v === null || v === "" || typeof v === "object" && !Object.keys(v).length;
  const row = (name, state, v) => {
    const tone = { unread: "warn", ok: "good", absent: "" }[state.status] ?? "";
    const line = within(make("summary"), make("span", "path", name), within(make("span"), state.status ? make("span", "chip " + tone, state.status) : ""), make("span", "soft", state.reason || (Array.isArray(v) ? many(v.length, "record") : "")));
    if (empty(v)) return within(make("details", "row record"), line);
    return lazy("row record full", line, () => within(make("div"), show(v)));
  };
  for (const name of names) {
    const key = name.replaceAll("-", "_");
    seen.add(key);
    rows.append(row(name, sections[name], name === "files" ? null : report[key]));
  }
  for (const key of Object.keys(report)) if (!seen.has(key) && !empty(report[key])) rows.append(row(key, {}, report[key]));
}
