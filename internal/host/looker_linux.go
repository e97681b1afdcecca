package host

import (
	"fmt"
	"net/netip"
	"time"

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
		nobodys := d.socket.Inode == 0 // in TIME_WAIT, say: of these, a busy machine has more than there is room for
		switch n := len(l.seen); {
		case answer && n >= maxEntries:
			l.forgetAny()
		case n >= maxEntries, nobodys && !answer && n >= maxEntries/2:
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

// forgetAny makes room for a socket that a finding is about.
func (l *looker) forgetAny() {
	for k, s := range l.seen {
		if l.latest[s.pair] == k {
			delete(l.latest, s.pair)
		}
		delete(l.seen, k)
		return
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
