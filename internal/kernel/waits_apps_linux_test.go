package kernel

import (
	"errors"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// An interval is from one time to another, in nanoseconds since 1970.
type interval struct{ from, to int64 }

// A party is one side of a case: its application, and what its kernel says at the end.
type party struct {
	file  *os.File
	fd    int
	slept []interval // before it sent something, by its own clock
	info  *unix.TCPInfo
}

// newParty gives the socket to an application.
func newParty(s *socket) *party {
	s.open = false // the file owns it
	a := &party{file: os.NewFile(uintptr(s.fd), s.h.name), fd: s.fd}
	must(s.h.t, a.file.SetDeadline(time.Now().Add(2*time.Minute)))
	return a
}

func (a *party) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	from := time.Now().UnixNano()
	time.Sleep(d)
	a.slept = append(a.slept, interval{from, time.Now().UnixNano()})
}

// write sends the content.
func (a *party) write(c *content) error {
	data := make([]byte, c.bytes)
	for len(data) > 0 {
		n := len(data)
		if c.chunk > 0 {
			n = min(n, c.chunk)
		}
		if _, err := a.file.Write(data[:n]); err != nil {
			return err
		}
		if data = data[n:]; len(data) > 0 {
			a.sleep(c.gap)
		}
	}
	return nil
}

// read receives the content, no faster than its reader.
func (a *party) read(c *content) error {
	buf := make([]byte, 8192)
	began := time.Now()
	for got := 0; got < c.bytes; {
		n, err := a.file.Read(buf[:min(len(buf), c.bytes-got)])
		if err != nil {
			return err
		}
		got += n
		if c.reader > 0 {
			time.Sleep(time.Until(began.Add(time.Duration(float64(got) / c.reader * 1e9))))
		}
	}
	return nil
}

// ask is the client's application.
func (a *party) ask(c *waitCase) error {
	for i := range c.exchanges {
		if c.pause != nil {
			a.sleep(c.pause[i])
		}
		if err := errors.Join(a.write(&c.up), a.read(&c.down)); err != nil {
			return err
		}
	}
	return a.end()
}

// answer is the server's.
func (a *party) answer(c *waitCase) error {
	for i := range c.exchanges {
		if err := a.read(&c.up); err != nil {
			return err
		}
		if c.think != nil {
			a.sleep(c.think[i])
		}
		if err := a.write(&c.down); err != nil {
			return err
		}
	}
	return a.end()
}

// end asks the kernel where the time went when all has arrived, sends FIN and awaits that of the peer.
func (a *party) end() error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		if n, err := unix.IoctlGetInt(a.fd, unix.SIOCOUTQ); n == 0 || err != nil {
			break
		}
	}
	var err error
	if a.info, err = unix.GetsockoptTCPInfo(a.fd, unix.IPPROTO_TCP, unix.TCP_INFO); err != nil {
		return err
	}
	if err := unix.Shutdown(a.fd, unix.SHUT_WR); err != nil {
		return err
	}
	if n, err := a.file.Read(make([]byte, 1)); n > 0 || err != io.EOF {
		return errors.New("no end of stream")
	}
	return nil
}
