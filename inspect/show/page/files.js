
// --- files: columns of equal length, so that a hundred thousand cost little

const files = data("files"), count = files.names.length;
const parents = Int32Array.from(files.parents), fact = files.fact, facts = files.facts;
const digestAt = new Int32Array(count), totals = new Float64Array(count), below = new Int32Array(count), first = new Int32Array(count + 2), children = new Int32Array(count);
const kind = i => facts[fact[i]].type;
const more = i => files.more[i] || {};

function prepare() {
  let digests = 0;
  for (let i = 0; i < count; i++) {
    digestAt[i] = facts[fact[i]].hashed ? digests++ : -1;
    first[parents[i] + 2]++;
  }
  for (let i = 1; i < count + 2; i++) first[i] += first[i - 1];
  const next = first.slice();
  for (let i = 0; i < count; i++) children[next[parents[i] + 1]++] = i;
  for (let i = count - 1; i >= 0; i--) { // a parent stands before its children
    const link = more(i).hardlink;
    if (!link || link === path(i)) totals[i] += files.sizes[i];
    if (parents[i] >= 0) { totals[parents[i]] += totals[i]; below[parents[i]] += below[i] + 1; }
  }
}

const childrenOf = i => children.subarray(first[i + 1], first[i + 2]);
const path = i => parents[i] < 0 ? files.names[i] : (p => p.endsWith("/") ? p : p + "/")(path(parents[i])) + files.names[i];
const hex = i => { let s = ""; const b = atob(files.digests.slice(Math.floor(digestAt[i] * 32 / 3) * 4, Math.ceil((digestAt[i] + 1) * 32 / 3) * 4)), from = digestAt[i] * 32 % 3; for (let k = 0; k < 32; k++) s += b.charCodeAt(from + k).toString(16).padStart(2, "0"); return s; };
const time = t => { const [s, n] = String(t).split("."), d = new Date(s * 1000); return (isNaN(d) ? s + " s after 1970 began" : d.toISOString().replace("T", " ").slice(0, -5)) + (n ? "." + n : "") + " UTC"; };
const rwx = f => { const m = parseInt(f.mode, 8), out = [..."rwxrwxrwx"].map((c, i) => m >> (8 - i) & 1 ? c : "-"); for (const [bit, at, c] of [[0o4000, 2, "s"], [0o2000, 5, "s"], [0o1000, 8, "t"]]) if (m & bit) out[at] = out[at] === "x" ? c : c.toUpperCase(); return ({ file: "-", directory: "d", symlink: "l", char: "c", block: "b", fifo: "p", socket: "s" }[f.type] || "?") + out.join(""); };
const owner = f => (f.user || f.uid) + ":" + (f.group || f.gid);

function factsOf(i) {
  const f = facts[fact[i]], out = { path: path(i), type: f.type, mode: f.mode + " " + rwx(f), owner: f.uid + ":" + f.gid + (f.user || f.group ? " (" + owner(f) + ")" : ""), mtime: time(files.times[i]) };
  if (f.type === "file") out.size = files.sizes[i] + (files.sizes[i] > 1023 ? " (" + size(files.sizes[i]) + ")" : "");
  if (digestAt[i] >= 0) out.sha256 = hex(i);
  if (files.targets[i] !== undefined) out.target = files.targets[i];
  for (const k of ["package", "selinux", "capabilities"]) if (f[k]) out[k] = f[k];
  return { ...out, ...more(i) };
}

function row(i, name) {
  const f = facts[fact[i]], dir = childrenOf(i).length > 0;
  const label = make("span", "path", name ?? files.names[i]);
  if (files.targets[i] !== undefined) label.append(make("span", "soft", " → " + files.targets[i]));
  const line = within(make("summary"), label, make("span", "facts mono", rwx(f) + " " + owner(f)), make("span", "n", dir ? size(totals[i]) : f.type === "file" ? size(files.sizes[i]) : f.type));
  if (dir) line.lastChild.title = many(below[i], "path") + " below";
  return lazy("row file" + (dir ? " dir" : ""), line, () => {
    const box = make("div");
    if (!dir) return within(box, show(factsOf(i)));
    box.append(lazy("row dir", within(make("summary"), make("span", "path soft", "the directory itself")), () => within(make("div"), show(factsOf(i)))));
    return fill(box, [...childrenOf(i)], c => row(c));
  });
}

const kinds = {
  "every path": () => true,
  "set-user-ID or set-group-ID": i => kind(i) === "file" && parseInt(facts[fact[i]].mode, 8) & 0o6000,
  "with capabilities": i => facts[fact[i]].capabilities,
  "writable by everyone": i => kind(i) !== "symlink" && parseInt(facts[fact[i]].mode, 8) & 0o2 && !(parseInt(facts[fact[i]].mode, 8) & 0o1000),
  "files of no package": i => kind(i) === "file" && !facts[fact[i]].package,
  "links": i => kind(i) === "symlink",
  "devices, pipes, sockets": i => !["file", "directory", "symlink"].includes(kind(i)),
  "files that were not read": i => kind(i) === "file" && digestAt[i] < 0,
};

let paths; // in small letters, made at the first search
function found(words, wanted) {
  if (!paths) {
    paths = new Array(count);
    for (let i = 0; i < count; i++) paths[i] = (parents[i] < 0 ? files.names[i] : (paths[parents[i]].endsWith("/") ? paths[parents[i]] : paths[parents[i]] + "/") + files.names[i]).toLowerCase();
  }
  const tests = words.map(w => {
    const [, key, value] = w.match(/^(package|owner):(.*)$/) || [];
    if (key === "package") { const ok = facts.map(f => (f.package || "").toLowerCase() === value); return i => ok[fact[i]]; }
    if (key === "owner") { const ok = facts.map(f => [f.user, f.group, String(f.uid), String(f.gid)].some(x => (x || "").toLowerCase() === value)); return i => ok[fact[i]]; }
    return i => paths[i].includes(w);
  });
  const out = [];
  for (let i = 0; i < count; i++) if (wanted(i) && tests.every(t => t(i))) out.push(i);
  return out;
}

function search() {
  const box = by("#files .rows"), words = by("#files input").value.toLowerCase().split(/\s+/).filter(Boolean), wanted = by("#files select").value;
  box.replaceChildren();
  if (!words.length && wanted === "every path") {
    const roots = [...childrenOf(-1)];
    fill(box, roots, i => row(i));
    if (roots.length && kind(roots[0]) === "directory") box.firstChild.open = true;
    by("#files .count").textContent = many(count, "path");
    return;
  }
  const list = found(words, kinds[wanted]);
  fill(box, list, i => row(i, path(i)));
  by("#files .count").textContent = list.length.toLocaleString("en") + " of " + many(count, "path");
}

function tree() {
  if (!count) { by("#files").remove(); by('nav a[href="#files"]').remove(); return; }
  prepare();
  by("#files select").append(...Object.keys(kinds).map(k => make("option", "", k)));
  let timer;
  by("#files input").oninput = () => { clearTimeout(timer); timer = setTimeout(search, 120); };
  by("#files select").onchange = search;
  search();
}

overview();
packages();
tree();
records();
