package textcap

import "strings"

// tshark -T json, ek and pdml print the fields of a packet by name, over many
// lines or in one. They are read field by field, without the structure around
// them, so that an excerpt, a quotation and a file of any length are read alike.

// startsFields recognises where the fields of a packet begin, and returns what
// printed them.
func startsFields(line string) (printer string) {
	s := strings.TrimLeft(line, " \t,[")
	switch {
	case strings.HasPrefix(s, "<packet>"), s == "<packet":
		return "pdml"
	case strings.HasPrefix(s, `"_source"`):
		return "json"
	case strings.HasPrefix(s, `{"timestamp"`):
		return "ek"
	case strings.HasPrefix(s, `{"_index"`) && strings.Contains(s, `"_source"`): // json without line breaks
		return "json"
	}
	return ""
}

// fields adds the fields of a line to a packet.
func (p *printed) fields(line string) {
	if p.values == nil {
		p.values = map[string]string{}
	}
	if strings.Contains(line, "<field ") || strings.Contains(line, "<proto ") {
		p.pdmlFields(line)
		return
	}
	p.jsonFields(line)
}

// jsonFields reads "name": "value" pairs. A value in an array belongs to the name
// before it.
func (p *printed) jsonFields(line string) {
	rest := line
	for {
		s, after, ok := cutString(rest)
		if !ok {
			return
		}
		trimmed := strings.TrimLeft(after, " \t")
		if !strings.HasPrefix(trimmed, ":") {
			if p.name != "" { // a value alone: of an array
				p.set(p.name, s)
			}
			rest = after
			continue
		}
		p.name = s
		rest = strings.TrimLeft(trimmed[1:], " \t[")
		if strings.HasPrefix(rest, `"`) {
			var value string
			if value, rest, ok = cutString(rest); !ok {
				return
			}
			p.set(s, value)
		} else if strings.HasPrefix(rest, "{") {
			p.layer(s)
		}
	}
}

// cutString cuts off a JSON string, which may be anywhere in s. What is escaped in
// it matters to no field that is read.
func cutString(s string) (value, rest string, ok bool) {
	i := strings.IndexByte(s, '"')
	if i < 0 {
		return "", "", false
	}
	s = s[i+1:]
	for j := 0; j < len(s); j++ {
		switch s[j] {
		case '\\':
			j++
		case '"':
			return s[:j], s[j+1:], true
		}
	}
	return "", "", false
}

// pdmlFields reads the elements of a line.
func (p *printed) pdmlFields(line string) {
	for {
		i := strings.Index(line, "<field ")
		j := strings.Index(line, "<proto ")
		if i < 0 && j < 0 {
			return
		}
		if i < 0 || j >= 0 && j < i {
			i = j
		}
		end := strings.IndexByte(line[i:], '>')
		if end < 0 {
			end = len(line) - i
		}
		tag := line[i : i+end]
		line = line[i+end:]
		name := attribute(tag, ` name="`)
		if strings.HasPrefix(tag, "<proto") {
			p.layer(name)
		} else {
			p.set(name, attribute(tag, ` show="`))
		}
	}
}

func attribute(tag, mark string) string {
	_, rest, _ := strings.Cut(tag, mark)
	value, _, _ := strings.Cut(rest, `"`)
	return value
}

// layer notes that a protocol begins. Of IP in IP the innermost counts, but what
// an ICMP error quotes does not.
func (p *printed) layer(name string) {
	switch name {
	case "ip", "ipv6":
		if p.values["layer"] != "quote" && p.values["tcp.srcport"] == "" {
			for _, n := range innerFields {
				delete(p.values, n)
			}
		}
	case "icmp", "icmpv6":
		p.values["layer"] = "quote"
	}
}

// innerFields are those of an IP header, of which a tunnel has several.
var innerFields = []string{"ip.src", "ip.dst", "ip.id", "ip.ttl", "ip.flags", "ip.frag_offset", "ip.len", "ipv6.src", "ipv6.dst", "ipv6.hlim", "ipv6.plen"}

// set keeps the first value of a field. The names of -T ek repeat the protocol,
// with underscores: ip_ip_src.
func (p *printed) set(name, value string) {
	if ek, ok := ekNames[name]; ok {
		name = ek
	}
	if !wanted[name] {
		return
	}
	if p.values["layer"] == "quote" && !strings.HasPrefix(name, "icmp") {
		name = "quote." + name
	}
	if _, known := p.values[name]; !known || name == "vlan.id" {
		if name == "vlan.id" {
			value = strings.TrimLeft(p.values[name]+" "+value, " ")
		}
		if len(value) < 1<<10 {
			p.values[name] = strings.Clone(value)
		}
	}
}

var wanted = map[string]bool{}
var ekNames = map[string]string{}

func init() {
	names := append([]string{
		"frame.number", "frame.time_epoch", "frame.time_relative", "frame.len", "frame.cap_len", "tcp.hdr_len", "frame.protocols", "eth.src", "eth.dst", "vlan.id", "tcp.srcport", "tcp.dstport",
		"tcp.len", "tcp.seq", "tcp.seq_raw", "tcp.ack", "tcp.ack_raw", "tcp.flags", "tcp.window_size_value", "tcp.window_size", "tcp.options", "icmp.type", "icmp.code", "icmp.mtu",
		"icmpv6.type", "icmpv6.code", "icmpv6.mtu",
	}, innerFields...)
	for _, n := range names {
		wanted[n] = true
		proto, _, _ := strings.Cut(n, ".")
		ekNames[proto+"_"+strings.ReplaceAll(n, ".", "_")] = n
	}
}
