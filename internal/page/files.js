// The file system of one run of the command, as Go's syscall package expects it of Node.js:
// functions with a callback. Dropped files are read by slices; what is written stays in
// memory. It runs in a worker.
function fileSystem(progress) {
  const O = {O_RDONLY: 0, O_WRONLY: 1, O_RDWR: 2, O_CREAT: 64, O_EXCL: 128, O_TRUNC: 512, O_APPEND: 1024, O_DIRECTORY: 65536};
  const block = 1 << 20; // bytes that are read at once
  let inode = 0;
  const directory = () => ({inode: ++inode, entries: new Map()});
  const empty = () => ({inode: ++inode, bytes: new Uint8Array(0), size: 0});
  const root = directory(), stdout = empty(), stderr = empty();
  const open = new Map([[0, {node: empty(), at: 0}], [1, {node: stdout, at: 0}], [2, {node: stderr, at: 0}]]);
  let nextFd = 3;
  root.entries.set("tmp", directory());

  function fail(code) {
    const error = new Error(code);
    error.code = code;
    throw error;
  }

  const parts = path => {
    const list = [];
    for (const part of path.split("/")) {
      if (part === "..") list.pop();
      else if (part !== "" && part !== ".") list.push(part);
    }
    return list;
  };

  // find is the node of a path; parent is its directory and its name there.
  function find(path) {
    let node = root;
    for (const part of parts(path)) node = (node.entries || fail("ENOTDIR")).get(part) || fail("ENOENT");
    return node;
  }
  function parent(path) {
    const list = parts(path), name = list.pop();
    const node = find(list.join("/"));
    return [node.entries || fail("ENOTDIR"), name];
  }

  function stat(node) {
    const size = node.file ? node.file.size : node.size || 0;
    return {
      dev: 1, ino: node.inode, mode: node.entries ? 0o40755 : 0o100644, nlink: 1, uid: 0, gid: 0, rdev: 0,
      size, blksize: 4096, blocks: Math.ceil(size / 512), atimeMs: 0, mtimeMs: 0, ctimeMs: 0,
      isDirectory: () => Boolean(node.entries),
    };
  }

  // discard frees a buffer now. Go makes a new one for each read, and copies from it at once;
  // those of a gigabyte would lie about until somebody collects garbage.
  const discard = buffer => { if (buffer && buffer.transfer) buffer.transfer(0); };

  // load reads on in a dropped file, into the same buffer again and again where the browser
  // can do that; else by slices, which leave garbage.
  async function load(f, at) {
    if (!f.reader || f.next !== at) {
      if (f.reader) f.reader.cancel();
      try {
        f.reader = f.node.file.slice(at).stream().getReader({mode: "byob"});
      } catch {
        f.reader = null;
      }
      f.spare = new ArrayBuffer(block);
    }
    if (f.reader) {
      const {value} = await f.reader.read(new Uint8Array(f.spare));
      f.block = value || new Uint8Array(0);
      f.spare = value ? value.buffer : new ArrayBuffer(block);
    } else {
      f.block = new Uint8Array(await f.node.file.slice(at, at + block).arrayBuffer());
    }
    f.begin = at;
    f.next = at + f.block.length;
    progress(f.block.length);
  }

  // read is at once, or a promise.
  function read(fd, buffer, offset, length, position) {
    const f = open.get(fd) || fail("EBADF"), node = f.node, at = position ?? f.at;
    const copy = part => {
      buffer.set(part, offset);
      if (position === null) f.at += part.length;
      return part.length;
    };
    if (!node.file) return copy(node.bytes.subarray(at, Math.min(at + length, node.size)));
    discard(f.given);
    f.given = buffer.buffer;
    const within = () => f.block.subarray(at - f.begin, at - f.begin + length);
    if (f.block && at >= f.begin && at < f.begin + f.block.length) return copy(within());
    return load(f, at).then(() => copy(within()));
  }

  function resize(node, size) {
    if (size > node.bytes.length) {
      const larger = new Uint8Array(Math.max(size, 2 * node.bytes.length, 4096));
      larger.set(node.bytes.subarray(0, node.size));
      node.bytes = larger;
    }
    node.bytes.fill(0, Math.min(size, node.size), Math.max(size, node.size));
    node.size = size;
  }

  function write(fd, buffer, offset, length, position) {
    const f = open.get(fd) || fail("EBADF"), node = f.node;
    if (!node.bytes) fail("EACCES"); // a dropped file is never written to
    const at = position ?? (f.append ? node.size : f.at);
    if (at + length > node.size) resize(node, at + length);
    node.bytes.set(buffer.subarray(offset, offset + length), at);
    if (position === null) f.at = at + length;
    return length;
  }

  function openFile(path, flags) {
    const [entries, name] = parts(path).length ? parent(path) : [null, ""];
    let node = entries ? entries.get(name) : root;
    if (!node) {
      if (!(flags & O.O_CREAT)) fail("ENOENT");
      entries.set(name, node = empty());
    } else if (flags & O.O_EXCL) {
      fail("EEXIST");
    }
    if (flags & O.O_DIRECTORY && !node.entries) fail("ENOTDIR");
    if (flags & O.O_TRUNC) {
      if (!node.bytes) fail("EACCES");
      resize(node, 0);
    }
    open.set(nextFd, {node, at: 0, append: Boolean(flags & O.O_APPEND)});
    return nextFd++;
  }

  // called makes a function with a callback of one that returns or throws.
  const called = f => (...args) => {
    const done = args.pop();
    const failed = error => done(typeof error.code === "string" ? error : Object.assign(new Error(String(error)), {code: "EIO"}));
    let result;
    try {
      result = f(...args);
    } catch (error) {
      return failed(error);
    }
    if (result instanceof Promise) result.then(n => done(null, n), failed);
    else done(null, result);
  };
  const nothing = called(() => undefined);

  globalThis.fs = {
    constants: O,
    open: called(openFile),
    close: called(fd => {
      const f = open.get(fd);
      if (f && f.reader) f.reader.cancel();
      open.delete(fd);
    }),
    read: called(read),
    write: called(write),
    writeSync: (fd, buffer) => write(fd, buffer, 0, buffer.length, null),
    fstat: called(fd => stat((open.get(fd) || fail("EBADF")).node)),
    stat: called(path => stat(find(path))),
    lstat: called(path => stat(find(path))),
    readdir: called(path => [...(find(path).entries || fail("ENOTDIR")).keys()]),
    readlink: called(path => { find(path); fail("EINVAL"); }), // there are no links
    mkdir: called(path => {
      const [entries, name] = parent(path);
      if (name === undefined || entries.has(name)) fail("EEXIST");
      entries.set(name, directory());
    }),
    unlink: called(path => {
      const [entries, name] = parent(path);
      if (!entries.delete(name)) fail("ENOENT");
    }),
    rmdir: called(path => {
      const [entries, name] = parent(path);
      if (!entries.delete(name)) fail("ENOENT");
    }),
    rename: called((from, to) => {
      const [entries, name] = parent(from), [target, as] = parent(to);
      target.set(as, entries.get(name) || fail("ENOENT"));
      entries.delete(name);
    }),
    truncate: called((path, size) => resize(find(path), size)),
    ftruncate: called((fd, size) => resize(open.get(fd).node, size)),
    fsync: nothing, chmod: nothing, fchmod: nothing, utimes: nothing,
  };
  globalThis.process = {
    getuid: () => 0, getgid: () => 0, geteuid: () => 0, getegid: () => 0, getgroups: () => [], pid: 1, ppid: 0,
    umask: () => 0, cwd: () => "/", chdir: () => fail("ENOSYS"),
  };
  globalThis.path = {resolve: (...segments) => "/" + parts(segments.join("/")).join("/")};

  const content = node => node.bytes.slice(0, node.size);
  return {
    add(name, file) { root.entries.set(name, {inode: ++inode, file}); },
    stdout: () => new TextDecoder().decode(content(stdout)),
    stderr: () => new TextDecoder().decode(content(stderr)),
    written(name) {
      const node = root.entries.get(name);
      return node && node.bytes ? content(node) : null;
    },
  };
}
