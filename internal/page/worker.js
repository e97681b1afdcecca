// Runs the command once, on the dropped files: a message with the module, the arguments and
// the files comes in, progress and the result go out.
onmessage = async ({data: {module, args, files}}) => {
  let read = 0, told = 0;
  const system = fileSystem(bytes => {
    read += bytes;
    if (performance.now() - told < 100) return;
    told = performance.now();
    postMessage({read});
  });
  for (const {name, file} of files) system.add(name, file);
  const go = new Go();
  go.argv = ["tcptrace", ...args];
  // Little memory rather than little work: a page has less than a server.
  go.env = {GOGC: "50", NO_COLOR: "1"};
  let status = 2;
  go.exit = code => { status = code; };
  try {
    const instance = await WebAssembly.instantiate(module, go.importObject);
    await go.run(instance);
    const memory = instance.exports.mem.buffer.byteLength;
    const out = ["report", "out.zip"].map(name => system.written(name)).find(bytes => bytes) || null;
    postMessage({done: true, status, stdout: system.stdout(), stderr: system.stderr(), out, memory});
    close(); // the command's timers find nobody any more
  } catch (error) {
    postMessage({done: true, status: 2, stdout: "", stderr: system.stderr() + "\n" + error, out: null, memory: 0});
  }
};
