package host

import (
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/tcptrace-go/tcptrace/fsm"
	"github.com/tcptrace-go/tcptrace/internal/result"
)

// A looker looks at the sockets of all network namespaces that it may enter. All its calls
// are made from one thread, which goes from one namespace to the other.
type looker struct {
	own    uint64            // the namespace in which it was started, by inode
	spaces map[uint64]*space // by inode
	refuse map[uint64]bool   // namespaces that it may not enter

	holders map[uint64][]holding // by inode of the socket
	nobody  map[uint64]uint8     // inodes whose processes were not found, and how often
	denied  int                  // processes whose descriptors it may not see
	scanned time.Time            // when it last looked through all descriptors
	scan    time.Duration        // how long that took

	rounds uint64
	seen   map[key]*entry
	latest map[pair]key // the newest socket of a four-tuple
}

// A space is a network namespace.
type space struct {
	diag  int // socket of sock_diag
	enter int // descriptor of the namespace; -1 for the own one
	addrs map[netip.Addr]bool
}

// A key is a socket. The kernel does not use a cookie twice.
type key struct{ space, cookie uint64 }

type pair struct{ local, foreign netip.AddrPort }

// An entry is what was last known of a socket.
type entry struct {
	pair   pair
	socket result.Socket
	round  uint64
}

const (
	maxSpaces  = 1 << 10
	maxEntries = 1 << 16
	keepGone   = 10 * time.Minute // sockets that do not exist any more
)

func newLooker() (*looker, error) {
	l := &looker{spaces: map[uint64]*space{}, refuse: map[uint64]bool{}, holders: map[uint64][]holding{}, nobody: map[uint64]uint8{}, seen: map[key]*entry{}, latest: map[pair]key{}}
	fd, err := openDiag()
	if err != nil {
		return nil, err
	}
	l.own = namespaceOf("/proc/thread-self/ns/net")
	l.spaces[l.own] = &space{diag: fd, enter: -1}
	l.refresh(time.Now())
	return l, nil
}

// namespaceOf is the inode that a link in /proc names: net:[4026531840].
func namespaceOf(link string) uint64 {
	text, err := os.Readlink(link)
	if err != nil {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(strings.TrimPrefix(text, "net:["), "]"), 10, 64)
	return n
}

// refresh looks at all sockets, so that it is known later who had those that are gone.
func (l *looker) refresh(now time.Time) {
	l.rounds++
	l.findSpaces()
	people := map[int64]*person{}
	for _, ns := range l.order() {
		sp := l.spaces[ns]
		l.refreshAddresses(sp)
		var all []diag
		_ = dump(sp.diag, func(d diag) {
			if d.socket.State != fsm.Listen {
				all = append(all, d)
			}
		})
		for i := range all {
			l.note(ns, &all[i], now, people, false)
		}
	}
	for k, s := range l.seen {
		if s.round != l.rounds && (now.UnixNano()-s.socket.Until > int64(keepGone) || len(l.seen) >= maxEntries) {
			if l.latest[s.pair] == k {
				delete(l.latest, s.pair)
			}
			delete(l.seen, k)
		}
	}
}

// note remembers a socket.
func (l *looker) note(ns uint64, d *diag, now time.Time, people map[int64]*person, answer bool) {
	k := key{ns, d.cookie}
	s := l.seen[k]
	if s == nil {
		if len(l.seen) >= maxEntries {
			return
		}
		s = &entry{pair: pair{d.local, d.foreign}, socket: result.Socket{UID: -1}}
		l.seen[k], l.latest[s.pair] = s, k
	}
	s.round = l.rounds
	before := s.socket
	s.socket = d.socket
	s.socket.At, s.socket.Until = now.UnixNano(), now.UnixNano()
	switch {
	case d.socket.Inode == 0: // closed by its process, or not accepted yet
		inherit(&s.socket, &before)
		s.socket.Former = len(s.socket.Processes) > 0
	case before.Inode == d.socket.Inode && len(before.Processes) > 0:
		inherit(&s.socket, &before)
	default:
		l.describe(&s.socket, people, answer)
	}
}

// inherit takes over who has a socket from what was known of it.
func inherit(s, before *result.Socket) {
	s.Processes, s.Cgroup, s.Unit = before.Processes, before.Cgroup, before.Unit
	if s.UID < 0 {
		s.UID, s.User = before.UID, before.User
	} else {
		s.User = before.User
	}
}

// describe adds the processes that have the socket. If none is known, it looks through all
// descriptors again: for an answer at once, else for a tenth of the time at most. It does that
// twice: a socket that is being accepted has an inode before a descriptor.
func (l *looker) describe(s *result.Socket, people map[int64]*person, answer bool) {
	s.User = userName(s.UID)
	failed := l.nobody[s.Inode]
	if l.whoHas(s, people) || failed >= 2 || !answer && time.Since(l.scanned) < 10*l.scan {
		return
	}
	l.look()
	if !l.whoHas(s, people) && len(l.nobody) < maxEntries {
		l.nobody[s.Inode] = failed + 1
	}
}

func (l *looker) whoHas(s *result.Socket, people map[int64]*person) (found bool) {
	for _, h := range l.holders[s.Inode] {
		if h.holds(s.Inode) {
			h.describe(s, people)
		}
	}
	return len(s.Processes) > 0
}

func (l *looker) look() {
	begun := time.Now()
	l.holders, l.denied = holdings()
	clear(l.nobody)
	l.scanned = time.Now()
	l.scan = l.scanned.Sub(begun)
}

// socket is what is known about one end of a connection.
func (l *looker) socket(q question, now time.Time) *result.Socket {
	var listener *diag
	for _, ns := range l.order() {
		sp := l.spaces[ns]
		if !sp.has(q.Local.Addr()) {
			continue
		}
		d, found, err := lookup(sp.diag, q.Local, q.Foreign)
		switch {
		case err != nil || !found:
		case d.socket.State == fsm.Listen && listener == nil:
			listener = &d
		case d.local == q.Local && d.foreign == q.Foreign:
			l.note(ns, &d, now, map[int64]*person{}, true)
			if s := l.seen[key{ns, d.cookie}]; s != nil {
				return &s.socket
			}
			return &d.socket
		}
	}
	if k, is := l.latest[pair{q.Local, q.Foreign}]; is {
		s := l.seen[k].socket
		s.Gone = true
		return &s
	}
	if listener == nil {
		return nil
	}
	s := listener.socket
	s.At, s.Until = now.UnixNano(), now.UnixNano()
	l.describe(&s, map[int64]*person{}, true)
	return &s
}

func (sp *space) has(a netip.Addr) bool { return a.IsLoopback() || sp.addrs[a] }

// order is the own namespace and then the others.
func (l *looker) order() []uint64 {
	others := slices.Sorted(maps.Keys(l.spaces))
	return slices.Concat([]uint64{l.own}, slices.DeleteFunc(others, func(ns uint64) bool { return ns == l.own }))
}

// findSpaces enters namespaces that are new, and leaves those without a process or a
// name: else they would stay because of the descriptors here.
func (l *looker) findSpaces() {
	exist := map[uint64]bool{l.own: true}
	find := func(link string, ns uint64) {
		if ns == 0 || exist[ns] {
			return
		}
		exist[ns] = true
		if l.spaces[ns] == nil && !l.refuse[ns] && len(l.spaces) < maxSpaces {
			if sp, err := l.enter(link); err == nil {
				l.spaces[ns] = sp
			} else {
				l.refuse[ns] = true
			}
		}
	}
	for _, name := range names("/proc") {
		if name[0] >= '1' && name[0] <= '9' {
			link := "/proc/" + name + "/ns/net"
			find(link, namespaceOf(link))
		}
	}
	for _, name := range names("/run/netns") { // of ip netns
		var st unix.Stat_t
		if unix.Stat("/run/netns/"+name, &st) == nil {
			find("/run/netns/"+name, st.Ino)
		}
	}
	for ns, sp := range l.spaces {
		if !exist[ns] {
			unix.Close(sp.diag)
			unix.Close(sp.enter)
			delete(l.spaces, ns)
		}
	}
	maps.DeleteFunc(l.refuse, func(ns uint64, _ bool) bool { return !exist[ns] })
}

// enter opens a socket in another namespace.
func (l *looker) enter(link string) (*space, error) {
	fd, err := unix.Open(link, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	sp := &space{enter: fd, diag: -1}
	if err = within(sp, func() { sp.diag, err = openDiag() }); err == nil && sp.diag >= 0 {
		return sp, nil
	}
	unix.Close(fd)
	return nil, fmt.Errorf("%s: cannot be entered", link)
}

// within calls f in a namespace.
func within(sp *space, f func()) error {
	if sp.enter >= 0 {
		home, err := unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(home)
		if err := unix.Setns(sp.enter, unix.CLONE_NEWNET); err != nil {
			return err
		}
		defer func() {
			if err := unix.Setns(home, unix.CLONE_NEWNET); err != nil {
				panic(err) // everything from here on would be about the wrong namespace
			}
		}()
	}
	f()
	return nil
}

func (l *looker) refreshAddresses(sp *space) {
	_ = within(sp, func() {
		list, err := net.InterfaceAddrs()
		if err != nil {
			return
		}
		sp.addrs = map[netip.Addr]bool{}
		for _, a := range list {
			if p, err := netip.ParsePrefix(a.String()); err == nil {
				sp.addrs[p.Addr().Unmap()] = true
			}
		}
	})
}

// limits are sentences about what could not be looked at.
func (l *looker) limits() (list []string) {
	if l.denied > 0 {
		list = append(list, "Processes of other users, and sockets in their network namespaces, could not be looked at: that needs root, or CAP_SYS_PTRACE and CAP_SYS_ADMIN.")
	}
	if n := len(l.refuse); n > 0 && l.denied == 0 {
		list = append(list, fmt.Sprintf("%d network namespaces, of containers for example, could not be looked into: that needs CAP_SYS_ADMIN.", n))
	}
	return list
}
