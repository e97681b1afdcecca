package host

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sockets"
	"github.com/tcptrace-go/tcptrace/reassembly"
)

// asProgram makes this test binary a program with sockets.
const asProgram = "TCPTRACE_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	switch {
	case slices.Equal(os.Args[1:], []string{Argument}):
		if err := Serve(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return
	case os.Getenv(asProgram) != "":
		if err := program(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		return
	}
	os.Exit(m.Run())
}

// A made socket is what the program says about one of its own.
type made struct {
	Local, Foreign netip.AddrPort
	FD             int
	State          fsm.State
}

// The address of the namespace of the program (TEST-NET-1, RFC 5737).
const address = "192.0.2.7"

// program makes sockets in all states that last, prints them, and closes one for each
// line that it reads.
func program() error {
	lo, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	addr, err := netlink.ParseAddr(address + "/32")
	if err != nil {
		return err
	}
	if err := netlink.AddrAdd(lo, addr); err != nil {
		return err
	}
	if err := netlink.LinkSetUp(lo); err != nil {
		return err
	}
	var all []made
	var files []*os.File
	keep := func(c *net.TCPConn, state fsm.State) {
		f, err := c.File() // a descriptor of its own, which c's does not close
		if err != nil {
			panic(err)
		}
		files = append(files, f)
		all = append(all, made{c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort(), int(f.Fd()), state})
		c.Close()
	}
	l, err := net.Listen("tcp4", address+":5000")
	if err != nil {
		return err
	}
	for i := range 180 { // 303 ends
		c, err := net.Dial("tcp4", l.Addr().String())
		if err != nil {
			return err
		}
		s, err := l.Accept()
		if err != nil {
			return err
		}
		client, server := c.(*net.TCPConn), s.(*net.TCPConn)
		if _, err := client.Write(make([]byte, i)); err != nil { // never read
			return err
		}
		switch i % 3 {
		case 0:
			keep(client, fsm.Established)
			keep(server, fsm.Established)
		case 1: // the client is closed for writing
			client.CloseWrite()
			keep(client, fsm.FinWait2)
			keep(server, fsm.CloseWait)
		case 2:
			client.CloseWrite()
			for server.SetReadDeadline(time.Now().Add(time.Minute)); ; {
				if _, err := server.Read(make([]byte, 100)); err != nil {
					break
				}
			}
			server.CloseWrite() // TIME_WAIT has no descriptor
			all = append(all, made{c.LocalAddr().(*net.TCPAddr).AddrPort(), c.RemoteAddr().(*net.TCPAddr).AddrPort(), -1, fsm.TimeWait})
			client.Close()
			server.Close()
		}
	}
	// A queue that is full: connections that are not accepted, and a SYN without an answer.
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	full := &unix.SockaddrInet4{Port: 5001, Addr: netip.MustParseAddr(address).As4()}
	if err := unix.Bind(fd, full); err != nil {
		return err
	}
	if err := unix.Listen(fd, 0); err != nil {
		return err
	}
	for _, state := range []fsm.State{fsm.Established, fsm.SynSent} {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
		if err != nil {
			return err
		}
		if err := unix.Connect(fd, full); err != nil && err != unix.EINPROGRESS {
			return err
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			return err
		}
		local := netip.AddrPortFrom(netip.MustParseAddr(address), uint16(name.(*unix.SockaddrInet4).Port))
		all = append(all, made{local, netip.AddrPortFrom(netip.MustParseAddr(address), 5001), fd, state})
		if state == fsm.Established {
			all = append(all, made{netip.AddrPortFrom(netip.MustParseAddr(address), 5001), local, -1, state})
		}
	}
	for _, m := range all { // until the ACK of each FIN has come
		for m.FD >= 0 && m.State != fsm.SynSent {
			if info, err := unix.GetsockoptTCPInfo(m.FD, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil || states[info.State] == m.State {
				break
			}
			time.Sleep(time.Millisecond)
		}
	}
	ss, err := exec.Command("ss", "-tanpeio").Output()
	if err != nil {
		ss = nil
	}
	if err := json.NewEncoder(os.Stdout).Encode(struct {
		Made []made
		SS   []byte
	}{all, ss}); err != nil {
		return err
	}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		files[0].Close()
		files = files[1:]
		fmt.Println("closed")
	}
	return nil
}

// started runs the program in a network namespace of its own.
func started(t *testing.T) (c *exec.Cmd, all []made, ss []byte, closeOne func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root may make network namespaces")
	}
	c = exec.Command("/proc/self/exe")
	c.Env = append(os.Environ(), asProgram+"=1")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNET}
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Skipf("skipped: this system does not allow network namespaces: %v", err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	lines := bufio.NewReader(out)
	var says struct {
		Made []made
		SS   []byte
	}
	line, err := lines.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &says)
	}
	if err != nil {
		t.Fatal(err)
	}
	return c, says.Made, says.SS, func() {
		if _, err := io.WriteString(in, "close\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := lines.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
}

func helper(t *testing.T) *Helper {
	t.Helper()
	h, err := Start("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func (m *made) ask(t *testing.T, h *Helper) *result.Socket {
	t.Helper()
	s, _, err := h.Socket(reassembly.EndpointFrom(m.Local), reassembly.EndpointFrom(m.Foreign))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestHelper_allStates: sockets in another namespace, in all states that last, are those
// that the program says it has, and those that ss prints.
func TestHelper_allStates(t *testing.T) {
	c, all, ss, _ := started(t)
	h := helper(t)
	if len(h.Limits) > 0 {
		t.Errorf("root is told %q", h.Limits)
	}
	r := &result.Report{}
	for i := range all {
		m := &all[i]
		r.Flows = append(r.Flows, result.Flow{Conn: uint64(i), End: [2]reassembly.Endpoint{reassembly.EndpointFrom(m.Local), reassembly.EndpointFrom(m.Foreign)}})
	}
	if ss != nil {
		log, err := sockets.Parse(bytes.NewReader(ss), sockets.Options{})
		if err != nil {
			t.Fatal(err)
		}
		sockets.NewJoin(r, []*sockets.Log{log}).Close()
	}
	count := map[fsm.State]int{}
	for i := range all {
		m := &all[i]
		s := m.ask(t, h)
		if s == nil || s.State != m.State || s.Gone || s.Former {
			t.Errorf("%v: %+v", m, s)
			continue
		}
		count[s.State]++
		if m.FD < 0 && len(s.Processes) != 0 || m.FD >= 0 && (len(s.Processes) != 1 || s.Processes[0].FD != int64(m.FD) || s.Processes[0].PID != int64(c.Process.Pid)) {
			t.Errorf("%v: processes %+v", m, s.Processes)
		}
		if m.FD >= 0 {
			self, _ := os.Executable()
			if p := s.Processes[0]; p.Command != self || !strings.HasPrefix(filepath.Base(self), p.Name) && p.Name != "exe" || s.User != "root" {
				t.Errorf("%v: process %+v of %q, want %s of root", m, p, s.User, self)
			}
		}
		if ss == nil {
			continue
		}
		i := slices.IndexFunc(r.Flows[i].Sockets, func(x result.Socket) bool { return x.Side == reassembly.A })
		if i < 0 {
			t.Errorf("%v: not in ss", m)
			continue
		}
		x := r.Flows[slices.Index(all, *m)].Sockets[i]
		if x.State != s.State || x.Recv != s.Recv || x.Send != s.Send || x.Inode != s.Inode || x.UID != s.UID || len(x.Processes) != len(s.Processes) {
			t.Errorf("the helper says %+v\nss says %+v", s, x)
		}
	}
	if ss == nil {
		t.Log("there is no ss here: it was not compared")
	}
	t.Log(count)
}

// TestHelper_gone: who had a socket is known after it was closed, and after the process has
// ended.
func TestHelper_gone(t *testing.T) {
	c, all, _, closeOne := started(t)
	h := helper(t)
	first, pid := &all[0], int64(c.Process.Pid) // ESTABLISHED, with nothing to read
	if s := first.ask(t, h); s == nil || len(s.Processes) != 1 {
		t.Fatalf("%+v", s)
	}
	closeOne()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // until the kernel shows it
		s := first.ask(t, h)
		if s != nil && (s.State == fsm.FinWait2 || s.State == fsm.FinWait1) && s.Former && s.Processes[0].PID == pid && !s.Gone {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after it was closed: %+v", s)
		}
	}
	c.Process.Kill()
	c.Process.Wait()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) { // until the kernel has taken the namespace apart
		s := first.ask(t, h)
		if s != nil && (s.Gone || s.Former) && s.Processes[0].PID == pid {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after the process has ended: %+v", s)
		}
	}
}

// TestHelper_noRight: without the right to see the processes of others, all but those is
// known, and a sentence says what is missing.
func TestHelper_noRight(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("skipped: only root can be somebody else")
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	conn, err := net.Dial("tcp4", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	copied := filepath.Join(t.TempDir(), "helper") // where nobody may read it
	self, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(copied, self, 0o755); err != nil {
		t.Fatal(err)
	}
	for dir := filepath.Dir(copied); dir != os.TempDir() && dir != "/"; dir = filepath.Dir(dir) {
		os.Chmod(dir, 0o755)
	}
	command := exec.Command(copied, Argument)
	command.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}
	h, err := start(command)
	if err != nil {
		t.Skipf("skipped: nobody cannot run %s: %v", copied, err)
	}
	defer h.Close()
	m := made{Local: conn.LocalAddr().(*net.TCPAddr).AddrPort(), Foreign: conn.RemoteAddr().(*net.TCPAddr).AddrPort()}
	s := m.ask(t, h)
	if s == nil || s.State != fsm.Established || s.Inode == 0 || len(s.Processes) != 0 || s.UID != 0 {
		t.Errorf("%+v", s)
	}
	if len(h.Limits) != 1 || !strings.Contains(h.Limits[0], "CAP_SYS_PTRACE") {
		t.Errorf("limits %q", h.Limits)
	}
}

// TestHelper_notOurs: nothing is known about an address of another machine, though a socket
// here accepts connections at that port of any address.
func TestHelper_notOurs(t *testing.T) {
	l, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	port := l.Addr().(*net.TCPAddr).AddrPort().Port()
	h := helper(t)
	elsewhere := made{Local: netip.AddrPortFrom(netip.MustParseAddr("203.0.113.9"), port), Foreign: netip.MustParseAddrPort("127.0.0.1:9")}
	if s := elsewhere.ask(t, h); s != nil {
		t.Errorf("%+v", s)
	}
	here := made{Local: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port), Foreign: netip.MustParseAddrPort("127.0.0.1:9")}
	if s := here.ask(t, h); s == nil || s.State != fsm.Listen || len(s.Processes) != 1 || s.Processes[0].PID != int64(os.Getpid()) {
		t.Errorf("%+v", s)
	}
}

// TestHolds: a number of a process, or of a descriptor, may be another's by now.
func TestHolds(t *testing.T) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	var st unix.Stat_t
	if err := unix.Fstat(fd, &st); err != nil {
		t.Fatal(err)
	}
	h := holding{int64(os.Getpid()), int64(fd)}
	if !h.holds(st.Ino) || h.holds(st.Ino+1) || (holding{h.pid, h.fd + 1000}).holds(st.Ino) {
		t.Error("holds is wrong")
	}
	s := result.Socket{Inode: st.Ino + 1}
	if h.describe(&s, map[int64]*person{}); len(s.Processes) != 0 {
		t.Errorf("a process that has another socket there: %+v", s)
	}
}

// TestServe_rejects: what is no question ends the helper.
func TestServe_rejects(t *testing.T) {
	for _, text := range []string{"x\n", "{}\n", `{"Local":"10.0.0.1:1","Foreign":"[::1]:2"}` + "\n", strings.Repeat(" ", maxQuestion) + "{}\n"} {
		failed := make(chan error, 1)
		if read(strings.NewReader(text), make(chan question), failed); <-failed == nil {
			t.Errorf("%.20q is accepted", text)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(make([]byte, messageSize))
	f.Add([]byte{2, 1, 1, 0})
	f.Fuzz(func(t *testing.T, m []byte) {
		if d, ok := parse(m); ok && (len(m) < messageSize || !d.local.IsValid()) {
			t.Errorf("%v", d)
		}
	})
}
