package capture

import (
	"bytes"
	"errors"
	"fmt"
	"io"
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
	if known, err := f.otherFormat(s, head); known || err != nil {
		return err
	}
	return f.text(s, opts)
}

// otherFormat recognises what other tools write.
func (f *File) otherFormat(s *stream, head []byte) (known bool, err error) {
	switch {
	case bytes.HasPrefix(head, []byte(snoopMagic)):
		f.info.Format = "snoop"
		f.records, err = newSnoop(s, &f.info)
	case bytes.HasPrefix(head, []byte(netmon1Magic)):
		f.info.Format = "netmon1"
		f.records, err = newNetmon(s, &f.info)
	case bytes.HasPrefix(head, []byte(netmon2Magic)):
		f.info.Format = "netmon2"
		f.records, err = newNetmon(s, &f.info)
	case len(head) >= erfHeader && knownKind(head) == "" && isERF(s):
		f.info.Format = "erf"
		f.records = newERF(s, &f.info)
	default:
		return false, nil
	}
	return true, err
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

// otherKinds are files that people try to read, and what to do with them.
var otherKinds = []struct{ magic, what string }{
	{"BZh", "bzip2 is not read; unpack it: bzip2 -dc FILE | tcptrace -"},
	{"PK\x03\x04", "this is a zip archive; unpack it"},
	{"7z\xbc\xaf\x27\x1c", "this is a 7-Zip archive; unpack it"},
	{"Rar!\x1a\x07", "this is a RAR archive; unpack it"},
	{"MDMP", "this is a crash dump"},
	{"\x93tcp\r\n", "this is a shard of a trace (docs/shards.md), which only tcptrace itself reads"},
	{"\x7fELF", "this is a program"},
	{"iptrace 1.0", "this is a capture of AIX iptrace 1.0" + byEditcap},
	{"iptrace 2.0", "this is a capture of AIX iptrace 2.0" + byEditcap},
	{"XCP\x00", "this is a capture of NetXray or Sniffer for Windows" + byEditcap},
	{"VL\x00\x00", "this is a capture of NetXray 1.0" + byEditcap},
	{"TRSNIFF data    \x1a", "this is a capture of the DOS Sniffer" + byEditcap},
	{"\x7fver", "this is a capture of OmniPeek or EtherPeek (tagged)" + byEditcap},
	{"ObserverPktBuffe", "this is a capture of Network Instruments Observer" + byEditcap},
	{"NetS", "this is a capture of NetScaler (nstrace)" + byEditcap},
	{"\x05VNF", "this is a capture of Visual Networks Visual UpTime" + byEditcap},
	{"\xaa\xaa\xaa\xaa", "this is a capture of InfoVista 5View" + byEditcap},
	{"\x54\x52\x00\x64\x00", "this is a capture of HP-UX nettl" + byEditcap},
	{"btsnoop\x00", "this is a Bluetooth capture (btsnoop), which has no TCP"},
	{"\x00\x00\x02\x00\x12\x05\x00\x10", "this is a capture of Tektronix K12" + byEditcap},
	{"+---------+---------------+----------+", "this is Wireshark's text in the form of K12" + byEditcap},
	{"iplog", "this is a capture of Cisco Secure IDS" + byEditcap},
	{"\x01\x10\x4c\x00\x01\x05", "this is a capture of Novell LANalyzer" + byEditcap},
	{"\x01\x10", "this looks like a capture of Novell LANalyzer" + byEditcap},
	{"WPCAP", "this is a WildPackets capture" + byEditcap},
}

// byEditcap is how to convert what Wireshark reads.
const byEditcap = "; convert it: editcap -F pcapng FILE out.pcapng"

// knownKind says what a file of another kind is, "" if that is not known.
func knownKind(head []byte) string {
	for _, o := range otherKinds {
		if bytes.HasPrefix(head, []byte(o.magic)) {
			return o.what
		}
	}
	if isETL(head) {
		return "this is an event trace of Windows (ETL, from netsh trace or pktmon); convert it: pktmon etl2pcap FILE, or etl2pcapng FILE out.pcapng"
	}
	if isCommView(head) {
		return "this is a capture of CommView" + byEditcap
	}
	return ""
}

// isCommView recognises a log of TamoSoft CommView, which has no magic number, by the head of
// its first packet: its length, once in four bytes (NCFX) or twice in two (NCF), and its time.
func isCommView(head []byte) bool {
	const least = 24
	if len(head) < least {
		return false
	}
	date := head[4:]
	if littleEndian.u16(head) == littleEndian.u16(head[2:]) && head[4] == 0 {
		date = head[5:]
	} else if size := littleEndian.u32(head); size == 0 || size > 1<<16 {
		return false
	}
	year, month, day, hour, minute, second := littleEndian.u16(date), date[2], date[3], date[4], date[5], date[6]
	return year >= 1998 && year < 2100 && month-1 < 12 && day-1 < 31 && hour < 24 && minute < 60 && second < 60
}

// isETL recognises an event trace log: a buffer header (WMI_BUFFER_HEADER) of 72
// bytes that begins with the size of a buffer, and an event that describes the log.
func isETL(head []byte) bool {
	const header = 72
	if len(head) < header+4 {
		return false
	}
	size := littleEndian.u32(head)
	return size >= 4096 && size <= 16<<20 && size%4096 == 0 && head[header+2]&^1 == 0 && head[header+3] == 0xc0
}

func unknown(head []byte) error {
	what := knownKind(head)
	if what == "" {
		what = fmt.Sprintf("it begins with % x", head[:min(len(head), 8)])
	}
	return fmt.Errorf("is neither a capture nor text: %s", what)
}
