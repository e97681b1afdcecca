package decode

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tcptrace-go/tcptrace/internal/pcapng"
)

// notByTshark are the samples in which tshark 4.0 finds no TCP, and why. Later versions may.
var notByTshark = map[string]string{
	"pseudowire with control word": "it takes what follows a label for IP, unless it is configured otherwise",
	"pseudowire without":           "the same",
	"vxlan of old linux":           "an unregistered port",
	"null linux ipv6":              "it has no AF_INET6 of Linux in LINKTYPE_NULL",
	"nflog big-endian":             "it takes the byte order of its own machine",
	"fabricpath":                   "it wants to be told",
	"pppd":                         "it has no such link type",
	"prism":                        "it wants all values",
	"gre of aruba, 9000":           "it has no such type",
	"capwap":                       "it swaps frame control always",
	"capwap to the access point":   "the same",
	"from the port of one tunnel to that of another": "it looks at one of the two",
	"aruba's mirror, pcap":                           "it wants to be told",
	"aruba's mirror, pcap and radio":                 "the same",
	"aruba's mirror, ppi":                            "the same",
	"aruba's mirror, radiotap":                       "the same",
	"peek":                                           "the same",
	"peek, cut":                                      "the same",
	"peek 3":                                         "it does not know that version",
}

// Whatever is decoded here, tshark decodes to the same segment.
func TestDecode_tshark(t *testing.T) {
	tshark, err := exec.LookPath("tshark")
	if err != nil {
		t.Skip("tshark is not installed")
	}
	var b bytes.Buffer
	w := pcapng.NewWriter(&b)
	w.Begin(pcapng.Section{})
	ifaces := map[uint32]int{}
	var want []string
	list := samples()
	for i, s := range list {
		n, known := ifaces[s.link]
		if !known {
			n, _ = w.Interface(pcapng.Interface{Link: uint16(s.link)})
			ifaces[s.link] = n
		}
		w.Packet(&pcapng.Packet{Interface: n, At: int64(i), Data: s.frame, Len: len(s.frame)})
		want = append(want, fmt.Sprintf("%d|%d|%d|%d|%d", i+1, s.want.Src.Port, uint32(s.want.Seq), uint32(s.want.Ack), s.want.Len))
	}
	name := filepath.Join(t.TempDir(), "x.pcapng")
	if err := os.WriteFile(name, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(tshark, "-n", "-r", name, "-Y", "tcp", "-T", "fields", "-E", "separator=|", "-E", "occurrence=l",
		"-e", "frame.number", "-e", "tcp.srcport", "-e", "tcp.seq_raw", "-e", "tcp.ack_raw", "-e", "tcp.len").Output()
	if err != nil {
		t.Skip(err)
	}
	got := strings.Fields(string(out))
	for i, s := range list {
		if _, not := notByTshark[s.name]; !not && !slices.Contains(got, want[i]) {
			t.Errorf("%s: not the same in tshark", s.name)
		}
	}
}
