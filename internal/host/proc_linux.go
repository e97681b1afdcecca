package host

import (
	"os"
	"os/user"
	"strconv"
	"strings"

	"github.com/tcptrace-go/tcptrace/internal/result"
	"github.com/tcptrace-go/tcptrace/internal/sockets"
)

// A holding is a process that has a socket at a descriptor.
type holding struct{ pid, fd int64 }

// maxHolders bounds the processes of one socket: a server that forks shares its sockets
// with all its children.
const maxHolders = 16

// holdings looks through all descriptors that this process may see. denied counts the
// processes of which it may not.
func holdings() (all map[uint64][]holding, denied int) {
	all = map[uint64][]holding{}
	for _, name := range names("/proc") {
		pid, err := strconv.ParseInt(name, 10, 64)
		if err != nil {
			continue
		}
		dir := "/proc/" + name + "/fd/"
		fds, err := os.Open(dir)
		if os.IsPermission(err) {
			denied++
		}
		if err != nil { // or it is gone
			continue
		}
		list, _ := fds.Readdirnames(-1)
		fds.Close()
		for _, fd := range list {
			inode := inodeOf(dir + fd)
			if inode == 0 || len(all[inode]) == maxHolders {
				continue
			}
			n, _ := strconv.ParseInt(fd, 10, 64)
			all[inode] = append(all[inode], holding{pid, n})
		}
	}
	return all, denied
}

func names(dir string) []string {
	d, err := os.Open(dir)
	if err != nil {
		return nil
	}
	defer d.Close()
	list, _ := d.Readdirnames(-1)
	return list
}

// inodeOf is the number of the socket that a descriptor in /proc names, or 0.
func inodeOf(fd string) uint64 {
	text, err := os.Readlink(fd)
	if err != nil {
		return 0
	}
	digits, is := strings.CutPrefix(text, "socket:[")
	if !is {
		return 0
	}
	n, _ := strconv.ParseUint(strings.TrimSuffix(digits, "]"), 10, 64)
	return n
}

// holds reports whether the process still has the socket: its number may be another's by
// now.
func (h holding) holds(inode uint64) bool {
	return inodeOf("/proc/"+strconv.FormatInt(h.pid, 10)+"/fd/"+strconv.FormatInt(h.fd, 10)) == inode
}

// A person is what is known about a process, for a short time.
type person struct{ comm, exe, cgroup string }

// describe adds the process to a socket that it has. What is read of it counts only if it
// still has the socket afterwards.
func (h holding) describe(s *result.Socket, people map[int64]*person) {
	p := people[h.pid]
	if p == nil {
		dir := "/proc/" + strconv.FormatInt(h.pid, 10)
		comm, _ := os.ReadFile(dir + "/comm")
		exe, _ := os.Readlink(dir + "/exe")
		groups, _ := os.ReadFile(dir + "/cgroup")
		p = &person{strings.TrimSuffix(string(comm), "\n"), exe, cgroup(string(groups))}
		people[h.pid] = p
	}
	if !h.holds(s.Inode) {
		return
	}
	s.Processes = append(s.Processes, result.Process{Name: p.comm, PID: h.pid, FD: h.fd, Command: p.exe})
	if s.Cgroup == "" {
		s.Cgroup = p.cgroup
		s.Unit = sockets.UnitOf(s.Cgroup)
	}
}

// cgroup is the path in the unified hierarchy, or else that which systemd uses
// (cgroups(7)).
func cgroup(text string) (path string) {
	for _, line := range strings.Split(text, "\n") {
		if p, is := strings.CutPrefix(line, "0::"); is && p != "/" {
			return p
		}
		if _, p, is := strings.Cut(line, ":name=systemd:"); is {
			path = p
		}
	}
	return path
}

func userName(uid int64) string {
	if uid < 0 {
		return ""
	}
	u, err := user.LookupId(strconv.FormatInt(uid, 10))
	if err != nil {
		return ""
	}
	return u.Username
}
