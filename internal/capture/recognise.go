package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

var errEmpty = errors.New("is empty")

// recognise finds out the format by the first bytes.
func (f *File) recognise(s *stream, opts *Options) (err error) {
	enough := s.has(pcapFileHeader)
	head := s.buf[s.off:s.end]
	switch {
	case !enough && s.err != io.EOF:
		return s.finish()
	case len(head) == 0:
		return errEmpty
	case isPcap(head):
		f.info.Format = "pcap"
		p, err := newPcap(s, &f.info)
		if err != nil {
			return err
		}
		f.info.carries(p.link)
		f.records = p
		return nil
	case isPcapng(head):
		f.info.Format = "pcapng"
		f.records, err = newPcapng(s, &f.info, &f.clock)
		return err
	}
	return f.text(s, opts)
}

func isPcap(head []byte) bool {
	if len(head) < 4 {
		return false
	}
	_, _, ok := pcapMagic(head)
	return ok
}

func isPcapng(head []byte) bool {
	return len(head) >= 4 && bigEndian.u32(head) == blockSection
}

// maxText is the longest scenario that is read, in bytes.
const maxText = 64 << 20

// text reads scenario text. The records are the packets that it describes.
func (f *File) text(s *stream, opts *Options) error {
	head := s.buf[s.off:s.end]
	if opts.Text == nil || knownKind(head) != "" || bytes.IndexByte(head, 0) >= 0 || !utf8.Valid(trimRune(head)) {
		return unknown(head)
	}
	text, err := io.ReadAll(io.LimitReader(s, maxText+1))
	switch {
	case err != nil:
		return err
	case len(text) > maxText:
		return fmt.Errorf("is more than %d MiB of text", maxText>>20)
	case bytes.IndexByte(text, 0) >= 0 || !utf8.Valid(text):
		return unknown(head)
	}
	packets, err := opts.Text(text)
	if err != nil {
		return err
	}
	f.info.Format = "scenario"
	f.records, err = newPcapng(newStream(bytes.NewReader(packets), len(packets)+1), &f.info, &f.clock)
	return err
}

// trimRune drops an incomplete rune at the end of b.
func trimRune(b []byte) []byte {
	for n := 1; n < utf8.UTFMax && n <= len(b); n++ {
		if utf8.RuneStart(b[len(b)-n]) {
			if !utf8.FullRune(b[len(b)-n:]) {
				return b[:len(b)-n]
			}
			break
		}
	}
	return b
}

// otherKinds are files that people try to read, and what to do with them.
var otherKinds = []struct{ magic, what string }{
	{"BZh", "bzip2 is not read; unpack it: bzip2 -dc FILE | tcptrace -"},
	{"PK\x03\x04", "this is a zip archive; unpack it"},
	{"snoop\x00", "this is a snoop capture; convert it with editcap"},
	{"GMBU", "this is a Network Monitor capture; convert it with editcap"},
	{"RTSS", "this is a Network Monitor capture; convert it with editcap"},
	{"MDMP", "this is a crash dump"},
	{"\x93tcp\r\n", "this is a shard of a trace (docs/shards.md), which only tcptrace itself reads"},
	{"\x7fELF", "this is a program"},
}

// knownKind says what a file of another kind is, "" if that is not known.
func knownKind(head []byte) string {
	for _, o := range otherKinds {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return o.what
		}
	}
	return ""
}

func unknown(head []byte) error {
	what := knownKind(head)
	if what == "" {
		what = fmt.Sprintf("it begins with % x", head[:min(len(head), 8)])
	}
	return fmt.Errorf("is neither a pcap nor a pcapng file: %s", what)
}
