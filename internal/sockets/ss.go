package sockets

import (
	"errors"
	"math"
	"net/netip"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// stateOf are the names of ss (sstate_name in iproute2's misc/ss.c).
var stateOf = map[string]fsm.State{
	"ESTAB": fsm.Established, "SYN-SENT": fsm.SynSent, "SYN-RECV": fsm.SynReceived, "FIN-WAIT-1": fsm.FinWait1, "FIN-WAIT-2": fsm.FinWait2,
	"TIME-WAIT": fsm.TimeWait, "UNCONN": fsm.Closed, "CLOSE-WAIT": fsm.CloseWait, "LAST-ACK": fsm.LastAck, "LISTEN": fsm.Listen, "CLOSING": fsm.Closing,
}

// socket reads a line behind its state: Recv-Q, Send-Q, both ends, and details.
func (p *parser) socket(state fsm.State, rest string) (err error) {
	var fields [4]string
	for i := range fields {
		fields[i], rest, _ = strings.Cut(strings.TrimLeft(rest, " "), " ")
	}
	s := result.Socket{State: state, UID: -1}
	var t tuple
	if s.Recv, err = strconv.ParseUint(fields[0], 10, 64); err != nil {
		return errors.New("Recv-Q is not a number")
	}
	if s.Send, err = strconv.ParseUint(fields[1], 10, 64); err != nil {
		return errors.New("Send-Q is not a number")
	}
	if t.local, err = parseEndpoint(fields[2]); err != nil {
		return err
	}
	if t.foreign, err = parseEndpoint(fields[3]); err != nil {
		return err
	}
	if rest, err = parseUsers(rest, &s); err != nil {
		return err
	}
	if err := parseDetails(rest, &s); err != nil {
		return err
	}
	if s.UID == -1 && s.Inode != 0 {
		s.UID = 0 // ss prints the users of all sockets but root's
	}
	if p.hidden != nil {
		p.hidden.Socket(&s)
	}
	if p.o.Endpoint != nil {
		if t.local.Addr != (reassembly.Endpoint{}).Addr {
			t.local = p.o.Endpoint(t.local)
		}
		t.foreign = p.o.Endpoint(t.foreign)
	}
	p.add(t, s)
	return nil
}

var errEndpoint = errors.New("not ADDRESS:PORT in numbers: was ss run with -n?")

// parseEndpoint reads 10.0.0.1:80, [::1]:80, [::ffff:10.0.0.1]:80, 127.0.0.53%lo:53,
// [fe80::1]%eth0:80, *:80 and 0.0.0.0:*; older versions leave out the brackets.
// Every wildcard address is the zero address.
func parseEndpoint(s string) (e reassembly.Endpoint, err error) {
	colon := strings.LastIndexByte(s, ':')
	if colon < 0 {
		return e, errEndpoint
	}
	host, port := s[:colon], s[colon+1:]
	host, _, _ = strings.Cut(host, "%")
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	var n uint64
	if port != "*" {
		if n, err = strconv.ParseUint(port, 10, 16); err != nil {
			return e, errEndpoint
		}
	}
	e.Port = uint16(n)
	if host == "*" {
		return e, nil
	}
	addr, err := netip.ParseAddr(host)
	if err != nil {
		return e, errEndpoint
	}
	if !addr.IsUnspecified() {
		e = reassembly.EndpointFrom(netip.AddrPortFrom(addr, e.Port))
	}
	return e, nil
}

var errUsers = errors.New(`users: is not (("NAME",pid=N,fd=N),...)`)

// maxProcesses bounds those of one socket that are remembered: a server that forks
// shares its sockets with all its children.
const maxProcesses = 16

// parseUsers reads users:(("java",pid=812,fd=97),...) if it comes next. A name may have
// any character in it.
func parseUsers(s string, into *result.Socket) (rest string, err error) {
	s = strings.TrimLeft(s, " ")
	list, is := strings.CutPrefix(s, "users:(")
	if !is {
		return s, nil
	}
	for {
		var u result.Process
		var ok bool
		if list, ok = strings.CutPrefix(list, `("`); !ok {
			return "", errUsers
		}
		end := strings.Index(list, `",`)
		for end >= 0 && !isProcess(list[end+2:]) { // a name with these characters in it
			more := strings.Index(list[end+2:], `",`)
			if more < 0 {
				return "", errUsers
			}
			end += 2 + more
		}
		if end < 0 {
			return "", errUsers
		}
		u.Name, list = list[:end], list[end+2:]
		var numbers string
		if numbers, list, ok = strings.Cut(list, ")"); !ok {
			return "", errUsers
		}
		pid, fd, _ := strings.Cut(numbers, ",")
		if u.PID, err = number(strings.TrimPrefix(pid, "pid=")); err != nil {
			return "", errUsers
		}
		if u.FD, err = number(strings.TrimPrefix(fd, "fd=")); err != nil {
			return "", errUsers
		}
		if len(into.Processes) < maxProcesses {
			into.Processes = append(into.Processes, u)
		}
		if list, ok = strings.CutPrefix(list, ","); ok {
			continue
		}
		if list, ok = strings.CutPrefix(list, ")"); !ok {
			return "", errUsers
		}
		return list, nil
	}
}

// isProcess reports whether s goes on with the numbers behind a name, pid=812 or, of
// versions before 2015, 812.
func isProcess(s string) bool {
	s = strings.TrimPrefix(s, "pid=")
	return s != "" && '0' <= s[0] && s[0] <= '9'
}

func number(s string) (int64, error) {
	n, err := strconv.ParseUint(s, 10, 63)
	return int64(n), err
}

// parseDetails reads what -e and -o add. Anything else is left alone: there is more in
// every version.
func parseDetails(s string, into *result.Socket) (err error) {
	s, into.Cgroup = cutCgroup(s)
	into.Unit = UnitOf(into.Cgroup)
	for _, word := range strings.Fields(s) {
		name, value, _ := strings.Cut(word, ":")
		switch name {
		case "timer":
			timer := strings.Split(strings.Trim(value, "()"), ",")
			into.Timer = timer[0]
			if n, err := strconv.ParseUint(timer[len(timer)-1], 10, 32); err == nil {
				into.Retries = n
			}
		case "uid":
			n, err := strconv.ParseUint(value, 10, 32)
			if err != nil {
				return errors.New("uid: is not a number")
			}
			into.UID = int64(n)
		case "ino":
			if into.Inode, err = strconv.ParseUint(value, 10, 64); err != nil {
				return errors.New("ino: is not a number")
			}
		}
	}
	return nil
}

// cutCgroup takes the path of cgroup: out of the details. It may have blanks in it; what
// follows is one of a few words.
func cutCgroup(s string) (rest, path string) {
	before, after, is := strings.Cut(s, "cgroup:")
	if !is {
		return s, ""
	}
	end := len(after)
	for _, next := range []string{" <->", " -->", " <--", " ---", " v6only:", " fwmark:"} {
		if i := strings.Index(after, next); i >= 0 {
			end = min(end, i)
		}
	}
	return before + after[end:], strings.TrimSpace(after[:end])
}

// unbounded is the end of the last record.
const unbounded = math.MaxInt64
