"use strict";
// The page: takes files, has the command run on them in a worker, and shows what it says.
// Every view is what one run of the command prints; there is no analysis here.

const element = id => document.getElementById(id);
const inputs = {files: [], total: 0}; // what was dropped
let module = null;  // the compiled command
let worker = null;  // of the run that is under way
let view = "findings";
let duration = 0;   // of the trace, in seconds
const results = new Map(); // of the last runs on these inputs, by arguments
const mostResults = 20;

// load gets the module: from the page itself, or with the page's only request. After that
// no request is allowed any more, by a policy that the workers inherit.
async function load() {
  const inside = element("module");
  let bytes;
  if (inside) {
    bytes = Uint8Array.from(atob(inside.textContent.trim()), c => c.charCodeAt(0));
    inside.remove();
  } else {
    const response = await fetch("tcptrace.wasm.gz");
    if (!response.ok) throw new Error("tcptrace.wasm.gz: " + response.status);
    bytes = new Uint8Array(await response.arrayBuffer());
  }
  const policy = document.createElement("meta");
  policy.httpEquiv = "Content-Security-Policy";
  policy.content = "connect-src 'none'";
  document.head.append(policy);
  if (bytes[0] === 0x1f) { // a server may have unpacked it already
    bytes = await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  }
  module = await WebAssembly.compile(bytes);
  say("Ready.");
  document.documentElement.dataset.ready = "yes";
  if (inputs.files.length) show("findings");
}

function say(text, failed = false) {
  element("status").textContent = text;
  element("status").classList.toggle("failed", failed);
}

const workerURL = URL.createObjectURL(new Blob([element("worker").textContent], {type: "text/javascript"}));

// run runs the command with these arguments, and the names of the files behind them. What
// was asked before is not run again.
function run(args) {
  const key = args.join("\n");
  if (results.has(key)) return Promise.resolve(results.get(key));
  stop();
  element("command").textContent = ["tcptrace", ...args, ...inputs.files.map(f => f.name)].join(" ");
  element("running").hidden = false;
  say("Analysing …");
  const own = worker = new Worker(workerURL), begun = performance.now();
  return new Promise((resolve, reject) => {
    own.onmessage = ({data}) => {
      if (!data.done) return progress(data.read);
      own.onerror = null; // timers of a command that has ended fail
      stop();
      say(data.stderr.trim() || `Done in ${((performance.now() - begun) / 1000).toFixed(1)} s.`, data.status === 2);
      document.documentElement.dataset.memory = data.memory;
      results.set(key, data);
      if (results.size > mostResults) results.delete(results.keys().next().value);
      resolve(data);
    };
    own.onerror = event => { stop(); say(event.message, true); reject(new Error(event.message)); };
    own.postMessage({module, args: [...args, "--", ...inputs.files.map(f => f.name)], files: inputs.files});
  });
}

function stop() {
  if (worker) worker.terminate();
  worker = null;
  element("running").hidden = true;
}

function progress(read) {
  const pass = Math.floor(read / inputs.total) + 1, part = read % inputs.total;
  element("progress").max = inputs.total;
  element("progress").value = part;
  say(`Reading: ${(part / 1e6).toFixed(0)} of ${(inputs.total / 1e6).toFixed(0)} MB` + (pass > 1 ? `, pass ${pass}` : ""));
}

// reserved are names that mean something else to the command or in its file system.
const reserved = ["-", "tmp", "out", "out.zip", "report"];

// take replaces the inputs. Files of one name get numbers.
function take(files) {
  if (!files.length) return;
  stop();
  results.clear();
  const names = new Set();
  inputs.files = [...files].map(file => {
    let name = file.name;
    for (let n = 2; names.has(name) || reserved.includes(name); n++) name = n + "-" + file.name;
    names.add(name);
    return {name, file};
  });
  inputs.total = inputs.files.reduce((sum, f) => sum + f.file.size, 1);
  duration = 0;
  if (module) show("findings");
}

// page is the report as HTML: findings, connections and times, of one run.
const pageArguments = () => ["--format", "html", "--flows", "--time", ...(element("undecided").checked ? ["--undecided"] : [])];

const views = {
  findings: {
    args: pageArguments, text: () => element("undecided").checked ? ["--undecided"] : [],
    part: report => report.querySelectorAll("h1, header > *, main > section:not(#connections, .time)"),
  },
  connections: {args: pageArguments, text: () => ["--flows"], part: report => report.querySelectorAll("#connections, #overview")},
  time: {args: pageArguments, text: () => ["--time"], part: report => report.querySelectorAll("section.time")},
  connection: {
    args: () => ["--format", "html", "--flow", element("number").value.trim()], text: () => ["--flow", element("number").value.trim()],
    part: report => report.querySelectorAll("section.whole, section.finding"),
  },
  states: {args: () => ["--states", "--at", "+" + element("seconds").value, "--format", "json"], text: () => ["--states", "--at", "+" + element("seconds").value]},
};

// show runs what a view needs and shows it.
async function show(name) {
  if (!inputs.files.length || !module) return;
  view = name;
  element("workbench").hidden = false;
  for (const button of document.querySelectorAll("nav button")) {
    if (button.dataset.view === view) button.setAttribute("aria-current", "page");
    else button.removeAttribute("aria-current");
  }
  for (const control of document.querySelectorAll("#options [class*=for-]")) control.hidden = !control.classList.contains("for-" + view);
  const {args, text, part} = views[view], plain = element("as-text").checked;
  element("result").setAttribute("aria-busy", "true");
  const done = await run(plain ? text() : args());
  if (view !== name) return; // somebody went on
  element("result").setAttribute("aria-busy", "false");
  if (plain || !done.stdout) {
    const pre = document.createElement("pre");
    pre.textContent = done.stdout;
    pre.tabIndex = 0;
    element("result").replaceChildren(pre);
  } else if (view === "states") {
    element("result").replaceChildren(statesTable(JSON.parse(done.stdout)));
  } else {
    const report = new DOMParser().parseFromString(done.stdout, "text/html"); // runs nothing
    const seconds = report.querySelector("[data-duration]");
    if (seconds && !duration) setDuration(Number(seconds.dataset.duration));
    element("result").replaceChildren(...part(report));
    if (!element("result").children.length) element("result").textContent = "There is nothing of this kind in the trace.";
    connectFigures(element("result"));
    linkConnections();
  }
  element("result").dataset.view = view + (plain ? "-text" : "");
}

// linkConnections gives the rows of connections, and findings, a button that shows them.
function linkConnections() {
  const link = (place, number) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "show";
    button.textContent = "Show connection " + number;
    button.onclick = () => {
      element("number").value = number;
      show("connection").then(() => element("result").focus());
    };
    place.append(" ", button);
  };
  if (view === "connection") return;
  for (const place of element("result").querySelectorAll("[data-flow]")) link(place, place.dataset.flow);
  for (const cell of element("result").querySelectorAll("#connections tbody td:first-child")) link(cell, cell.textContent);
}

function setDuration(seconds) {
  duration = seconds;
  element("moment").max = seconds;
  element("moment").value = seconds;
  element("seconds").value = seconds;
}

// statesTable is the sockets of both hosts.
const mostRows = 1000;
function statesTable(report) {
  const table = document.createElement("table"), rows = report.endpoints.slice(0, mostRows);
  table.createCaption().textContent = `${report.endpoints.length} sockets at ${report.at}` + (rows.length < report.endpoints.length ? `, the first ${mostRows}; the text has all` : "");
  const head = table.createTHead().insertRow();
  for (const title of ["Local", "Foreign", "State", "Since", "Connection"]) {
    const th = document.createElement("th");
    th.scope = "col";
    th.textContent = title;
    head.append(th);
  }
  const body = table.createTBody();
  for (const e of rows) {
    const row = body.insertRow();
    for (const text of [e.local, e.foreign, e.state + (e.bounded ? " (at most)" : ""), e.since, e.flow]) row.insertCell().textContent = text;
  }
  const wide = document.createElement("div");
  wide.className = "wide";
  wide.append(table);
  return wide;
}

// offer runs the command for a file, and gives it to the reader.
async function offer(args, name) {
  const done = await run(args);
  if (!done.out) return say(done.stderr.trim() || "There is nothing to download.", true);
  const link = document.createElement("a");
  link.download = name;
  link.href = URL.createObjectURL(new Blob([done.out]));
  link.textContent = `${name}, ${(done.out.length / 1e3).toFixed(0)} kB`;
  element("download").replaceChildren(link);
  link.click();
}

element("files").onchange = () => take(element("files").files);
element("analyse-text").onclick = () => take([new File([element("text").value], "pasted.txt")]);
element("cancel").onclick = () => {
  stop();
  say("Cancelled.");
  element("result").setAttribute("aria-busy", "false");
};
for (const button of document.querySelectorAll("nav button")) button.onclick = () => show(button.dataset.view);
element("options").onsubmit = event => { event.preventDefault(); show(view); };
element("undecided").onchange = element("as-text").onchange = () => show(view);
element("moment").oninput = () => { element("seconds").value = Number(element("moment").value).toFixed(6); };
element("moment").onchange = () => { element("seconds").value = Number(element("moment").value).toFixed(6); show("states"); };
element("seconds").onchange = () => { element("moment").value = element("seconds").value; show("states"); };
const extensions = {markdown: "md"};
element("download-report").onclick = () => {
  const format = element("format").value;
  offer(["--format", {txt: "text", txtar: "scenario"}[format] || format, "-o", "report"], "report." + (extensions[format] || format));
};
element("download-evidence").onclick = () => offer(["--evidence", "out", "--undecided", "-o", "out/report.html"], "evidence.zip");
element("download-anonymised").onclick = () => offer(["--anonymize", "--evidence", "out", "-o", "out/report.html"], "anonymised.zip");
addEventListener("dragover", event => { event.preventDefault(); element("drop").classList.add("over"); });
addEventListener("dragleave", event => { if (!event.relatedTarget) element("drop").classList.remove("over"); });
addEventListener("drop", event => {
  event.preventDefault();
  element("drop").classList.remove("over");
  take(event.dataTransfer.files);
});
load().catch(error => say(String(error), true));
