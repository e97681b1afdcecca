package host

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/tcptrace-go/tcptrace/internal/sandbox"
)

// detach keeps ^C of the terminal from a process: the closing report asks, too.
func detach(c *exec.Cmd) { c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

const (
	refreshEvery = time.Second
	// refreshShare bounds the cost of refreshing, on hosts with very many sockets.
	refreshShare = 20
	maxQuestion  = 1 << 12
	collectEvery = 100 * time.Millisecond // what the kernel reports, before the ring is full
)

// Serve answers questions from r on w until r ends. Before the first one it gives up all
// rights that it does not need.
func Serve(r io.Reader, w io.Writer) error {
	runtime.LockOSThread() // it goes from namespace to namespace
	events := openKernelEvents()
	sandbox.EnterHelper()
	l, err := newLooker()
	if err != nil {
		return err
	}
	if l.scanned.IsZero() { // no socket yet
		l.look()
	}
	enc := json.NewEncoder(w)
	if err := enc.Encode(answer{Limits: events.limits(l.limits())}); err != nil {
		return err
	}
	questions, failed := make(chan question), make(chan error, 1)
	go read(r, questions, failed)
	next := time.NewTimer(refreshEvery)
	collect := time.NewTicker(collectEvery)
	for {
		select {
		case q := <-questions:
			if err := enc.Encode(answer{l.socket(q, time.Now()), events.of(q), events.limits(l.limits())}); err != nil {
				return err
			}
		case <-next.C:
			begun := time.Now()
			l.refresh(begun)
			next.Reset(max(refreshEvery, refreshShare*time.Since(begun)))
		case <-collect.C:
			events.collect()
		case err := <-failed:
			return err
		}
	}
}

// read reads questions, a line each.
func read(r io.Reader, questions chan<- question, failed chan<- error) {
	s := bufio.NewScanner(r)
	s.Buffer(make([]byte, maxQuestion), maxQuestion)
	for s.Scan() {
		var q question
		if err := json.Unmarshal(s.Bytes(), &q); err != nil || !q.Local.IsValid() || !q.Foreign.IsValid() || q.Local.Addr().Is4() != q.Foreign.Addr().Is4() {
			failed <- errors.New("not a question")
			return
		}
		questions <- q
	}
	failed <- s.Err()
}
