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

	"golang.org/x/sys/unix"
)

// A space is a network namespace.
type space struct {
	diag  int // socket of sock_diag
	enter int // descriptor of the namespace; -1 for the own one
	addrs map[netip.Addr]bool
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
