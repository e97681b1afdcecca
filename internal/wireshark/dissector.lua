
-- Nothing below depends on the capture.

-- A capture is recognised by its frames: a running hash of time and lengths of all
-- frames so far, and of the first bytes of a frame that has something to show. The
-- numbers stay below 2^53, so that Lua 5.1 to 5.4 calculate alike.
local modulus, factor = 4294967291, 65599
local ticks = 2 ^ 22 -- in a second: so exact is the time in a number
local most_content, blocks, block = 96, 64, 4096

local function mix(hash, value)
  return (hash * factor + value) % modulus
end

local function mix_bytes(hash, bytes)
  for i = 1, #bytes, 4 do
    local a, b, c, d = bytes:byte(i, i + 3)
    hash = mix(hash, ((a * 256 + (b or 0)) * 256 + (c or 0)) * 256 + (d or 0))
  end
  return hash
end

local function mix_content(hash, tvb)
  local length = math.min(most_content, tvb:len())
  return length > 0 and mix_bytes(hash, tvb:raw(0, length)) or hash
end

-- digest is a hash of a file, of its size and of blocks all over it; nil if it cannot
-- be read.
local function digest(name)
  local f = io.open(name, "rb")
  local size = f and f:seek("end")
  local hash = size and mix(0, size % modulus)
  if hash and size <= blocks * block then
    f:seek("set", 0)
    local bytes = f:read("*a")
    hash = bytes and mix_bytes(hash, bytes)
  elseif hash then
    for i = 0, blocks - 1 do
      local bytes = f:seek("set", math.floor(i * (size - block) / (blocks - 1))) and f:read(block)
      hash = hash and bytes and mix_bytes(hash, bytes)
    end
  end
  if f then f:close() end
  return hash
end

-- named are the digests of the files on the command line of tshark, which prints a frame
-- before it has seen the next. Nil if they are unknown: then the frames alone tell.
local function named()
  if gui_enabled() or not io then return nil end -- it may open any file later
  local f = io.open("/proc/self/cmdline", "rb")
  local line = f and f:read("*a")
  if f then f:close() end
  local digests, any = {}, false
  for word in (line or ""):gmatch("%Z+") do
    if word == "-" then return nil end
    for _, name in ipairs({ word, word:match("^%-%w*r(.+)$") or "", word:match("^%-%-[%w-]+=(.+)$") or "" }) do
      local hash = name:match("^lua_script:") == nil and name ~= "" and digest(name)
      if hash then digests[hash], any = true, true end
    end
  end
  return any and digests or nil
end

-- Lines are "FRAME HASH SHOWN".
for _, capture in ipairs(captures) do
  capture.hash, capture.shown = {}, {}
  for number, hash, shown in capture.lines:gmatch("(%d+) (%x+) ([^\n]*)\n") do
    number = tonumber(number)
    capture.hash[number], capture.shown[number] = tonumber(hash, 16), shown
  end
  capture.lines = nil
end

local found = {}
for line in findings:gmatch("([^\n]*)\n") do
  local detector, outcome, verdict, severity, flow, message = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
  found[#found + 1] = { detector = detector, outcome = outcome, verdict = verdict, severity = severity, flow = tonumber(flow), message = message }
end
findings = nil

local tcptrace = Proto("tcptrace", "Findings of tcptrace")
local field = {
  finding = ProtoField.string("tcptrace.finding", "Finding", base.UNICODE, "The detector, as in tcptrace --list"),
  outcome = ProtoField.string("tcptrace.outcome", "Outcome", base.UNICODE),
  verdict = ProtoField.string("tcptrace.verdict", "Verdict", base.UNICODE, "seen or undecided"),
  severity = ProtoField.string("tcptrace.severity", "Severity", base.UNICODE, "info, warning or critical"),
  role = ProtoField.string("tcptrace.role", "This frame", base.UNICODE, "What the frame proves"),
  flow = ProtoField.uint32("tcptrace.flow", "Connection", base.DEC, nil, nil, "Its number in tcptrace --flows"),
  message = ProtoField.string("tcptrace.message", "Message", base.UNICODE),
  client = ProtoField.string("tcptrace.state.client", "Client", base.UNICODE, "TCP state after the frame"),
  server = ProtoField.string("tcptrace.state.server", "Server", base.UNICODE, "TCP state after the frame"),
}
local expert_of = {
  critical = ProtoExpert.new("tcptrace.expert.critical", "tcptrace: critical finding", expert.group.SEQUENCE, expert.severity.ERROR),
  warning = ProtoExpert.new("tcptrace.expert.warning", "tcptrace: warning", expert.group.SEQUENCE, expert.severity.WARN),
  info = ProtoExpert.new("tcptrace.expert.info", "tcptrace: information", expert.group.SEQUENCE, expert.severity.NOTE),
  undecided = ProtoExpert.new("tcptrace.expert.undecided", "tcptrace: the capture cannot decide", expert.group.SEQUENCE, expert.severity.CHAT),
}
do
  local fields, experts = {}, {}
  for _, f in pairs(field) do fields[#fields + 1] = f end
  for _, e in pairs(expert_of) do experts[#experts + 1] = e end
  tcptrace.fields, tcptrace.experts = fields, experts
end

local last, running -- number of the last frame in order, and the hash so far
local candidates    -- the captures that have the same frames so far

function tcptrace.init()
  last, running, candidates = 0, 0, {}
  local files = named()
  for _, capture in ipairs(captures) do
    capture.same = 0 -- the last frame that is known to be the same
    capture.differs = files ~= nil and capture.digest ~= nil and not files[capture.digest]
    if not capture.differs then candidates[#candidates + 1] = capture end
  end
end

-- follow hashes the next frame. Frames come in order the first time, and then in any.
local function follow(tvb, pinfo)
  local number = pinfo.number
  if number ~= last + 1 then -- such as frames that a read filter left out
    for _, capture in ipairs(candidates) do capture.differs = true end
    candidates = {}
    return
  end
  last = number
  local time = pinfo.abs_ts -- a field such as frame.time_epoch has no value while Wireshark loads a file
  local secs = math.floor(time)
  running = mix(mix(running, secs % modulus), math.floor((time - secs) * ticks))
  running = mix(mix(running, pinfo.len), pinfo.caplen)
  local here
  for i = #candidates, 1, -1 do
    local capture = candidates[i]
    local hash = capture.hash[number]
    if hash then here = here or mix_content(running, tvb) end
    if number > capture.frames or hash and here ~= hash then
      capture.differs = true
      table.remove(candidates, i)
    elseif hash then
      capture.same = number
    end
  end
end

local function show_states(item, shown)
  for i, side in ipairs({ field.client, field.server }) do
    local letter = shown:sub(i, i)
    local name = state_names[letter:upper()]
    if name then
      local line = item:add(side, name):set_generated()
      if letter ~= letter:upper() then line:append_text(" (at most)") end
    end
  end
end

local function show_finding(item, finding, role)
  local line = item:add(field.finding, finding.detector):set_generated()
  line:append_text(" (" .. finding.outcome .. "): " .. role)
  line:add(field.role, role):set_generated()
  line:add(field.outcome, finding.outcome):set_generated()
  line:add(field.verdict, finding.verdict):set_generated()
  line:add(field.severity, finding.severity):set_generated()
  line:add(field.flow, finding.flow):set_generated()
  line:add(field.message, finding.message):set_generated()
  local kind = expert_of[finding.verdict] or expert_of[finding.severity]
  line:add_proto_expert_info(kind, finding.detector .. " (" .. finding.outcome .. "): " .. role)
end

function tcptrace.dissector(tvb, pinfo, tree)
  if not pinfo.visited then follow(tvb, pinfo) end
  local item
  for _, capture in ipairs(captures) do
    local shown = not capture.differs and pinfo.number <= capture.same and capture.shown[pinfo.number]
    if shown and shown ~= "--" then
      if not item then
        item = tree:add(tcptrace):set_generated()
        show_states(item, shown)
      end
      for id, role in shown:gmatch("\t(%d+) ([^\t]*)") do
        show_finding(item, found[tonumber(id)], role)
      end
    end
  end
end

register_postdissector(tcptrace)
