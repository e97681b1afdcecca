package host

import (
	"net"
	"net/netip"
	"os"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// TestLooker_crowd: of a machine with more sockets than there is room for, those that findings
// ask about have their processes all the same, and those without a process leave room for others.
func TestLooker_crowd(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	raw, err := listener.(*net.TCPListener).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var st unix.Stat_t
	if err1 := raw.Control(func(fd uintptr) { err = unix.Fstat(int(fd), &st) }); err1 != nil || err != nil {
		t.Fatal(err1, err)
	}

	l := &looker{holders: map[uint64][]holding{}, nobody: map[uint64]uint8{}, seen: map[key]*entry{}, latest: map[pair]key{}}
	crowd := func(state fsm.State, inode uint64) {
		for i := range uint64(maxEntries) {
			d := diag{
				local: netip.MustParseAddrPort("192.0.2.1:80"), foreign: netip.AddrPortFrom(netip.AddrFrom4([4]byte{192, 0, byte(i >> 8), byte(i)}), uint16(i)),
				cookie: uint64(inode)*maxEntries + i, socket: result.Socket{State: state, Inode: inode},
			}
			l.nobody[inode] = 2 // known to nobody
			l.note(1, &d, time.Now(), map[int64]*person{}, false)
		}
	}
	crowd(fsm.TimeWait, 0)
	if n := len(l.seen); n != maxEntries/2 {
		t.Errorf("%d sockets without a process are remembered, want half of %d", n, maxEntries)
	}
	crowd(fsm.Established, st.Ino+1_000_000)
	if n := len(l.seen); n != maxEntries {
		t.Errorf("%d sockets are remembered, want %d", n, maxEntries)
	}
	asked := diag{
		local: netip.MustParseAddrPort("192.0.2.1:80"), foreign: netip.MustParseAddrPort("198.51.100.1:4000"),
		cookie: 1 << 60, socket: result.Socket{State: fsm.CloseWait, Inode: st.Ino},
	}
	l.note(1, &asked, time.Now(), map[int64]*person{}, true)
	s := l.seen[key{1, asked.cookie}]
	if s == nil || len(s.socket.Processes) != 1 || s.socket.Processes[0].PID != int64(os.Getpid()) || s.socket.At == 0 {
		t.Errorf("of a socket that is asked about, there is %+v", s)
	}
	if n := len(l.seen); n != maxEntries || len(l.latest) > n {
		t.Errorf("%d sockets are remembered, want %d; %d pairs", n, maxEntries, len(l.latest))
	}
}
